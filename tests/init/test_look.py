"""Videos are decoded, what is broken is named, and of many a part is looked into."""

import math
from pathlib import Path

import pandas as pd
import pytest
from made_videos import write_numbers

from camfuse.init import look
from camfuse.init.look import VideoFacts, Videos, look_at_videos


def clips(folder: Path, *names: str, start: float = 0.0, end: float = math.nan) -> pd.DataFrame:
    rows = [(f"clip {n}", str(folder / name), start, end) for n, name in enumerate(names)]
    return pd.DataFrame(rows, columns=["clip_id", "video", "start", "end"])


def test_lengths_sizes_and_what_is_broken(tmp_path: Path) -> None:
    write_numbers(tmp_path / "long.mp4", frames=50)
    write_numbers(tmp_path / "short.mp4", frames=20)
    (tmp_path / "bad.mp4").write_text("no video")
    found = look_at_videos(clips(tmp_path, "long.mp4", "short.mp4", "bad.mp4"), tmp_path, 2)
    assert [(one.name, one.frames, one.seconds) for one in found.whole] == [
        ("long.mp4", 50, 2.0),
        ("short.mp4", 20, 0.8),
    ]
    assert [(one.clip_id, one.name) for one in found.broken] == [("clip 2", "bad.mp4")]
    said = list(found.sentences())
    assert said[0] == "Length: 0.8 to 2.0 s, median 1.4 s; 25 to 25 images a second."
    assert said[1] == "Size: 128 x 64 (2)."
    assert said[2] == "Broken: 1:"
    assert said[3].startswith("  bad.mp4: ")


def test_of_many_a_part_is_looked_into(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(look, "MOST", 3)
    monkeypatch.setattr(look, "_look", lambda clip, _: VideoFacts(clip.clip_id, clip.video.name, 10, 0.4, 64, 64))
    names = [f"{number}.mp4" for number in range(9)]
    for name in names:
        (tmp_path / name).touch()
    found = look_at_videos(clips(tmp_path, *names), tmp_path, 1)
    assert [one.name for one in found.looked] == ["0.mp4", "3.mp4", "6.mp4"]
    assert found.frames == 90
    assert next(found.sentences()) == "Looked into 3 of 9 videos."


def test_nothing_that_can_be_used() -> None:
    found = Videos(1, (VideoFacts("a", "a.mp4", problem="expected a video"),))
    assert list(found.sentences()) == ["Broken: 1:", "  a.mp4: expected a video"]
    assert found.frames == 0


def test_a_part_of_a_video_is_as_long_as_the_part(tmp_path: Path) -> None:
    write_numbers(tmp_path / "long.mp4", frames=50)
    (one,) = look_at_videos(clips(tmp_path, "long.mp4", start=0.8, end=1.6), tmp_path, 1).looked
    assert (one.name, one.frames) == ("long.mp4, from 0.8 s", 20)
    assert one.seconds == pytest.approx(0.8)


def test_what_is_not_there_is_missing_and_not_broken(tmp_path: Path) -> None:
    write_numbers(tmp_path / "there.mp4", frames=10)
    found = look_at_videos(clips(tmp_path, "there.mp4", "gone.mp4"), tmp_path, 1)
    assert (found.listed, len(found.broken), [one.name for one in found.missing]) == (1, 0, ["gone.mp4"])
    assert next(found.sentences()) == "Missing: 1: gone.mp4."
