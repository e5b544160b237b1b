"""Adding words to a trained model without training, and taking them out again."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from camfuse.clips.labels import normal_label
from camfuse.clips.table import split_unknown
from camfuse.data.dataset import ClipDataset
from camfuse.errors import AllLeftOutError, ClipError, WeightsError, bullet_list
from camfuse.model.checkpoint import Checkpoint
from camfuse.predict.enrolled import EnrolledWords, check_word
from camfuse.predict.feature_space import FeatureSpace, checkpoint_hash
from camfuse.predict.network import Device, find_checkpoint
from camfuse.predict.recognise import TrainedModel, clip_of
from camfuse.predict.spans import find_spans, whole_video
from camfuse.predict.torch_network import TorchNetwork
from camfuse.run.layout import Run, check_complete
from camfuse.weights.needed import sha256_of

log = logging.getLogger(__name__)

SAMPLINGS = 2
"""Of each clip of the run, whose features are averaged."""
INPUTS = ("rgb", "heatmaps", "sequence")
"""Names of a sample's tensors that the model is given."""


def enroll(
    model: Path,
    word: str,
    clips: Sequence[Path],
    *,
    whole: bool = False,
    estimator: str | None = None,
    other_estimator: bool = False,
    device: Device = "auto",
) -> EnrolledWords:
    """Add clips of a word; those that it has already stay, and count once when they are given again.

    The first time, the clips of the model's run are looked at, where they are at hand: where the trained words lie is
    then known, and travels beside the checkpoint.

    Parameters
    ----------
    model
        A run's folder or a ``best.ckpt``.
    word
        Not one that the model was trained on, nor one that only its case tells from a trained or enrolled one.
    clips
        Videos of one sign each, none of which is enrolled as another word; all are added or none.
    whole
        Whether each is one sign from its beginning to its end; else the sign is looked for.
    estimator, other_estimator, device
        As `camfuse.predict.recognise.load` takes them.

    Returns
    -------
    EnrolledWords
        All words that the model has now besides its own.

    Raises
    ------
    ClipError
        If a video cannot be decoded, or does not show one sign; of several, all that is wrong is said.
    WeightsError
        If there is no model, or the word is one of its own, or a video is enrolled as another word.
    ConfigError, MissingToolError
        If the estimator or the device is not for this model, or not here.
    """
    checkpoint = find_checkpoint(model)
    network = TorchNetwork.load(checkpoint, device)
    facts = network.facts
    weights = checkpoint_hash(checkpoint)
    words = EnrolledWords.beside(checkpoint, weights)
    word = check_word(word, facts.classes, facts.config.train.unknown_words or (), words.labels)
    fresh = _not_yet(words, word, _each_once(clips))
    if fresh:
        with TrainedModel(network, estimator=estimator, other_estimator=other_estimator) as trained:
            features = _features_of(trained, network, word, list(fresh.values()), whole=whole)
        words = words.with_clips(word, features, list(fresh))
    if FeatureSpace.beside(checkpoint, weights) is None:
        space = _lay_out(checkpoint, network, weights)
        if space is None:
            log.warning(
                "%s: the clips of its run are not at hand, so %s cannot be weighed against the trained words: predict "
                "with --only-enrolled, or enroll where the run is",
                checkpoint,
                word,
            )
        else:
            space.save(checkpoint.parent)
    words.save(checkpoint.parent)
    return words


def _each_once(clips: Sequence[Path]) -> dict[str, Path]:
    """Return the videos by their SHA-256, without those that are another one: a clip given twice would count twice."""
    first: dict[str, Path] = {}
    for clip in clips:  # what is no file is told so where it is opened
        same = first.setdefault(sha256_of(clip) if clip.is_file() else str(clip), clip)
        if same is not clip:
            log.warning("%s is the same video as %s: it counts once", clip, same)
    return first


def _not_yet(words: EnrolledWords, word: str, clips: Mapping[str, Path]) -> dict[str, Path]:
    """Return the videos that are not enrolled yet.

    Raises
    ------
    WeightsError
        If one is enrolled as another word: of two words with the same clips each would get half of every answer.
    """
    before = {sha256: words.word_of(sha256) for sha256 in clips}
    others = [f"{clips[sha256]}: {other}" for sha256, other in before.items() if other not in (None, word)]
    if others:
        raise WeightsError(
            f"{word}: expected videos of no other word, found {len(others)} of {len(clips)} enrolled already; "
            f"give others, or `camfuse forget` that word first\n{bullet_list(others)}"
        )
    for sha256, known in before.items():
        if known == word:
            log.warning("%s is enrolled as %s already: it counts once", clips[sha256], word)
    return {sha256: clip for sha256, clip in clips.items() if before[sha256] is None}


