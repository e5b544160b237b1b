"""Videos are decoded, what is broken is named, and of many a part is looked into."""

from pathlib import Path

import pytest
from made_videos import write_numbers

from camfuse.init import look
from camfuse.init.look import VideoFacts, Videos, look_at_videos


def test_lengths_sizes_and_what_is_broken(tmp_path: Path) -> None:
    write_numbers(tmp_path / "long.mp4", frames=50)
    write_numbers(tmp_path / "short.mp4", frames=20)
    (tmp_path / "bad.mp4").write_text("no video")
    found = look_at_videos(tmp_path, ["long.mp4", "short.mp4", "bad.mp4"], 2)
    assert [(one.path, one.frames, one.seconds) for one in found.whole] == [
        ("long.mp4", 50, 2.0),
        ("short.mp4", 20, 0.8),
    ]
    assert [one.path for one in found.broken] == ["bad.mp4"]
    said = list(found.sentences())
    assert said[0] == "Length: 0.8 to 2.0 s, median 1.4 s; 25 to 25 images a second."
    assert said[1] == "Size: 128 x 64 (2)."
    assert said[2] == "Broken: 1:"
    assert said[3].startswith("  bad.mp4: ")


def test_of_many_a_part_is_looked_into(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(look, "MOST", 3)
    monkeypatch.setattr(look, "_look", lambda folder, path: VideoFacts(path, 10, 0.4, 64, 64))
    found = look_at_videos(tmp_path, [f"{number}.mp4" for number in range(9)], 1)
    assert [one.path for one in found.looked] == ["0.mp4", "3.mp4", "6.mp4"]
    assert found.frames == 90
    assert next(found.sentences()) == "Looked into 3 of 9 videos."


def test_nothing_that_can_be_used() -> None:
    found = Videos(1, (VideoFacts("a.mp4", problem="expected a video"),))
    assert list(found.sentences()) == ["Broken: 1:", "  a.mp4: expected a video"]
    assert found.frames == 0
