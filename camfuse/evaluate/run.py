"""The test: every clip sampled several times, probabilities averaged, one row per way of combining the streams.

Rows, in this order, as far as their checkpoints are given:

rgb, pose                                 each stream alone, from its own training
fused                                     the fused model: weighted mean of its heads' probabilities
late                                      mean of rgb and pose: what fusion without training reaches
fusion/rgb, fusion/pose, fusion/joint     the fused model's heads, one by one

The weights are the config's, or chosen on val (``evaluate.weights: tuned``); test labels never reach them.

Files: ``results.csv`` and ``results.json`` (the same rows; the JSON also says under what they were made),
``predictions.csv`` (a line per clip), ``probabilities.npz`` (all of it), ``confusion.csv`` (of the main row).
"""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal, TypedDict

from torch import Tensor

from camfuse.config import Part, Split
from camfuse.data.dataset import ClipDataset
from camfuse.errors import ConfigError, TableError
from camfuse.evaluate.prediction_files import Predictions, write_all
from camfuse.evaluate.results import parse_results, result_text
from camfuse.metrics import score, tuned_weights, weighted_mean
from camfuse.model.checkpoint import Checkpoint, check_trained
from camfuse.model.recogniser import HEADS
from camfuse.predict.probabilities import HeadPredictions, load_checkpoints, predict
from camfuse.run.layout import Run

log = logging.getLogger(__name__)
FUSED, LATE = "fused", "late"
ROWS = ("rgb", "pose", FUSED, LATE, "fusion/rgb", "fusion/pose", "fusion/joint")
MAIN = (FUSED, LATE, "pose", "rgb")
"""The row that speaks for the run: the first of these that there is."""
Weights = dict[str, dict[str, float]]
"""Of the probabilities behind the rows `fused` and `late`, by head or stream."""


class ResultFile(TypedDict):
    """What ``results.json`` holds; `camfuse.evaluate.results` reads it.

    ``rows`` have the key ``row`` and the numbers of `camfuse.metrics.score`, all shares in 0..1; ``main`` names the
    row that ``confusion.csv`` and the top classes of ``predictions.csv`` belong to; ``weights`` are those behind the
    rows fused and late, and ``tuned`` says whether they were chosen on val; ``checkpoints`` gives epoch, fingerprint
    and number of parameters of each part.
    """

    split: str
    samplings: int
    classes: int
    weights: Weights
    tuned: bool
    main: str
    rows: list[dict[str, float | str]]
    checkpoints: dict[str, dict[str, int | str]]
    fingerprint: str
    seed: int


def evaluate(
    run: Run,
    checkpoints: Mapping[Part, Path],
    output: Path,
    split: Split = "test",
) -> ResultFile:
    """Test checkpoints on a split and write the result files.

    Parameters
    ----------
    run
        Whose clips and shards are read.
    checkpoints
        ``best.ckpt`` of each part that is there: keys rgb, pose, fusion.
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
    predictions, results = evaluate_clips(run, trained, split=split)
    write_all(predictions, results, output)
    log.info("%s\n%s", output, result_text(parse_results(results)))
    return results


def evaluate_clips(
    run: Run,
    trained: Mapping[Part, Checkpoint],
    *,
    split: Split = "test",
    inputs: Part | None = None,
    only: Collection[str] | None = None,
) -> tuple[Predictions, ResultFile]:
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
        rgb or pose: what a fused model is given, the shards of the other need not be there; left out, all that the
        models take.
    only
        Ids of the clips to take; left out, all of the split.

    Raises
    ------
    ConfigError, TableError, ShardError
        As `evaluate`.
    """
    every: Part = next(iter(trained)) if len(trained) == 1 else "fusion"
    part = inputs or every
    config = run.config
    tested = predict(config, _dataset(run, part, split, only), trained)
    weights = _weights(run, trained, tested, part, split)
    classes = next(iter(trained.values())).classes
    rows = combine(tested, weights)
    main = next(name for name in MAIN if name in rows)
    predictions = Predictions(tested.clips, classes, tested.labels, rows, main)
    results = ResultFile(
        split=split,
        samplings=config.evaluate.samplings,
        classes=len(classes),
        weights=weights,
        tuned=config.evaluate.weights == "tuned",
        main=main,
        rows=[{"row": name, **score(values, tested.labels, seed=config.seed)} for name, values in rows.items()],
        checkpoints={
            part: {"epoch": one.epoch, "fingerprint": one.fingerprint, "parameters": one.parameters}
            for part, one in trained.items()
        },
        fingerprint=run.fingerprint("evaluate"),
        seed=config.seed,
    )
    return predictions, results


