"""Clips that travel with weights: the same part of a recording is found again, another part is not."""

import math

import pandas as pd
import pytest

from camfuse.clips.seen import seen, written
from camfuse.errors import WeightsError


def rows(*clips: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(clips, columns=["recording", "start", "end"])


def test_a_clip_is_written_with_its_segment() -> None:
    assert written(rows(("a", 0.5, 2.0), ("b", 0.0, math.nan))) == {"a 0.5 2.0", "b 0.0 inf"}


def test_overlapping_parts_of_the_same_recording_are_seen() -> None:
    before = written(rows(("a", 1.0, 2.0), ("a", 5.0, math.nan), ("b", 0.0, math.nan)))
    now = rows(("a", 1.9, 3.0), ("a", 2.0, 5.0), ("a", 9.0, math.nan), ("b", 3.0, 4.0), ("c", 0.0, math.nan))
    assert seen(now, before).tolist() == [True, False, True, True, False]
    assert seen(now, ()).tolist() == [False] * 5


def test_nothing_is_known_of_a_table_of_an_earlier_version() -> None:
    old = rows(("a", 0.0, 1.0)).drop(columns="recording")
    assert written(old) == set() and seen(old, ["a 0.0 1.0"]).tolist() == [False]


def test_the_index_of_the_rows_is_kept() -> None:
    some = rows(("a", 0.0, 1.0), ("b", 0.0, 1.0)).iloc[1:]
    assert some[seen(some, ["b 0.5 0.7"])].index.tolist() == [1]


@pytest.mark.parametrize("clip", ["a", "a b c", "a 0.0 1.0 2.0", 7])
def test_other_writing_is_refused(clip: str) -> None:
    with pytest.raises(WeightsError, match="expected clips as `recording start end`"):
        seen(rows(("a", 0.0, 1.0)), [clip])
