"""Figures of a clip's pose, on sequences whose figures are plain."""

import numpy as np
import pytest

from camfuse.prep.pose.quality import jitter, longest_gap


def walking(frames: int = 11) -> np.ndarray:
    """All points 10 px a frame to the right; the shoulders 100 px apart."""
    keypoints = np.ones((frames, 133, 3), np.float32)
    keypoints[..., 0] = 10 * np.arange(frames)[:, None]
    keypoints[:, 5, 0] += 100
    return keypoints


def test_a_steady_movement_does_not_jitter() -> None:
    assert jitter(walking()) == pytest.approx(0, abs=1e-6)


def test_trembling_is_measured_in_widths_of_the_shoulders() -> None:
    keypoints = walking()
    keypoints[::2, :, 1] += 3  # every frame is 3 px off the middle of its neighbours
    assert jitter(keypoints) == pytest.approx(0.03)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_frames_have_no_jitter(count: int) -> None:
    assert np.isnan(jitter(walking(count)))


def test_nobody_has_no_jitter() -> None:
    assert np.isnan(jitter(np.full((5, 133, 3), np.nan, np.float32)))


@pytest.mark.parametrize(
    ("lost", "longest"), [([], 0), ([0], 1), ([0, 1, 5, 6, 7, 10], 3), ([8, 9, 10], 3), (range(11), 11)]
)
def test_the_longest_gap_counts_frames_without_the_body(lost: list[int], longest: int) -> None:
    keypoints = walking()
    keypoints[list(lost), :17] = (np.nan, np.nan, 0)
    assert longest_gap(keypoints) == longest
