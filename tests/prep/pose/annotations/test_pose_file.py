"""`.pose` files of any skeleton."""

from pathlib import Path

import numpy as np
import pytest

from camfuse.clips.table import Clip
from camfuse.config.estimators import AnnotationsPose
from camfuse.errors import ClipError
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.annotations.estimator import AnnotationsEstimator
from camfuse.prep.pose.annotations.pose_file import read_pose
from camfuse.prep.pose.estimator import check_poses
from tests.prep.pose.annotations.made_files import (
    clip,
    estimate,
    frames,
    write_pose,
)

pytest.importorskip("pose_format")


def test_another_skeleton_is_refused(tmp_path: Path) -> None:
    path = write_pose(tmp_path / "a.pose", pose_keypoints_2d=24, hand_left_keypoints_2d=21, hand_right_keypoints_2d=21)
    with pytest.raises(ClipError, match=r"expected MediaPipe Holistic .* found pose_keypoints_2d 24"):
        estimate(clip(path), frames(10))


def test_every_recording_at_hand_is_read_or_refused_with_a_reason(shared_data: Path) -> None:
    read = {}
    for path in sorted((shared_data / "keypoints/pose_format").glob("*.pose")):
        try:
            stored = read_pose(path, path.stem)
        except ClipError as error:
            read[path.stem] = str(error).partition("expected")[2]
        else:
            assert np.isfinite(stored.keypoints[..., 5, 0]).mean() > 0.9, path  # a shoulder
            read[path.stem] = f"{len(stored)} frames"
    assert set(read) >= {"example", "mediapipe", "mediapipe_long", "openpose"}
    assert all(read.values())
    assert read["mediapipe"] == "170 frames"  # reduced to 178 points


REAL = {"example.pose": 66, "openpose.pose": 93, "mediapipe.pose": 170, "mediapipe_long.pose": 278}


@pytest.mark.parametrize(("name", "count"), REAL.items())
def test_real_pose_files_are_read(shared_data: Path, name: str, count: int) -> None:
    pytest.importorskip("pose_format")
    path = shared_data / "keypoints" / "pose_format" / name
    clip = Clip("one", Path("one.mp4"), 0.0, float("inf"), path, "x")
    frames = ClipFrames([b""] * count, np.arange(count) / 24, 1000, 1000, 24)
    with AnnotationsEstimator(AnnotationsPose()) as estimator:
        poses = estimator.estimate(clip, frames)
    check_poses(poses, count, clip=clip, estimator="annotations")
    middle = np.ma.median(np.ma.masked_invalid(poses.keypoints), axis=0)
    for left, right in ((1, 2), (5, 6)):  # the signer's left is on the image's right
        assert middle[left, 0] > middle[right, 0]
    for wrist, root in ((9, 91), (10, 112)):
        near = np.linalg.norm(poses.keypoints[:, wrist, :2] - poses.keypoints[:, root, :2], axis=-1)
        near = near[np.isfinite(near)]  # one file's right hand is never seen
        assert not len(near) or np.median(near) < 0.2 * (middle[5, 0] - middle[6, 0])
    nose_tip = middle[23 + 30, :2]
    assert np.linalg.norm(nose_tip - middle[0, :2]) < 0.2 * (middle[5, 0] - middle[6, 0])
