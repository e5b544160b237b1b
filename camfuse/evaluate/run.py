"""The test: every clip sampled several times, probabilities averaged, one row per way of combining the streams.

The rows (`camfuse.evaluate.rows`) are there as far as their checkpoints are given. The weights are the config's, or
chosen on val (``evaluate.weights: tuned``); test labels never reach them.

Files: ``results.csv`` and ``results.json`` (the same rows; the JSON also says under what they were made, and which
clips are missing), ``predictions.csv`` (a line per clip), ``probabilities.npz`` (all of it), ``confusion.csv`` (of the
main row).
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from camfuse.clips.label_files import name_some, read_text
from camfuse.clips.seen import seen
from camfuse.clips.signers import count_signers
from camfuse.clips.table import split_unknown
from camfuse.config import Part, Split, Stream
from camfuse.data.dataset import ClipDataset
from camfuse.errors import AllLeftOutError, ConfigError, TableError
from camfuse.evaluate.combine import Weights, combine, row_sources
from camfuse.evaluate.confidence import Confidence, calibrate, measure
from camfuse.evaluate.missing import find_missing
from camfuse.evaluate.prediction_files import Predictions, write_all
from camfuse.evaluate.reliability import measure_reliability
from camfuse.evaluate.result_text import result_text
from camfuse.evaluate.results import CheckpointFacts, Results, write_results
from camfuse.evaluate.rows import FUSED, MAIN
from camfuse.evaluate.score import score
from camfuse.evaluate.signers import score_signers
from camfuse.metrics import likely_weights, tuned_weights
from camfuse.model.checkpoint import Checkpoint, check_trained
from camfuse.predict.calibration import Calibration
from camfuse.predict.network import find_model
from camfuse.predict.probabilities import HeadPredictions, Predictor, load_checkpoints
from camfuse.run.layout import EvaluationFiles, Run

log = logging.getLogger(__name__)


def evaluate(
    run: Run,
    checkpoints: Mapping[Part, Path],
    output: Path,
    split: Split = "test",
) -> Results:
    """Test checkpoints on a split and write the result files.

    Parameters
    ----------
    run
        Whose clips and shards are read.
    checkpoints
        ``best.ckpt`` of each part that is there.
    output
        Folder to write to.
    split
        Which clips.

    Raises
    ------
    ConfigError
        If weights are to be chosen on val, and val is also what is tested on, or has no clips.
    TableError
        If the split has no clips.
    WeightsError
        If a checkpoint is missing, or was trained for other classes or under another config.
    ShardError
        If a shard is missing or stale.
    """
    trained = load_checkpoints(run.config, checkpoints, run.classes())
    predictions, results = evaluate_clips(run, trained, split=split, calibrated=True)
    files = EvaluationFiles(output)
    write_results(results, files)
    write_all(predictions, files)
    _write_calibrations(run, checkpoints, results, output)
    log.info("%s\n%s", output, result_text(results))
    return results


def evaluate_clips(
    run: Run,
    trained: Mapping[Part, Checkpoint],
    *,
    split: Split = "test",
    inputs: Part | None = None,
    only: Collection[str] | None = None,
    calibrated: bool = False,
) -> tuple[Predictions, Results]:
    """Predict the clips of a split and count what is right.

    Parameters
    ----------
    run
        Whose clips and shards are read.
    trained
        The models.
    split
        Which clips.
    inputs
        The one stream whose input a fused model is given, the shards of the others need not be there; left out, all
        that the models take.
    only
        Ids of the clips to take; left out, all of the split.
    calibrated
        Whether val is predicted too, where there is one and it is not what is tested, to calibrate each row on it.

    Raises
    ------
    ConfigError, TableError, ShardError
        As `evaluate`.
    """
    every: Part = next(iter(trained)) if len(trained) == 1 else "fusion"
    part = inputs or every
    config = run.config
    asked, strange = split_unknown(_rows(run, split, only), config.train.unknown_words)
    if len(asked) == 0:
        raise TableError(run.clip_files.clips, [f"expected a clip of split `{split}` of a word that was trained"])
    _check_unseen(run, split, asked, trained)
    dataset, predictor = _dataset(run, part, asked), Predictor(config, trained)
    tested = predictor.predict(dataset)
    missing, by_class = find_missing(run, split, asked, dataset.left_out, whole=only is None)
    chooses = config.evaluate.chooses_weights and bool(row_sources(tested))
    val = _val(run, predictor, part) if split != "val" and (calibrated or chooses) else None
    weights = _weights(run, tested, val, split)
    classes = next(iter(trained.values())).classes
    rows = combine(tested, weights)
    confidence = {}
    if val and calibrated:
        confidence = _confidence(run, weights, val, _Seen(tested, _predicted(run, predictor, part, strange)))
    main = next(name for name in MAIN if name in rows)
    trained_on, _ = split_unknown(run.clips(), config.train.unknown_words)
    trained_on = trained_on[trained_on["split"] == "train"]
    predictions = Predictions(tested.clips, classes, tested.labels, rows, main)
    results = Results(
        split=split,
        samplings=config.evaluate.samplings,
        classes=len(classes),
        weights=weights,
        tuned=config.evaluate.chooses_weights,
        main=main,
        rows={name: score(values, tested.labels, missing=by_class) for name, values in rows.items()},
        checkpoints={
            part: CheckpointFacts(one.epoch, one.fingerprint, one.parameters) for part, one in trained.items()
        },
        fingerprint=run.fingerprint("evaluate"),
        seed=config.seed,
        missing=missing,
        untrained=_untrained(tested.clips, trained_on, trained),
        confidence=confidence,
        signers=count_signers(tested.clips, trained_on),
        by_signer=score_signers(tested.clips, trained_on, rows, tested.labels),
        reliability=measure_reliability(rows, tested.labels, {name: one.chosen for name, one in confidence.items()}),
    )
    return predictions, results


def evaluate_checkpoint(
    run: Run,
    weights: Path,
    *,
    split: Split = "test",
    inputs: Stream | None = None,
    only: Collection[str] | None = None,
) -> tuple[Predictions, Results]:
    """Test one checkpoint, or the model of a run's folder, on the run's clips, as `evaluate_clips` does.

    Whether its training validated is the checkpoint's own matter; all else must be as in the run's config.

    Raises
    ------
    WeightsError
        If the checkpoint is missing or was trained for other classes or under another config, or the folder has none.
    ConfigError
        If `inputs` is not what the checkpoint takes, or weights cannot be chosen on val.
    TableError, ShardError
        As `evaluate`.
    """
    weights = find_model(weights) if weights.is_dir() else weights
    found = Checkpoint.load(weights)
    validated = found.config.get("train", {}).get("validation", True)
    train = run.config.train.model_copy(update={"validation": validated})
    own = Run(run.config.model_copy(update={"train": train}))
    check_trained(found, weights, found.part, own.config, own.classes())
    takes = own.config.model.streams_of(found.part)
    if inputs and inputs not in takes:
        raise ConfigError(f"{weights}: expected a model that takes {inputs}, found one of {', '.join(takes)}")
    return evaluate_clips(own, {found.part: found}, split=split, inputs=inputs, only=only)


def read_clip_ids(path: Path) -> list[str]:
    """Read a file with one clip id a line.

    Raises
    ------
    TableError
        If there is no such file, it is no text, or there is no id in it.
    """
    if not path.is_file():
        raise TableError(path, ["expected a file with one clip id a line, found no file"])
    ids = read_text(path).split()
    if not ids:
        raise TableError(path, ["expected at least one clip id, found none"])
    return ids


def _check_unseen(run: Run, split: Split, rows: pd.DataFrame, trained: Mapping[Part, Checkpoint]) -> None:
    """Warn of clips of val or test that a checkpoint was trained on, or refuse them where the config says so."""
    if split == "train":
        return
    for part, one in trained.items():
        found = rows["clip_id"][seen(rows, one.clips)].tolist()
        if not found:
            continue
        note = f"{len(found)} of {len(rows)} clips of {split} are among those it was trained on: {name_some(found)}"
        if run.config.clips.leaks == "refuse":
            raise TableError(f"the checkpoint of {part}, where `clips.leaks: refuse` allows no leak", [note])
        log.warning("the checkpoint of %s: %s; its figures are too high", part, note)


def _untrained(tested: pd.DataFrame, train: pd.DataFrame, trained: Mapping[Part, Checkpoint]) -> dict[str, int]:
    """Count the tested clips of each word that had no clip in training, because a stage left them all out.

    Only for checkpoints that were trained on clips of the table: what another one saw is not known by word.
    """
    words = [set(train["label"][seen(train, one.clips)]) for one in trained.values()]
    if not all(words):
        return {}
    never = tested["label"][~tested["label"].isin(set.union(*words))]
    return {str(label): int(count) for label, count in never.value_counts(sort=False).items()}


def _rows(run: Run, split: Split, only: Collection[str] | None = None) -> pd.DataFrame:
    table, rows = run.clip_files.clips, run.clips()
    rows = rows[rows["split"] == split]
    if only is not None:
        if unknown := set(only) - set(rows["clip_id"]):
            raise TableError(table, [f"{clip_id}: no such clip of split `{split}`" for clip_id in sorted(unknown)])
        rows = rows[rows["clip_id"].isin(set(only))]
    if len(rows) == 0:
        raise TableError(table, [f"expected at least one clip of split `{split}`, found none"])
    return rows


def _dataset(run: Run, part: Part, rows: pd.DataFrame) -> ClipDataset:
    return ClipDataset(rows, run, part=part, augment=False, samplings=run.config.evaluate.samplings, compact=True)


# ------------------------------------------------------------------------------------------- rows and their weights


def _weights(run: Run, tested: HeadPredictions, val: "_Seen | None", split: Split) -> Weights:
    """Return the config's weights, or those that do best on val; of the clips that are tested only the heads count."""
    given = run.config.evaluate.weights
    sources = row_sources(tested)
    if not sources:
        return {}
    if not run.config.evaluate.chooses_weights:
        names = (*run.config.model.streams, "joint")
        configured = dict(zip(names, run.config.training_weights, strict=True))
        own = {row: {head: configured[head] for head in heads} for row, heads in sources.items()}
        # a fused model that is given one input only may have just heads of weight 0, as in `camfuse predict`
        return {row: found if any(found.values()) else dict.fromkeys(found, 1.0) for row, found in own.items()}
    if split == "val":
        raise ConfigError(f"evaluate.weights: `{given}` chooses on val, so val cannot be tested on: give numbers")
    if val is None:
        found = "no clip is of split `val`, or all of them were left out"
        raise ConfigError(f"evaluate.weights: `{given}` chooses on val, and {found}: give numbers")
    choose = tuned_weights if given == "tuned" else likely_weights
    known = val.known
    return {
        row: dict(zip(heads, choose(heads, known.labels), strict=True)) for row, heads in row_sources(known).items()
    }