def forget(model: Path, word: str) -> None:
    """Take a word that was enrolled out again.

    Raises
    ------
    WeightsError
        If there is no model, or no such word beside it, or it is one that the model was trained on.
    """
    checkpoint = find_checkpoint(model)
    word = normal_label(word)
    words = EnrolledWords.stored(checkpoint) or EnrolledWords("")
    if word not in words.labels:
        if word in Checkpoint.load(checkpoint).classes:
            raise WeightsError(
                f"{word}: the model was trained on it, and trained words cannot be forgotten; "
                "`camfuse predict --only-enrolled` answers without them"
            )
        there = f"one of the words enrolled here ({', '.join(words.labels)})" if words.labels else "an enrolled word"
        raise WeightsError(f"{checkpoint}: expected {there}, found {word if words.labels else 'none'}")
    words.without(word).save(checkpoint.parent)


def _features_of(
    model: TrainedModel, network: TorchNetwork, word: str, clips: Sequence[Path], *, whole: bool
) -> NDArray[np.float32]:
    """Return the features (n, D) of the clips, or say what is wrong with each that has none."""
    found, problems = [], []
    for clip in clips:
        try:
            found.append(clip_features(model, network, clip, whole=whole))
        except ClipError as error:
            if len(clips) == 1:
                raise
            problems.append(f"{clip}: {error.reason}")
    if problems:
        reasons = bullet_list(problems)
        raise ClipError(
            f"of {word}", f"{len(problems)} of {len(clips)} videos cannot be enrolled, so none was\n{reasons}"
        )
    return np.stack(found)


def clip_features(model: TrainedModel, network: TorchNetwork, video: Path, *, whole: bool) -> NDArray[np.float32]:
    """Return the features (D,) of the one sign of a video, averaged over its samplings.

    Raises
    ------
    ClipError
        If it cannot be decoded, or shows no sign or several.
    """
    observed = model.observe(clip_of(video))
    model.check_seen(observed)
    spans = [whole_video(observed.frames)] if whole else find_spans(observed.frames, observed.keypoints)
    if len(spans) != 1:
        raise ClipError(
            str(video),
            f"expected one sign to enroll, found {len(spans)} of them: cut the video, or say --whole if it is one",
        )
    mean: NDArray[np.float32] = network.features(model.inputs(observed.clip.clip_id, *observed.part(spans[0]))).mean(0)
    return mean


def _lay_out(checkpoint: Path, network: TorchNetwork, weights: str) -> FeatureSpace | None:
    """Return the space of the clips that the model was trained and validated on; None where they are not at hand."""
    facts = network.facts
    for folder in checkpoint.resolve().parents:
        run = Run(facts.config.model_copy(update={"output": folder}))
        if run.config_file.is_file():
            break
    else:
        return None
    if not run.clip_files.clips.is_file() or check_complete(run, facts.part):
        return None
    rows, _ = split_unknown(run.clips(), facts.config.train.unknown_words)
    train, labels = features_of_rows(run, network, rows[rows["split"] == "train"])
    space = FeatureSpace.of(weights, train, labels, len(facts.classes))
    val = rows[rows["split"] == "val"]
    try:
        return space.fitted(train, labels, *features_of_rows(run, network, val)) if len(val) else space
    except AllLeftOutError:
        return space


def features_of_rows(
    run: Run, network: TorchNetwork, rows: pd.DataFrame
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the features (n, D) and class indices (n,) of clips of a run: rows of its clip table.

    Raises
    ------
    ShardError
        If a shard is missing or stale, or all clips were left out.
    """
    dataset = ClipDataset(rows, run, part=network.facts.part, augment=False, samplings=SAMPLINGS)
    found = []
    for number in tqdm(range(len(dataset)), desc="where the trained words lie", unit="clip", mininterval=1.0):
        sample = dataset[number]
        inputs = {name: value.numpy() for name, value in sample.items() if name in INPUTS and isinstance(value, Tensor)}
        found.append(network.features(inputs).mean(0))
    return np.stack(found), np.array(dataset.labels, np.int64)
