"""Clips listed, on disk, missing and used."""

import pandas as pd

from camfuse.clips.coverage import COUNTS, count_coverage, split_totals, without_clips

ROWS = pd.DataFrame(
    [("train", "a", True, True), ("train", "a", True, False), ("train", "b", False, False), ("test", "a", True, True)],
    columns=["split", "label", "on_disk", "used"],
)


def test_every_split_and_class_is_counted_also_where_there_is_none() -> None:
    coverage = count_coverage(ROWS, ("b", "a"))
    assert len(coverage) == 6
    counts = coverage.set_index(["split", "label"])
    assert counts.loc[("train", "a"), list(COUNTS)].tolist() == [2, 2, 0, 1]
    assert counts.loc[("train", "b"), list(COUNTS)].tolist() == [1, 0, 1, 0]
    assert counts.loc[("val", "a"), list(COUNTS)].tolist() == [0, 0, 0, 0]
    assert counts["class_index"].loc[("test", "a")] == 1


def test_totals_by_split() -> None:
    totals = split_totals(count_coverage(ROWS, ("b", "a"))).set_index("split")
    assert totals.index.tolist() == ["train", "val", "test"]
    assert totals.loc["train"].tolist() == [3, 2, 1, 1, 1]
    assert totals.loc["val"].tolist() == [0, 0, 0, 0, 0]


def test_one_word_or_several_without_a_clip() -> None:
    assert without_clips(["a"], 3, "train") == "1 of 3 words has no training clip: it cannot be learned: a."
    assert without_clips(["a", "b"], 3, "test") == "2 of 3 words have no test clip: nothing measures them: a, b."
