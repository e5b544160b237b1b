"""Frames as a camera gives them: the newest is never dropped, and a file plays at its own speed."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_videos import read_number

from camfuse.errors import CamfuseError, ClipError
from camfuse.predict.camera import CameraFrame, Newest, camera_frames, played


def numbered(count: int, pause: float = 0.0) -> Iterator[CameraFrame]:
    for number in range(count):
        yield CameraFrame(np.full((2, 2, 3), number, np.uint8), number / 25)
        time.sleep(pause)


def test_whoever_is_slow_gets_the_newest() -> None:
    seen = []
    with Newest(numbered(40, pause=0.005)) as frames:
        for frame in frames:
            seen.append(int(frame.image[0, 0, 0]))
            time.sleep(0.03)
    assert seen == sorted(seen) and len(set(seen)) == len(seen)
    assert seen[-1] == 39 and 4 < len(seen) < 39
    assert frames.taken == 40 and frames.dropped == 40 - len(seen)


def test_whoever_is_fast_gets_all() -> None:
    with Newest(numbered(10, pause=0.01)) as frames:
        assert len(list(frames)) == 10
    assert frames.dropped == 0


def test_an_error_of_the_source_comes_through() -> None:
    def broken() -> Iterator[CameraFrame]:
        yield from numbered(1)
        raise CamfuseError("unplugged")

    with Newest(broken()) as frames, pytest.raises(CamfuseError, match="unplugged"):
        list(frames)


def test_leaving_early_stops_the_source() -> None:
    with Newest(numbered(10_000, pause=0.001)) as frames:
        next(iter(frames))
    assert not frames._thread.is_alive()


def test_a_file_plays_at_its_own_speed(video: Path) -> None:
    begin, found = time.monotonic(), []
    for frame in played(video):
        found.append(read_number(frame.image))
        assert time.monotonic() - begin >= frame.time
    assert found == list(range(20))


def test_no_such_video(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="expected a video file"):
        next(played(tmp_path / "gone.mp4"))


def test_no_such_camera(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CamfuseError, match="--camera 97: expected a camera"):
        next(camera_frames(97))
