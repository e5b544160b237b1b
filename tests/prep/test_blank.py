"""Frames of clips that are keypoints alone."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from camfuse.clips.table import Clip
from camfuse.errors import ClipError
from camfuse.prep.blank import blank_frames
from camfuse.prep.pose.annotations.stored import StoredPoses


def stored(frames: int = 10, size: tuple[int, int] = (640, 480), fps: float = 20.0) -> StoredPoses:
    return StoredPoses(np.ones((1, frames, 133, 3), np.float32), *size, fps)


def clip(start: float = 0.0, end: float = float("inf")) -> Clip:
    return Clip("one", Path("one.pose"), start, end, Path("one.pose"), "identity")


def test_as_many_black_frames_as_the_file_has_at_its_rate_and_of_its_shape() -> None:
    frames = blank_frames(clip(), stored(), 90)
    assert frames.time.tolist() == pytest.approx((np.arange(10) / 20).tolist())
    assert (len(frames), frames.height, frames.width, frames.fps) == (10, 384, 512, 20)
    image = cv2.imdecode(np.frombuffer(frames.jpeg[9], np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (384, 512, 3) and image.max() == 0


def test_a_small_image_keeps_its_size_and_without_a_rate_25_are_a_second() -> None:
    frames = blank_frames(clip(), stored(size=(200, 300), fps=0), 90)
    assert (frames.height, frames.width, frames.fps, frames.time[1]) == (300, 200, 25, 0.04)


def test_a_segment_has_its_frames_and_one_past_the_end_is_refused() -> None:
    assert blank_frames(clip(0.1, 0.25), stored(), 90).time.tolist() == pytest.approx([0.1, 0.15, 0.2])
    with pytest.raises(ClipError, match=r"expected keypoints from 3 s on, found 10 frames at 20 fps"):
        blank_frames(clip(3.0), stored(), 90)
