"""The result table: what evaluation wrote into ``results.json``, read and set as text without loading a model."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camfuse.errors import TableError

NAMES = {
    "rgb": "RGB",
    "pose": "Pose",
    "fused": "Fused",
    "late": "Late fusion",
    "fusion/rgb": "Fused, RGB head",
    "fusion/pose": "Fused, pose head",
    "fusion/joint": "Fused, joint head",
}
PAPER = ("rgb", "pose", "fused")
"""The rows of the paper's table."""
NONE = "-"
"""Stands where there is no number."""


@dataclass(frozen=True)
class Row:
    """The numbers of one row of the result table, all but `clips` shares of 1.

    Attributes
    ----------
    name
        As in `NAMES`.
    clips
        Test clips.
    top
        Accuracy by k, per instance: every clip counts the same.
    class_top
        The same per class: the mean over the classes that have clips. At 1 it is the mean class accuracy.
    class_accuracy_union
        Mean class accuracy as PYSKL and MMAction2 count it: classes that are only predicted count 0.
    interval
        95 % interval of top-1.
    calibration
        Expected calibration error.
    """

    name: str
    clips: int
    top: Mapping[int, float]
    class_top: Mapping[int, float]
    class_accuracy_union: float
    interval: tuple[float, float]
    calibration: float


@dataclass(frozen=True)
class Results:
    """What the test found.

    Attributes
    ----------
    split
        Tested clips.
    samplings
        Samplings per clip.
    main
        The row that the predictions belong to.
    weights
        Of the probabilities behind the rows `fused` and `late`, by head or stream, as far as there are these rows.
    tuned
        Whether the weights were chosen on val.
    rows
        In the order of the paper's table, the others behind.
    fingerprint
        Of the evaluation.
    """

    split: str
    samplings: int
    main: str
    weights: Mapping[str, Mapping[str, float]]
    tuned: bool
    rows: Sequence[Row]
    fingerprint: str


def read_results(path: Path) -> Results | None:
    """Read ``results.json``; None where there is no evaluation.

    Raises
    ------
    TableError
        If the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        results = parse_results(json.loads(path.read_text(encoding="utf-8")))
    except json.JSONDecodeError as error:
        raise TableError(path, [f"expected JSON, found: {error}"]) from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise TableError(
            path, [f"expected split, main, rows, ... of an evaluation; found otherwise: {error!r}"]
        ) from error
    if not results.rows:
        raise TableError(path, ["expected at least one row, found none"])
    return results


def parse_results(content: Mapping[str, Any]) -> Results:
    """Take the results out of their JSON form; a plain KeyError, TypeError or ValueError where something is amiss."""
    return Results(
        split=str(content["split"]),
        samplings=int(content["samplings"]),
        main=str(content["main"]),
        weights={
            str(row): {str(head): float(weight) for head, weight in weights.items()}
            for row, weights in content["weights"].items()
        },
        tuned=bool(content["tuned"]),
        rows=[_row(row) for row in content["rows"]],
        fingerprint=str(content["fingerprint"]),
    )


def _row(row: Mapping[str, Any]) -> Row:
    class_top = {1: float(row["mean_class_accuracy"])} | _by_k(row, "mean_class_top")
    return Row(
        name=str(row["row"]),
        clips=int(row["n"]),
        top=_by_k(row, "top"),
        class_top=class_top,
        class_accuracy_union=float(row["mean_class_accuracy_union"]),
        interval=(float(row["top1_low"]), float(row["top1_high"])),
        calibration=float(row["ece"]),
    )


def _by_k(row: Mapping[str, Any], name: str) -> dict[int, float]:
    return {int(key.removeprefix(name)): float(row[key]) for key in row if re.fullmatch(rf"{name}\d+", key)}


def percent(share: float) -> str:
    """Write a share of 1 as a percentage, the way the paper's tables do."""
    return f"{100 * share:.2f}" if math.isfinite(share) else NONE


def result_caption(results: Results) -> str:
    """Say what the table shows."""
    return f"Accuracy on the {results.rows[0].clips:,} clips of {results.split}, in %"


def result_cells(results: Results) -> list[tuple[str, ...]]:
    """Return the table's head and rows as text: per instance and per class as the data set papers have them."""
    ks = sorted({k for row in results.rows for k in row.top})
    names = [f"top-{k}" for k in ks]
    head = ("model", *names, *(f"class {name}" for name in names), "95 % interval of top-1", "calibration error")
    rows = [
        (
            NAMES.get(row.name, row.name),
            *(percent(row.top.get(k, math.nan)) for k in ks),
            *(percent(row.class_top.get(k, math.nan)) for k in ks),
            f"{percent(row.interval[0])} to {percent(row.interval[1])}",
            percent(row.calibration),
        )
        for row in results.rows
    ]
    return [head, *rows]


def result_text(results: Results) -> str:
    """Return the result table as lines of text, for the command line and the log."""
    lines = result_cells(results)
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    first, *others = (_aligned(line, widths) for line in lines)
    return "\n".join([result_caption(results), first, "-" * len(first), *others, *weights_text(results)])


def metric_text(results: Results, metric: str) -> str:
    """Return what a metric of the base code's name says of the main row, in a line.

    Parameters
    ----------
    results
        Of the test.
    metric
        ``top_k_accuracy`` or ``mean_class_accuracy``.
    """
    row = next(row for row in results.rows if row.name == results.main)
    if metric == "top_k_accuracy":
        return f"top_k_accuracy: {', '.join(f'top-{k} {percent(share)}' for k, share in sorted(row.top.items()))} %"
    return (
        f"mean_class_accuracy: {percent(row.class_accuracy_union)} % as PYSKL and MMAction2 count it, "
        f"{percent(row.class_top[1])} % over the classes that have clips"
    )


def read_clip_ids(path: Path) -> list[str]:
    """Read a file with one clip id a line.

    Raises
    ------
    TableError
        If there is no such file, or no id in it.
    """
    if not path.is_file():
        raise TableError(path, ["expected a file with one clip id a line, found no file"])
    ids = path.read_text(encoding="utf-8").split()
    if not ids:
        raise TableError(path, ["expected at least one clip id, found none"])
    return ids


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    numbers = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "  ".join([cells[0].ljust(widths[0]), *numbers])


def weights_text(results: Results) -> list[str]:
    """Say in a sentence per row how its probabilities were weighted."""
    how = "chosen on val" if results.tuned else "as configured"
    return [
        f"{NAMES[row]}: {', '.join(f'{head} x {weight:g}' for head, weight in weights.items())}, {how}."
        for row, weights in results.weights.items()
    ]
