"""Poses frame by frame: an estimator's own stream, or each frame taken for a clip."""

from pathlib import Path

import numpy as np
import pytest
from made_videos import write_numbers
from walker import Walker

from camfuse.clips.table import Clip
from camfuse.config.estimators import MediapipePose
from camfuse.prep.frames import read_clip
from camfuse.prep.pose.estimator import check_poses
from camfuse.prep.pose.live import FrameByFrame, open_stream


def test_any_estimator_sees_frame_by_frame(tmp_path: Path) -> None:
    clip = Clip("c", write_numbers(tmp_path / "v.mp4", 5), 0.0, float("inf"), None, "c")
    frames = read_clip(clip, 95)
    with open_stream(Walker()) as stream:
        assert isinstance(stream, FrameByFrame)
        poses = stream.poses([stream.see(image) for image in frames], frames.height, frames.width)
    check_poses(poses, 5, clip=clip, estimator="walker")
    assert np.isfinite(poses.keypoints[1:, 0]).all() and np.isnan(poses.keypoints[0, 0, 0])


def test_mediapipes_stream_gives_what_the_clip_gives(shared_data: Path) -> None:
    pytest.importorskip("mediapipe")
    from camfuse.prep.pose.mediapipe.estimator import MediapipeEstimator, MediapipeStream

    clip = Clip("c", shared_data / "clips" / "faults" / "odd_321x241.mp4", 0.0, 0.5, None, "c")
    frames, estimator = read_clip(clip, 95), MediapipeEstimator(MediapipePose())
    with open_stream(estimator) as stream:
        assert isinstance(stream, MediapipeStream)
        poses = stream.poses([stream.see(image) for image in frames], frames.height, frames.width)
    whole = estimator.estimate(clip, frames)
    np.testing.assert_array_equal(poses.keypoints, whole.keypoints)
    np.testing.assert_array_equal(poses.boxes, whole.boxes)
