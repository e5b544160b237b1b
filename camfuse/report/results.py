"""The result table: what evaluation found, read from its ``results.json`` without loading a model."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camfuse.errors import TableError
from camfuse.report.tables import Table, percent, read_json

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
        Accuracy by k.
    interval
        95 % interval of top-1.
    class_accuracy
        Mean class accuracy.
    calibration
        Expected calibration error.
    """

    name: str
    clips: int
    top: Mapping[int, float]
    interval: tuple[float, float]
    class_accuracy: float
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
    rows
        In the order of the paper's table, the others behind.
    fingerprint
        Of the evaluation.
    """

    split: str
    samplings: int
    main: str
    rows: Sequence[Row]
    fingerprint: str


def read_results(path: Path) -> Results | None:
    """Read ``results.json``; None where there is no evaluation.

    Raises
    ------
    TableError
        If the file is damaged.
    """
    content = read_json(path)
    if content is None:
        return None
    try:
        results = Results(
            split=str(content["split"]),
            samplings=int(content["samplings"]),
            main=str(content["main"]),
            rows=[_row(row) for row in content["rows"]],
            fingerprint=str(content["fingerprint"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise TableError(
            path, [f"expected split, main, rows, ... of an evaluation; found otherwise: {error!r}"]
        ) from error
    if not results.rows:
        raise TableError(path, ["expected at least one row, found none"])
    return results


def _row(row: Mapping[str, Any]) -> Row:
    return Row(
        name=str(row["row"]),
        clips=int(row["n"]),
        top={int(key[3:]): float(value) for key, value in row.items() if re.fullmatch(r"top\d+", key)},
        interval=(float(row["top1_low"]), float(row["top1_high"])),
        class_accuracy=float(row["mean_class_accuracy"]),
        calibration=float(row["ece"]),
    )


def result_table(results: Results) -> Table:
    """Set the results as the paper's table has them."""
    ks = sorted({k for row in results.rows for k in row.top})
    rows = [
        (
            NAMES.get(row.name, row.name),
            *(percent(row.top.get(k, math.nan)) for k in ks),
            percent(row.class_accuracy),
            f"{percent(row.interval[0])} to {percent(row.interval[1])}",
            percent(row.calibration),
        )
        for row in results.rows
    ]
    head = ("model", *(f"top-{k}" for k in ks), "mean class acc.", "95 % interval of top-1", "calibration error")
    strong = frozenset(position for position, row in enumerate(results.rows) if row.name == results.main)
    caption = f"Accuracy on the {results.rows[0].clips:,} clips of {results.split}, in %"
    return Table(caption, head, rows, strong=strong)


def result_text(path: Path) -> str:
    """Return the result table as lines of text, for the command line.

    Raises
    ------
    TableError
        If the file is not there or is damaged.
    """
    results = read_results(path)
    if results is None:
        raise TableError(path, ["expected the results of a finished run, found no file; run the workflow first"])
    table = result_table(results)
    lines = [tuple(table.head), *table.rows]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    first, *others = (_aligned(line, widths) for line in lines)
    return "\n".join([table.caption, first, "-" * len(first), *others])


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    numbers = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "  ".join([cells[0].ljust(widths[0]), *numbers])
