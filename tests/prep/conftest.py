"""Made videos for the data stages."""

from pathlib import Path

import pytest
from made_videos import AsClip, MakeVideo, NumberOf, read_number, write_numbers

from camfuse.clips.table import Clip


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """Return a function: `make_video("a.mp4", frames=40, rate="30000/1001", options=[...])`."""

    def make(name: str = "numbers.mp4", frames: int = 40, rate: str = "25", options: tuple[str, ...] = ()) -> Path:
        return write_numbers(tmp_path / name, frames, rate, options)

    return make


@pytest.fixture
def as_clip() -> AsClip:
    def make(video: Path, start: float = 0.0, end: float = float("inf"), clip_id: str = "c") -> Clip:
        return Clip(clip_id, video, start, end, None, f"identity of {clip_id}")

    return make


@pytest.fixture
def number_of() -> NumberOf:
    return read_number
