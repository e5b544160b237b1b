"""The border between estimators and the stage."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from camfuse.clips.table import Clip
from camfuse.errors import ClipError, ShardError
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.estimator import Poses, check_poses, missing_poses, tight_boxes
from camfuse.prep.pose.quality import detection_rates
from camfuse.skeleton import FACE, LEFT_HAND

CLIP = Clip("c7", Path("c7.mp4"), 0.0, float("inf"), None, "x")


def seen_poses(count: int) -> Poses:
    poses = missing_poses(count)
    keypoints = poses.keypoints.copy()
    keypoints[:, :5] = (3.0, 4.0, 0.5)
    return replace(poses, keypoints=keypoints, boxes=tight_boxes(keypoints))


def test_frames_are_decoded_as_rgb_when_asked_for() -> None:
    bgr = np.zeros((16, 24, 3), np.uint8)
    bgr[..., 2] = 200  # red
    good = cv2.imencode(".jpg", bgr)[1].tobytes()
    frames = ClipFrames(jpeg=[good, good, b"broken"], time=np.arange(3) / 25, height=16, width=24, fps=25.0)
    assert len(frames) == 3  # nothing decoded yet, or the broken one would be noticed
    assert frames[1].shape == (16, 24, 3)
    assert frames[1][8, 8].tolist() == pytest.approx([200, 0, 0], abs=4)
    with pytest.raises(ShardError, match="frame 2 is not a JPEG image"):
        list(frames)


def test_batches_hold_every_frame_once() -> None:
    images = [cv2.imencode(".jpg", np.full((8, 8, 3), value, np.uint8))[1].tobytes() for value in range(0, 250, 50)]
    frames = ClipFrames(jpeg=images, time=np.arange(5) / 25, height=8, width=8, fps=25.0)
    batches = [[int(image[0, 0, 0]) for image in batch] for batch in frames.batches(2)]
    assert batches == [[0, 50], [100, 150], [200]]


def test_good_poses_pass() -> None:
    check_poses(seen_poses(3), 3, clip=CLIP, estimator="e")
    check_poses(missing_poses(3), 3, clip=CLIP, estimator="e")


def faulty(name: str, index: Any, value: float) -> Poses:
    poses = seen_poses(3)
    array = getattr(poses, name).copy()
    array[index] = value
    return replace(poses, **{name: array})


@pytest.mark.parametrize(
    ("poses", "message"),
    [
        (missing_poses(2), r"keypoints: expected float32 \(3, 133, 3\), found float32 \(2, 133, 3\)"),
        (replace(seen_poses(3), boxes=np.zeros((3, 4), np.float32)), r"boxes: expected float32 \(3, 5\), found"),
        (replace(seen_poses(3), filled=np.zeros(3, np.float32)), r"filled: expected bool \(3,\), found float32"),
        (
            faulty("keypoints", (1, 2, 0), np.nan),
            r"finite or all NaN, found \[nan, 4.0, 0.5\] at \[1, 2\] \(1 in all\)",
        ),
        (faulty("keypoints", (1, 2, 1), np.inf), "keypoints: expected coordinates finite or all NaN"),
        (faulty("keypoints", (1, 2, 2), np.nan), "keypoints: expected a score of 0 to 1"),
        (faulty("keypoints", (1, 2, 2), 1.5), "keypoints: expected a score of 0 to 1"),
        (faulty("keypoints", (1, 2, 2), -0.1), "keypoints: expected a score of 0 to 1"),
        (faulty("keypoints", (1, 50, 2), 0.5), "keypoints: expected score 0 where not seen"),
        (faulty("boxes", (0, 3), np.nan), "boxes: expected coordinates finite or all NaN"),
        (faulty("boxes", (0, 4), 2.0), "boxes: expected a score of 0 to 1"),
    ],
)
def test_bad_poses_are_named(poses: Poses, message: str) -> None:
    with pytest.raises(ClipError, match=message) as caught:
        check_poses(poses, 3, clip=CLIP, estimator="guess")
    assert str(caught.value).startswith("clip c7: estimator guess: ")


def test_all_faults_at_once() -> None:
    poses = replace(seen_poses(3), boxes=np.zeros((3, 4), np.float32), filled=np.zeros(2, np.bool_))
    with pytest.raises(ClipError, match=r"boxes: .*; filled: "):
        check_poses(poses, 3, clip=CLIP, estimator="e")


def test_tight_boxes() -> None:
    keypoints = missing_poses(3).keypoints.copy()
    keypoints[0, 0] = (10, 20, 0.5)
    keypoints[0, 5] = (-4, 60, 1.0)
    keypoints[0, 16] = (200, 300, 0.01)
    keypoints[1, 3] = (7, 8, 0.25)
    np.testing.assert_allclose(tight_boxes(keypoints, 0.1)[:2], [[-4, 20, 10, 60, 0.75], [7, 8, 7, 8, 0.25]])
    assert tight_boxes(keypoints)[0, :4].tolist() == [-4, 20, 200, 300]
    np.testing.assert_array_equal(tight_boxes(keypoints)[2], [np.nan, np.nan, np.nan, np.nan, 0])


def test_detection_rates() -> None:
    keypoints = missing_poses(4).keypoints.copy()
    keypoints[:3, 16] = (1, 1, 0.9)
    keypoints[0, FACE[0]] = (1, 1, 1)
    keypoints[1:, LEFT_HAND[3]] = (1, 1, 1)
    keypoints[1, LEFT_HAND[4]] = (1, 1, 1)
    keypoints[:, 20] = (1, 1, 1)  # feet count for no part
    assert detection_rates(keypoints) == {"body": 0.75, "face": 0.25, "left_hand": 0.75, "right_hand": 0.0}
