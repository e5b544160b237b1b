"""Which frames make a sign: of a clip all, of a recording those around each sign."""

import numpy as np
import pytest
from numpy.typing import NDArray

from camfuse.predict.spans import Span, find_spans, whole_video
from camfuse.prep.arrays import ClipFrames
from camfuse.skeleton import NUM_KEYPOINTS

FPS = 25.0


def frames(total: int, fps: float = FPS) -> ClipFrames:
    return ClipFrames([b""] * total, 3 + np.arange(total) / FPS, 100, 100, fps)


def person(total: int, *raised: tuple[int, int]) -> NDArray[np.float32]:
    """Shoulders 20 pixels apart, hands hanging 30 below them but for the right one in the frames of `raised`."""
    keypoints = np.full((total, NUM_KEYPOINTS, 3), np.nan, np.float32)
    keypoints[..., 2] = 0
    keypoints[:, 5], keypoints[:, 6] = (60, 40, 1), (40, 40, 1)
    keypoints[:, 9], keypoints[:, 10] = (65, 70, 1), (35, 70, 1)
    for first, stop in raised:
        wave = np.sin(np.arange(stop - first))
        keypoints[first:stop, 10, 0], keypoints[first:stop, 10, 1] = 35 + 6 * wave, 35
    return keypoints


def test_a_clip_of_one_sign_is_seen_whole() -> None:
    (span,) = find_spans(frames(50), person(50, (10, 40)))
    assert (span.first, span.stop) == (0, 50)
    assert span.start == pytest.approx(10 / FPS, abs=0.09) and span.end == pytest.approx(40 / FPS, abs=0.09)


def test_a_recording_is_seen_sign_by_sign() -> None:
    found = find_spans(frames(300), person(300, (50, 80), (150, 180)))
    assert len(found) == 2
    for span, first, stop in zip(found, (50, 150), (80, 180), strict=True):
        assert span.first == pytest.approx(first - 8, abs=3) and span.stop == pytest.approx(stop + 8, abs=3)
        assert span.start == pytest.approx(first / FPS, abs=0.13)


def test_margins_do_not_reach_into_the_next_sign() -> None:
    one, two = find_spans(frames(200), person(200, (50, 80), (94, 124)))
    assert one.stop <= two.first


def test_a_short_sign_of_a_long_recording_is_not_the_whole() -> None:
    (span,) = find_spans(frames(300), person(300, (100, 130)))
    assert span.first > 80 and span.stop < 150


def test_nobody_signs() -> None:
    assert find_spans(frames(100), person(100)) == []


def test_a_hand_alone_is_one_sign() -> None:
    keypoints = person(50)
    keypoints[:, 5] = (np.nan, np.nan, 0)
    assert find_spans(frames(50), keypoints) == [whole_video(frames(50))] == [Span(0, 50, 0.0, pytest.approx(2.0))]


def test_a_single_frame_is_one_sign() -> None:
    assert find_spans(frames(1, fps=0.0), person(1)) == [Span(0, 1, 0.0, 0.0)]
