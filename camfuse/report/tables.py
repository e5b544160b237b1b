"""Tables of the page, and the reading of the files that the stages before it left behind.

A file that is not there gives None, because a run may be looked at before it is finished; a file that is
there and does not hold what it should is an error.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from camfuse.errors import TableError

EMPTY = ["", "-", "NA", "nan", "NaN"]
"""What stands for "no number" in a column of numbers."""
NONE = "-"
"""Stands where there is no number."""
MOST_ROWS = 50
"""Longer tables are cut on the page; the files have all of it."""


@dataclass(frozen=True)
class Table:
    """A table as the page shows it.

    Attributes
    ----------
    caption
        What it shows.
    head
        Column titles.
    rows
        Cells as text; the first of each row is its header.
    text
        Columns that hold text, by position; the others hold numbers.
    strong
        Rows to set in bold, by position.
    left_out
        Rows that there were besides.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: frozenset[int] = frozenset({0})
    strong: frozenset[int] = field(default=frozenset())
    left_out: int = 0

    def cut(self, most: int = MOST_ROWS) -> "Table":
        """Return the table's first rows."""
        left_out = self.left_out + max(0, len(self.rows) - most)
        return Table(self.caption, self.head, self.rows[:most], self.text, self.strong, left_out)


@dataclass(frozen=True)
class Chart:
    """A drawing and what it shows."""

    drawing: Markup
    caption: str


def read_csv(path: Path, columns: Sequence[str], text: Sequence[str] = (), separator: str = ",") -> pd.DataFrame | None:
    """Read a CSV file that has at least `columns`; None where there is no file.

    Parameters
    ----------
    path
        The file.
    columns
        Columns that it must have.
    text
        Those that are text, and so are not turned into numbers: ids and labels ("007", "nan").
    separator
        Between two cells.

    Raises
    ------
    TableError
        If the file cannot be read as a table or lacks a column.
    """
    if not path.is_file():
        return None
    try:
        rows = pd.read_csv(path, sep=separator, keep_default_na=False, na_values={}, dtype=dict.fromkeys(text, str))
    except (ValueError, OSError) as error:
        raise TableError(path, [f"expected a CSV table with {list(columns)}, found: {error}"]) from error
    missing = [column for column in columns if column not in rows.columns]
    if missing:
        raise TableError(path, [f"expected column `{column}`, found {list(rows.columns)}" for column in missing])
    numbers = [column for column in columns if column not in text]
    try:
        return rows.assign(**{column: pd.to_numeric(rows[column].replace(EMPTY, math.nan)) for column in numbers})
    except ValueError as error:
        raise TableError(path, [f"expected numbers in {numbers}: {error}"]) from error


def read_json(path: Path) -> Any:
    """Read a JSON file; None where there is no file.

    Raises
    ------
    TableError
        If it is not JSON.
    """
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TableError(path, [f"expected JSON, found: {error}"]) from error


def percent(share: float) -> str:
    """Write a share of 1 as a percentage, the way the paper's tables do."""
    return f"{100 * share:.2f}" if math.isfinite(share) else NONE


def duration(seconds: float) -> str:
    """Write a time in the units that a person would use."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


MODELS = {"rgb": "RGB", "pose": "Pose", "fused": "Fused"}
"""The rows of the paper's table, in its order; other rows keep their names and follow."""


@dataclass(frozen=True)
class Result:
    """The numbers of one model or head on test, all but `clips` shares of 1.

    Attributes
    ----------
    model
        ``rgb``, ``pose``, ``fused`` or another head.
    clips
        Test clips.
    top
        Accuracy by k.
    interval
        95 % interval of top-1.
    class_accuracy
        Mean class accuracy.
    """

    model: str
    clips: int
    top: Mapping[int, float]
    interval: tuple[float, float]
    class_accuracy: float


def read_results(path: Path) -> list[Result] | None:
    """Read results.json, the paper's rows first; None where there is no evaluation.

    Raises
    ------
    TableError
        If the file is damaged.
    """
    content = read_json(path)
    if content is None:
        return None
    try:
        results = [_result(row) for row in content["rows"]]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise TableError(path, [f"expected `rows` with model, n, top1, ...; found otherwise: {error!r}"]) from error
    if not results:
        raise TableError(path, ["expected at least one row, found none"])
    order = list(MODELS)
    return sorted(results, key=lambda r: order.index(r.model) if r.model in MODELS else len(order))


def _result(row: Mapping[str, Any]) -> Result:
    return Result(
        model=str(row["model"]),
        clips=int(row["n"]),
        top={int(key[3:]): float(value) for key, value in row.items() if re.fullmatch(r"top\d+", key)},
        interval=(float(row["top1_low"]), float(row["top1_high"])),
        class_accuracy=float(row["mean_class_accuracy"]),
    )


def result_table(results: Sequence[Result]) -> Table:
    """Set the results as the paper's table has them."""
    ks = sorted({k for result in results for k in result.top})
    rows = [
        (
            MODELS.get(r.model, r.model),
            *(percent(r.top.get(k, math.nan)) for k in ks),
            percent(r.class_accuracy),
            f"{percent(r.interval[0])} to {percent(r.interval[1])}",
            f"{r.clips:,}",
        )
        for r in results
    ]
    head = ("model", *(f"top-{k}" for k in ks), "mean class acc.", "95 % interval of top-1", "clips")
    strong = frozenset(position for position, r in enumerate(results) if r.model == "fused")
    return Table("Accuracy on the test clips in %", head, rows, strong=strong)


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
    written = [
        [cell.rjust(width) if position else cell.ljust(width) for position, (cell, width) in enumerate(pairs)]
        for pairs in (list(zip(line, widths, strict=True)) for line in lines)
    ]
    return "\n".join(["  ".join(line) for line in [written[0], ["-" * width for width in widths], *written[1:]]])
