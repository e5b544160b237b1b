"""Detector and network joined: batches, gaps that are filled, points that were not seen."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest

from camfuse.geometry import UNSEEN
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.topdown import seen_points, signer_poses

BOX = (10.0, 5.0, 30.0, 45.0, 0.9)


class Stand:
    """A detector that loses the person in some frames, and a network that gives the number of the frame."""

    def __init__(self, lost: Sequence[int]) -> None:
        self.lost = lost
        self.batches: list[int] = []

    def detect(self, frames: Any, least: float) -> list[np.ndarray]:
        self.batches.append(len(frames))
        numbers = [int(frame.mean() / 10 + 0.5) for frame in frames]
        assert least == 0.3
        return [np.array([] if number in self.lost else [BOX], np.float32).reshape(-1, 5) for number in numbers]

    def keypoints(self, frames: Any, boxes: np.ndarray) -> np.ndarray:
        assert boxes == pytest.approx(np.array([BOX[:4]] * len(frames)))
        out = np.zeros((len(frames), 133, 3), np.float32)
        out[..., 0] = np.array([int(frame.mean() / 10 + 0.5) for frame in frames])[:, None]
        out[:, 1:, 2] = 0.5  # the first point has no peak
        return out


def numbered(count: int) -> ClipFrames:
    images = [np.full((48, 40, 3), 10 * number, np.uint8) for number in range(count)]
    jpeg = [cv2.imencode(".jpg", image)[1].tobytes() for image in images]
    return ClipFrames(jpeg, np.arange(count) / 25, 48, 40, 25)


def test_short_gaps_are_filled_and_long_ones_stay_missing() -> None:
    stand = Stand(lost=(2, 5, 6, 7))
    poses = signer_poses(numbered(10), stand, stand, batch=4, least=0.3, fill=2)
    assert stand.batches == [4, 4, 2]
    assert np.flatnonzero(poses.filled).tolist() == [2]
    missing = np.isnan(poses.keypoints[:, 1, 0])
    assert np.flatnonzero(missing).tolist() == [5, 6, 7]
    assert poses.keypoints[~missing, 1, 0].tolist() == [0, 1, 2, 3, 4, 8, 9]
    np.testing.assert_array_equal(poses.keypoints[:, 0], np.array([UNSEEN] * 10, np.float32))
    assert np.isnan(poses.boxes[missing, 0]).all() and not poses.boxes[missing, 4].any()


def test_scores_are_cut_to_one_and_points_without_a_peak_are_unseen() -> None:
    points = np.array([[1, 2, 1.7], [1, 2, 0.4], [1, 2, 0], [1, 2, -0.1]], np.float32)
    expected = np.array([[1, 2, 1], [1, 2, 0.4], UNSEEN, UNSEEN], np.float32)
    np.testing.assert_array_equal(seen_points(points), expected)
    assert points[0, 2] == np.float32(1.7)
