"""How much of the label files is there: clips per split and class."""

from collections.abc import Sequence

import pandas as pd

from camfuse.clips.label_files import name_some, plural
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


def empty_classes(coverage: pd.DataFrame) -> list[str]:
    """Say in a sentence each which classes have no clip to train on, and which none to be tested with."""
    used = coverage.pivot_table(index="class_index", columns="split", values="used", aggfunc="sum")
    labels = coverage.drop_duplicates("class_index").set_index("class_index")["label"]
    found = {split: labels[used.index[used[split] == 0]].tolist() for split in ("train", "test")}
    return [without_clips(none, len(labels), split) for split, none in found.items() if 0 < len(none) < len(labels)]


def without_clips(words: Sequence[str], of: int, split: str) -> str:
    """Say in a sentence which of so many words have no clip of a split, train or test, and what that means."""
    they, them = (plural(len(words), *forms) for forms in (("it", "they"), ("it", "them")))
    lack = f"training clip: {they} cannot be learned" if split == "train" else f"test clip: nothing measures {them}"
    return f"{len(words)} of {of} words {plural(len(words), 'has', 'have')} no {lack}: {name_some(words)}."


def split_totals(coverage: pd.DataFrame) -> pd.DataFrame:
    """Sum the coverage per split: split, the counts, and `classes`, the number of classes with a used clip."""
    totals = coverage.groupby("split")[list(COUNTS)].sum()
    totals["classes"] = coverage[coverage["used"] > 0].groupby("split")["label"].nunique()
    return totals.reindex(list(SPLITS)).fillna(0).astype(int).reset_index()
