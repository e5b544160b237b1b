"""What the clip table says of itself: splits, coverage, duplicates, notes."""

from collections.abc import Collection, Iterable

import pandas as pd

from camfuse.clips.coverage import split_totals
from camfuse.clips.files import ClipFiles
from camfuse.clips.table import SPLITS
from camfuse.evaluate.result_text import NONE
from camfuse.report.tables import Table, read_csv

MOST_LISTED = 500
COUNTS = ("listed", "on_disk", "missing", "used")


def split_table(clips: pd.DataFrame, left_out: Collection[str] = ()) -> Table:
    """Count clips, classes and signers per split, and apart from them the clips that a stage left out."""
    lost = clips["clip_id"].isin(list(left_out))
    rows = []
    for name in (*SPLITS, "all"):
        of = lost | ~lost if name == "all" else clips["split"] == name
        counted = _counted(name, clips[of & ~lost])
        rows.append((*counted, f"{(of & lost).sum():,}") if lost.any() else counted)
    head = ("split", "clips", "classes", "signers", *(["left out by a stage"] if lost.any() else []))
    return Table("What the run uses", head, rows)


def _counted(name: str, rows: pd.DataFrame) -> tuple[str, ...]:
    known = rows["signer"][rows["signer"] != ""].nunique()
    return name, f"{len(rows):,}", f"{rows['label'].nunique():,}", f"{known:,}" if known else NONE


def coverage_tables(files: ClipFiles) -> tuple[Table, Table] | None:
    """Read coverage.csv: clips per split, and the classes of which a split has listed clips and uses none.

    Raises
    ------
    TableError
        If the file is damaged.
    """
    text = ("split", "label")
    counted = read_csv(files.coverage, (*text, *COUNTS), text)
    if counted is None:
        return None
    totals = split_totals(counted)
    rows = [(str(row.split), *(f"{getattr(row, name):,}" for name in COUNTS)) for row in totals.itertuples()]
    splits = Table("Clips of the label files", ("split", "listed", "on disk", "missing", "in clips.csv"), rows)
    empty = counted[(counted["used"] == 0) & (counted["listed"] > 0)]
    lost = [
        (str(label), _joined(group["split"]), f"{group['listed'].sum():g}") for label, group in empty.groupby("label")
    ]
    head = ("class", "splits without a clip", "listed clips there")
    return splits, Table(
        "Classes that lost all clips of a split that the label files list", head, lost, frozenset({0, 1})
    )


def _joined(splits: Iterable[str]) -> str:
    found = set(splits)
    return ", ".join(split for split in SPLITS if split in found)


def duplicate_table(files: ClipFiles) -> Table | None:
    """Read duplicates.csv; None where there is none yet.

    Raises
    ------
    TableError
        If the file is damaged.
    """
    text = ("clip_id", "label", "signer", "split", "crosses_splits", "crosses_labels", "used")
    found = read_csv(files.duplicates, ("group", *text), text)
    if found is None:
        return None
    rows = [
        (f"{row.group:g}", row.clip_id, row.label, row.split, _yes(row.crosses_splits), _yes(row.crosses_labels),
         _yes(row.used))
        for row in found.itertuples()
    ]  # fmt: skip
    head = ("recording", "clip", "label", "split", "crosses splits", "crosses labels", "used")
    return Table("Recordings that occur more than once", head, rows, frozenset(range(7))).cut(MOST_LISTED)


def _yes(value: str) -> str:
    return "yes" if value == "True" else "no"


def read_notes(files: ClipFiles) -> list[str]:
    """Read the notes on the label files, one sentence each."""
    path = files.notes
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
