"""The page's tables, and how it reads the files that the stages before it left behind.

A file that is not there gives None, because a run may be looked at before it is finished; a file that is
there and does not hold what it should is an error.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from camfuse.errors import TableError

EMPTY = ["", "-", "NA", "nan", "NaN"]
"""What stands for "no number" in a column of numbers."""
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


def check_fingerprint(path: Path, *, expected: str, found: str) -> None:
    """Refuse a file that was made with other settings: the page would describe two runs at once.

    Raises
    ------
    TableError
        If the fingerprints differ.
    """
    if found != expected:
        reason = "it was made with another config or version; run the workflow again to renew it"
        raise TableError(path, [f"expected fingerprint {expected}, found {found}: {reason}"])


def duration(seconds: float) -> str:
    """Write a time in the units that a person would use."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
