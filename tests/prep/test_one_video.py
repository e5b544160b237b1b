"""One video to arrays gives what the stages put into their shards, to the bit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_training import MakeConfig
from made_videos import MakeVideo
from walker import Walker

from camfuse.clips.table import SHARD_COLUMNS, Clip
from camfuse.config import Config
from camfuse.errors import ClipError
from camfuse.prep.crops import crop_clips
from camfuse.prep.frames import extract_frames
from camfuse.prep.heatmaps import render_heatmaps
from camfuse.prep.one_video import prepare_clip
from camfuse.prep.pose import run as pose_stage
from camfuse.prep.pose.estimator import missing_poses
from camfuse.prep.pose.run import estimate_poses, make_estimator
from camfuse.run.layout import Run


def stored(config: Config, clip: Clip, folder: Path) -> Run:
    """Run the four stages on a shard of this clip."""
    run = Run(config.model_copy(update={"output": folder}))
    table = folder / "0000.csv"
    row = (clip.clip_id, str(clip.video), clip.start, None, None, clip.identity)
    folder.mkdir(parents=True)
    pd.DataFrame([dict(zip(SHARD_COLUMNS, row, strict=True))]).to_csv(table, index=False)
    frames, pose, crops, heatmaps = (run.shard_path(stage, "0000") for stage in ("frames", "pose", "crops", "heatmaps"))
    extract_frames(run.config, table, frames)
    estimate_poses(run.config, table, frames, pose)
    crop_clips(run.config, table, frames, pose, crops)
    render_heatmaps(run.config, table, crops, heatmaps)
    return run


def same(config: Config, clip: Clip, folder: Path) -> None:
    run = stored(config, clip, folder)
    with pose_stage.make_estimator(config) as estimator:
        prepared = prepare_clip(config, clip, estimator)
    shards = {stage: run.shard(stage, "0000") for stage in ("frames", "pose", "crops", "heatmaps")}
    assert prepared.frames.jpeg == shards["frames"].jpeg(clip.clip_id)
    assert prepared.crops.jpeg == shards["crops"].jpeg(clip.clip_id)
    arrays = {
        ("frames", "time"): prepared.frames.time,
        ("pose", "keypoints"): prepared.poses.keypoints,
        ("pose", "box"): prepared.poses.boxes,
        ("pose", "filled"): prepared.poses.filled,
        ("crops", "keypoints"): prepared.crops.keypoints,
        ("heatmaps", "volume"): prepared.volume,
    }
    for (stage, name), array in arrays.items():
        there = shards[stage].read(name, clip.clip_id)
        assert array.dtype == there.dtype, name
        np.testing.assert_array_equal(array, there, err_msg=name)
    np.testing.assert_array_equal(prepared.crops.affine, shards["crops"].fact("affine", clip.clip_id))
    facts = prepared.frames.height, prepared.frames.width, prepared.frames.fps
    assert facts == tuple(shards["frames"].fact(name, clip.clip_id) for name in ("height", "width", "fps"))
    assert prepared.volume.any() and len(prepared.crops.jpeg) == len(prepared.frames)


def made(_: object) -> Walker:
    return Walker()


@pytest.fixture
def walker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pose_stage, "make_estimator", made)


def test_a_made_video(make_video: MakeVideo, make_config: MakeConfig, walker: None, tmp_path: Path) -> None:
    clip = Clip("made", make_video(frames=12), 0.1, float("inf"), None, "made")
    same(make_config(crops={"size": 64}), clip, tmp_path / "run")


@pytest.mark.slow
def test_a_real_clip(shared_data: Path, make_config: MakeConfig, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    assert pose_stage.make_estimator is make_estimator
    clip = Clip("real", shared_data / "clips/wlasl/videos/02712.mp4", 0.0, float("inf"), None, "real")
    same(make_config(), clip, tmp_path / "run")


def test_a_clip_that_shows_nobody_is_named(
    make_video: MakeVideo, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Walker, "estimate", lambda self, clip, frames: missing_poses(len(frames)))
    clip = Clip("empty", make_video(frames=3), 0.0, float("inf"), None, "empty")
    with pytest.raises(ClipError, match="clip empty: nobody was found in any of its 3 frames"):
        prepare_clip(make_config(), clip, Walker())