def evaluate_checkpoint(
    run: Run,
    weights: Path,
    *,
    split: Split = "test",
    inputs: Literal["rgb", "pose"] | None = None,
    only: Collection[str] | None = None,
) -> tuple[Predictions, ResultFile]:
    """Test one checkpoint on the run's clips, as `evaluate_clips` does.

    Whether its training validated is the checkpoint's own matter; all else must be as in the run's config.

    Raises
    ------
    WeightsError
        If the checkpoint is missing or was trained for other classes or under another config.
    ConfigError
        If `inputs` is not what the checkpoint takes, or weights cannot be chosen on val.
    TableError, ShardError
        As `evaluate`.
    """
    found = Checkpoint.load(weights)
    validated = found.config.get("train", {}).get("validation", True)
    train = run.config.train.model_copy(update={"validation": validated})
    own = Run(run.config.model_copy(update={"train": train}))
    check_trained(found, weights, found.part, own.config, own.classes())
    if inputs and found.part not in (inputs, "fusion"):
        raise ConfigError(f"{weights}: expected a model that takes {inputs}, found one of {found.part}")
    return evaluate_clips(own, {found.part: found}, split=split, inputs=inputs, only=only)


def _dataset(run: Run, part: Part, split: Split, only: Collection[str] | None = None) -> ClipDataset:
    table, rows = run.clip_files.clips, run.clips()
    rows = rows[rows["split"] == split]
    if only is not None:
        if unknown := set(only) - set(rows["clip_id"]):
            raise TableError(table, [f"{clip_id}: no such clip of split `{split}`" for clip_id in sorted(unknown)])
        rows = rows[rows["clip_id"].isin(set(only))]
    if len(rows) == 0:
        raise TableError(table, [f"expected at least one clip of split `{split}`, found none"])
    return ClipDataset(rows, run, part=part, augment=False, samplings=run.config.evaluate.samplings, compact=True)


# ------------------------------------------------------------------------------------------- rows and their weights


def _weights(
    run: Run, trained: Mapping[Part, Checkpoint], tested: HeadPredictions, part: Part, split: Split
) -> Weights:
    """Return the config's weights, or those that do best on val; of the clips that are tested only the heads count."""
    given = run.config.evaluate.weights
    sources = row_sources(tested)
    if not sources:
        return {}
    if given != "tuned":
        configured = {FUSED: dict(zip(HEADS["fusion"], given, strict=True)), LATE: {"rgb": 1.0, "pose": 1.0}}
        return {row: {head: configured[row][head] for head in heads} for row, heads in sources.items()}
    if split == "val":
        raise ConfigError("evaluate.weights: `tuned` chooses on val, so val cannot be tested on: give three weights")
    try:
        dataset = _dataset(run, part, "val")
    except TableError as error:
        raise ConfigError("evaluate.weights: `tuned` chooses on val, and no clip is of split `val`") from error
    val = predict(run.config, dataset, trained)
    return {
        row: dict(zip(heads, tuned_weights(heads, val.labels), strict=True)) for row, heads in row_sources(val).items()
    }


def row_sources(predictions: HeadPredictions) -> dict[str, dict[str, Tensor]]:
    """Return the probabilities that are averaged for the rows `fused` and `late`, as far as there are these rows."""
    sources = {FUSED: predictions.of("fusion"), LATE: {**predictions.of("rgb"), **predictions.of("pose")}}
    return {row: heads for row, heads in sources.items() if len(heads) > (row == LATE)}


def combine(predictions: HeadPredictions, weights: Weights) -> dict[str, Tensor]:
    """Return the probabilities (n, C) of each row of the result table.

    Parameters
    ----------
    predictions
        What every head found.
    weights
        Of what `row_sources` gives.
    """
    rows = {**predictions.of("rgb"), **predictions.of("pose")}
    rows |= {f"fusion/{head}": values for head, values in predictions.of("fusion").items()}
    for row, heads in row_sources(predictions).items():
        rows[row] = weighted_mean(heads, [weights[row][head] for head in heads])
    return {name: rows[name] for name in ROWS if name in rows}
