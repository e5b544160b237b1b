"""Recordings that occur more than once."""

import numpy as np
import pandas as pd

from camfuse.clips.duplicates import describe, find_duplicates


def rows(*clips: tuple[str, str, str, float, str, int]) -> pd.DataFrame:
    """Clips by id, label, split, end, sha256 and size."""
    table = pd.DataFrame(clips, columns=["clip_id", "label", "split", "end", "sha256", "size"])
    return table.assign(signer="", start=0.0)


def test_same_bytes_and_segment_are_one_group() -> None:
    found = find_duplicates(
        rows(
            ("a", "x", "train", np.nan, "1", 9),
            ("b", "y", "test", np.nan, "1", 9),
            ("c", "x", "train", 2.0, "1", 9),  # another segment of the same file
            ("d", "x", "train", np.nan, "2", 9),
            ("e", "x", "val", np.nan, "3", 0),  # empty files are no recordings
            ("f", "x", "val", np.nan, "3", 0),
        )
    )
    assert found["clip_id"].tolist() == ["a", "b"]
    assert found["used"].tolist() == [True, False]
    assert found["crosses_splits"].all() and found["crosses_labels"].all()
    (note,) = describe(found)
    assert note.startswith("1 recording occurs more than once (2 clips); 1 of them in more than one split, 1 with")


def test_nothing_is_said_of_nothing() -> None:
    found = find_duplicates(rows(("a", "x", "train", np.nan, "1", 9)))
    assert found.empty
    assert describe(found) == []
