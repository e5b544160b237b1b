"""One sequence stream trained on several data sets at once, a head for each vocabulary, for trainings to start from.

Each batch is of one set, drawn with a probability that grows with the square root of its clips; the stream is in all of
them, a set's head in its own. Augmentation, mixup and rate are those of each run's, or of the first run's, own config.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from camfuse.clips.seen import written
from camfuse.config import Config
from camfuse.data.batch import collate
from camfuse.data.dataset import ClipDataset, Sample
from camfuse.digest import seal
from camfuse.errors import ConfigError, TableError
from camfuse.files import atomic
from camfuse.model.recogniser import Recogniser, build_recogniser
from camfuse.model.sequence import pooled_over_time
from camfuse.run.layout import Run
from camfuse.train.mixup import mix_clips
from camfuse.train.optimizer import base_rate, build_schedule

log = logging.getLogger(__name__)
SHOWN = 10
"""Lines of the log, spread over the steps."""


@dataclass(frozen=True)
class _Set:
    """One run's training clips, and the head of its vocabulary."""

    run: Run
    clips: ClipDataset
    head: nn.Module


def pretrain(runs: Sequence[Run], output: Path, *, steps: int) -> None:
    """Train the sequence stream on the training clips of several runs and write its weights.

    A config starts from them by ``model: {sequence: {weights: {path: FILE}}}``. The same runs, in the same order, give
    the same weights on the same machine.

    Parameters
    ----------
    runs
        Whose poses are there, up to stage ``pose``; test and val clips are not looked at.
    output
        File to write to: the stream's weights, what they were made of, and which clips those are.
    steps
        Batches, over all sets.

    Raises
    ------
    ConfigError
        If there is no run, or one has no sequence stream, or one of another size than the first's.
    TableError
        If a run has no clip for training.
    ShardError
        If a shard of poses is missing or stale.
    """
    _check(runs)
    first = runs[0].config
    torch.manual_seed(first.seed)
    sets, stream = _sets(runs), build_recogniser(first.model, num_classes=1, part="sequence")
    stream.head_sequence = None  # each set has its own
    modules = nn.ModuleList([stream, *(one.head for one in sets)]).train()
    phase = first.train.sequence
    optimizer = torch.optim.AdamW(modules.parameters(), lr=base_rate(phase, 1), weight_decay=phase.weight_decay)
    schedule = build_schedule(optimizer, phase, steps)
    rng = np.random.default_rng([first.seed, len(runs)])
    share = np.sqrt([len(one.clips) for one in sets])
    losses: list[list[float]] = [[] for _ in sets]
    for step in range(steps):
        chosen = int(rng.choice(len(sets), p=share / share.sum()))
        loss = _loss(stream, sets[chosen], phase.batch, step, rng)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(modules.parameters(), phase.clip_norm)
        optimizer.step()
        schedule.step()
        losses[chosen].append(float(loss.detach()))
        if (step + 1) % max(1, steps // SHOWN) == 0:
            _say(step + 1, steps, sets, losses)
    _write(stream, sets, losses, steps, output)


def _check(runs: Sequence[Run]) -> None:
    if not runs:
        raise ConfigError("pretrain: expected a config or more, found none")
    sizes = [_size(run.config) for run in runs]
    for run, size in zip(runs, sizes, strict=True):
        if size is None:
            raise ConfigError(f"{run.config.output}: expected a model with a sequence stream: set `model.sequence`")
        if size != sizes[0]:
            raise ConfigError(
                f"{run.config.output}: expected model.sequence as in {runs[0].config.output}, {sizes[0]}, found {size}"
            )


def _size(config: Config) -> dict[str, object] | None:
    section = config.model.sequence
    return section.model_dump(include={"frames", "width", "depth", "kernel"}) if section else None


def _sets(runs: Sequence[Run]) -> list[_Set]:
    found = []
    for run in runs:
        rows, section = run.clips(), run.config.model.sequence
        rows = rows[rows["split"] == "train"]
        if len(rows) == 0:
            raise TableError(run.clip_files.clips, ["expected at least one clip of split `train`, found none"])
        assert section is not None
        clips = ClipDataset(rows, run, part="sequence", augment=True)
        head = nn.Sequential(nn.Dropout(section.dropout), nn.Linear(2 * section.width, len(run.classes())))
        found.append(_Set(run, clips, head))
        log.info("%s: %d clips of %d words", run.config.output, len(clips), len(run.classes()))
    return found


def _loss(stream: Recogniser, one: _Set, size: int, step: int, rng: np.random.Generator) -> Tensor:
    """Return the cross-entropy of a batch of one set, with label smoothing and mixup as its run has them."""
    rows = rng.integers(len(one.clips), size=size).tolist()
    # the step counts as the epoch: a clip is augmented anew each time
    batch: Sample = collate([one.clips[step, row] for row in rows])
    other, share, train = batch["label"], 1.0, one.run.config.train
    if alpha := train.sequence_augment.mixup:
        mixed = mix_clips(batch, alpha, rng)
        batch, other, share = mixed.batch, mixed.other, mixed.share
    assert stream.sequence is not None
    logits = one.head(pooled_over_time(stream.sequence(batch["sequence"].flatten(0, 1))))  # (B, 1, F, L) -> (B, F, L)
    smoothing = train.sequence.label_smoothing
    losses = [functional.cross_entropy(logits, labels, label_smoothing=smoothing) for labels in (batch["label"], other)]
    return share * losses[0] + (1 - share) * losses[1]


def _say(step: int, steps: int, sets: Sequence[_Set], losses: Sequence[Sequence[float]]) -> None:
    means = (
        f"{one.run.config.output} {np.mean(values[-50:]):.3f}"
        for one, values in zip(sets, losses, strict=True)
        if values
    )
    log.info("step %d of %d, loss: %s", step, steps, ", ".join(means))


def _write(
    stream: Recogniser, sets: Sequence[_Set], losses: Sequence[Sequence[float]], steps: int, output: Path
) -> None:
    made_of = [
        {
            "run": str(one.run.config.output),
            "clips": len(one.clips),
            "words": len(one.run.classes()),
            "steps": len(values),
            "loss": float(np.mean(values[-50:])) if values else None,
        }
        for one, values in zip(sets, losses, strict=True)
    ]
    clips = sorted(set[str]().union(*(written(one.clips.clips) for one in sets)))
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic(output) as part:
        torch.save({"state": stream.state_dict(), "made_of": made_of, "steps": steps, "clips": clips}, part)
        seal(part)