# ------------------------------------------------------------------------------------------- calibration


@dataclass(frozen=True)
class _Seen:
    """What was predicted of a split: clips of trained words, and of those kept out of training if there are any."""

    known: HeadPredictions
    strangers: HeadPredictions | None


def _predicted(run: Run, predictor: Predictor, part: Part, rows: pd.DataFrame) -> HeadPredictions | None:
    """Return the predictions of clips that the test does not rest on; None where there are none."""
    if len(rows) == 0:
        return None
    try:
        dataset = _dataset(run, part, rows)
    except AllLeftOutError as error:
        log.warning("%s: goes on without them", error)
        return None
    return predictor.predict(dataset)


def _val(run: Run, predictor: Predictor, part: Part) -> _Seen | None:
    rows = run.clips()
    known, strange = split_unknown(rows[rows["split"] == "val"], run.config.train.unknown_words)
    found = _predicted(run, predictor, part, known)
    return _Seen(found, _predicted(run, predictor, part, strange)) if found else None


def _confidence(run: Run, weights: Weights, val: _Seen, tested: _Seen) -> dict[str, Confidence]:
    """Calibrate each row on val, and measure that on the tested clips."""
    chosen_on, rows = combine(val.known, weights), combine(tested.known, weights)
    val_strangers, strangers = (combine(seen.strangers, weights) if seen.strangers else {} for seen in (val, tested))
    found = {}
    for name, values in rows.items():
        calibration = calibrate(
            chosen_on[name],
            val.known.labels,
            false_accepts=run.config.evaluate.false_accepts,
            strangers=val_strangers.get(name),
        )
        found[name] = measure(calibration, values, tested.known.labels, strangers.get(name))
    return found


def _write_calibrations(run: Run, checkpoints: Mapping[Part, Path], results: Results, output: Path) -> None:
    """Put each model's calibration beside its checkpoint, where `camfuse predict` looks for it.

    A training that an experiment has in common with the main run has the main run's, whatever the experiment changes of
    `evaluate`: who tests first or last must not matter.
    """
    own = output.resolve() == run.evaluation.folder.resolve()
    for part, path in checkpoints.items():
        if results.split == "val" or not (own or path.resolve().is_relative_to(run.shared_trainings.resolve())):
            continue
        found = results.confidence.get(FUSED if part == "fusion" else part)
        tuned = results.weights.get(FUSED) if part == "fusion" and results.tuned else None
        calibration = Calibration(weights=tuned)
        if found:
            calibration = Calibration(found.temperature, found.threshold, found.false_accepts, tuned)
        calibration.save(path.parent)
