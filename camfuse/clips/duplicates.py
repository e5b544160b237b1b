"""Recordings that occur more than once: leakage between splits, and one recording under two words."""

import pandas as pd

from camfuse.clips.label_files import plural

COLUMNS = ("group", "clip_id", "label", "signer", "split", "crosses_splits", "crosses_labels", "used")


def find_duplicates(rows: pd.DataFrame) -> pd.DataFrame:
    """Find the clips that show the same bytes from the same start to the same end.

    Segments of one video are different clips, and empty files are no recordings.

    Parameters
    ----------
    rows
        clip_id, label, signer, split, start, end, sha256 and size (bytes), in the table's order.

    Returns
    -------
    duplicates
        One row per clip of each group of two or more, with the index of `rows`: group (from 1), clip_id, label,
        signer, split, crosses_splits (train and test share a recording), crosses_labels (one recording has two
        labels), used (for now, the first of each group).
    """
    same = rows[rows["size"] > 0].groupby(["sha256", "start", "end"], dropna=False, sort=False)
    number = same.ngroup()
    found = rows.loc[number.index[same["clip_id"].transform("size") > 1]].copy()
    groups = found.assign(number=number.loc[found.index]).groupby("number", sort=False)
    found["group"] = groups.ngroup() + 1
    found["crosses_splits"] = groups["split"].transform("nunique") > 1
    found["crosses_labels"] = groups["label"].transform("nunique") > 1
    found["used"] = groups.cumcount() == 0
    return found.sort_values("group", kind="stable")[list(COLUMNS)]


def describe(duplicates: pd.DataFrame) -> list[str]:
    """Say in a sentence what was found, or nothing."""
    if duplicates.empty:
        return []
    groups = duplicates.drop_duplicates("group")
    return [
        f"{len(groups)} {plural(len(groups), 'recording occurs', 'recordings occur')} more than once "
        f"({len(duplicates)} clips); "
        f"{int(groups['crosses_splits'].sum())} of them in more than one split, "
        f"{int(groups['crosses_labels'].sum())} with more than one label: see duplicates.csv."
    ]
