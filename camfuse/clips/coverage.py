"""How much of the label files is there: clips per split and class."""

import pandas as pd

from camfuse.clips.table import SPLITS

COUNTS = ("listed", "on_disk", "missing", "used")


def count_coverage(rows: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """Count the clips of every split and class, also where there is none.

    Parameters
    ----------
    rows
        One row per listed clip: split, label, and the truth values on_disk and used.
    classes
        Label of each class index.

    Returns
    -------
    coverage
        split, class_index, label and the counts listed, on_disk, missing, used (on disk and neither dropped as a
        duplicate nor beyond the limit).
    """
    every = pd.MultiIndex.from_product([SPLITS, classes], names=["split", "label"])
    counts = (
        rows.assign(listed=True, missing=~rows["on_disk"])
        .groupby(["split", "label"])[list(COUNTS)]
        .sum()
        .reindex(every, fill_value=0)
        .astype(int)
        .reset_index()
    )
    index = {label: number for number, label in enumerate(classes)}
    counts.insert(1, "class_index", counts["label"].map(index).astype(int))
    return counts


def split_totals(coverage: pd.DataFrame) -> pd.DataFrame:
    """Sum the coverage per split: split, the counts, and `classes`, the number of classes with a used clip."""
    totals = coverage.groupby("split")[list(COUNTS)].sum()
    totals["classes"] = coverage[coverage["used"] > 0].groupby("split")["label"].nunique()
    return totals.reindex(list(SPLITS)).fillna(0).astype(int).reset_index()
