"""Segments that reach beyond their video's end: frames taken for seconds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_videos import write_numbers

from camfuse import ffmpeg_tool
from camfuse.clips.lengths import segment_notes
from camfuse.errors import MissingToolError


@pytest.fixture
def rows(tmp_path: Path) -> pd.DataFrame:
    """Return clips of a video of 2 seconds and one of 1 second."""
    two, one = (write_numbers(tmp_path / f"{frames}.mp4", frames) for frames in (50, 25))
    segments = [(two, 0.0, 1.5), (two, 0.0, 48.0), (two, 2.9, np.nan), (one, 1.0, 1.9), (one, 30.0, np.nan)]
    made = pd.DataFrame(segments, columns=["source", "start", "end"])
    return made.assign(source=made["source"].map(str), clip_id=[f"c{number}" for number in range(len(made))])


def hashes(rows: pd.DataFrame) -> dict[str, str]:
    return {path: f"hash of {path}" for path in rows["source"]}


def test_segments_far_beyond_the_end_are_noted_with_the_length(rows: pd.DataFrame, tmp_path: Path) -> None:
    (note,) = segment_notes(rows, hashes(rows), tmp_path / "lengths.csv")
    assert note == (
        "2 of 5 segments reach more than 1 s beyond the end of their video; start and end are seconds, not frames or "
        "milliseconds: c1 (to 48 s of 2 s), c4 (to 30 s of 1 s)."
    )


def test_whole_files_are_not_looked_into(rows: pd.DataFrame, tmp_path: Path) -> None:
    whole = rows.assign(start=0.0, end=np.nan)
    assert segment_notes(whole, hashes(rows), tmp_path / "lengths.csv") == []
    assert not (tmp_path / "lengths.csv").exists()


def test_what_is_no_video_has_no_length(rows: pd.DataFrame, tmp_path: Path) -> None:
    for path in rows["source"].unique():
        Path(path).write_text("<!DOCTYPE html>")
    assert segment_notes(rows, hashes(rows), tmp_path / "lengths.csv") == []


def test_lengths_are_remembered_and_a_damaged_cache_made_anew(
    rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "lengths.csv"
    notes = segment_notes(rows, hashes(rows), cache)
    cache.write_text("sha256\nx\n")
    assert segment_notes(rows, hashes(rows), cache) == notes

    def none(_: Path) -> None:
        raise MissingToolError("no ffmpeg")

    monkeypatch.setattr(ffmpeg_tool, "read_header", none)
    assert segment_notes(rows, hashes(rows), cache) == notes
    cache.unlink()
    assert segment_notes(rows, hashes(rows), cache) == [] and not cache.exists()
