"""The stage around the estimators."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from made_training import MakeConfig
from made_videos import MakeVideo
from run_command import camfuse
from walker import Walker

from camfuse.clips.table import SHARD_COLUMNS, Clip
from camfuse.config import dump_config
from camfuse.errors import BadClipsError, ClipError, StaleShardError
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.frames import extract_frames
from camfuse.prep.pose import run
from camfuse.prep.pose.annotations.estimator import AnnotationsEstimator
from camfuse.prep.pose.estimator import Poses, missing_poses
from camfuse.prep.pose.mediapipe.estimator import MediapipeEstimator
from camfuse.prep.pose.run import estimate_poses, make_estimator
from camfuse.run.shard import LeftOut, Shard
from camfuse.run.stages import fingerprint


class Marker:
    """Puts the nose at x = frame number, y = brightest column; notes what it did, in a file: it has its own process."""

    def __init__(self, notes: Path) -> None:
        self.notes = notes

    def note(self, what: str) -> None:
        with self.notes.open("a") as file:
            file.write(f"{what}\n")

    @property
    def done(self) -> list[str]:
        return [what for what in self.notes.read_text().split() if what != "closed"]

    @property
    def closed(self) -> bool:
        return self.notes.read_text().endswith("closed\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.note("closed")

    def provenance(self) -> Mapping[str, object]:
        return {"estimator": "marker"}

    def estimate(self, clip: Clip, frames: ClipFrames) -> Poses:
        if clip.clip_id == "bad":
            raise ClipError(clip.clip_id, "nothing fits")
        self.note(clip.clip_id)
        poses = missing_poses(len(frames))
        for number, image in enumerate(frames):
            assert image.shape == (frames.height, frames.width, 3)
            poses.keypoints[number, 0] = (number, frames.time[number] * frames.fps, 1)
        poses.filled[1] = True
        return poses


class NobodyInB(Walker):
    """Sees nobody in clip b."""

    def estimate(self, clip: Clip, frames: ClipFrames) -> Poses:
        return missing_poses(len(frames)) if clip.clip_id == "b" else super().estimate(clip, frames)


def nobody_in_b(_: object) -> NobodyInB:
    return NobodyInB()


def made(marker: Marker, _: object) -> Marker:
    return marker


@pytest.fixture
def marker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Marker]:
    estimator = Marker(tmp_path / "marker.txt")
    monkeypatch.setattr(run, "make_estimator", partial(made, estimator))
    yield estimator
    assert estimator.closed


@pytest.fixture
def prepared(make_video: MakeVideo, make_config: MakeConfig, tmp_path: Path) -> tuple[Any, Path, Path]:
    """Return a config, a clip table of a, gone, bad, b, and their frames shard, which lacks `gone`."""
    videos = {name: make_video(f"{name}.mp4", frames=4 + n) for n, name in enumerate(("a", "bad", "b"))}
    videos["gone"] = tmp_path / "gone.mp4"
    rows = [
        {"clip_id": name, "video": videos[name], "start": 0.0, "end": np.nan, "annotation": np.nan, "identity": name}
        for name in ("a", "gone", "bad", "b")
    ]
    clips = tmp_path / "clips.csv"
    pd.DataFrame(rows)[list(SHARD_COLUMNS)].to_csv(clips, index=False)
    config = make_config(bad_clips="skip")
    extract_frames(config, clips, tmp_path / "frames.h5")
    return config, clips, tmp_path / "frames.h5"


def test_clips_that_frames_left_out_are_passed_over(
    prepared: tuple[Any, Path, Path], marker: Marker, tmp_path: Path
) -> None:
    config, clips, frames = prepared
    estimate_poses(config, clips, frames, tmp_path / "pose.h5")
    shard = Shard(tmp_path / "pose.h5", stage="pose", fingerprint=fingerprint("pose", config))
    assert list(shard) == ["a", "b"]
    assert shard.left_out["bad"] == LeftOut("pose", "nothing fits")
    assert shard.left_out["gone"].stage == "frames" and len(shard.left_out) == 2
    assert shard.provenance == {"estimator": "marker"}
    assert shard.count("b") == 6
    np.testing.assert_allclose(shard.read("keypoints", "b")[:, 0, :2], np.repeat(np.arange(6), 2).reshape(6, 2))
    assert shard.read("filled", "b").tolist() == [False, True, False, False, False, False]
    assert np.isnan(shard.read("box", "b")[:, :4]).all()


@pytest.mark.bad_input("a clip in which nobody is seen", "left out by stage pose, whatever the model reads")
def test_the_command_leaves_out_who_shows_nobody(
    prepared: tuple[Any, Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config, clips, frames = prepared
    monkeypatch.setattr(run, "make_estimator", nobody_in_b)
    (tmp_path / "config.yaml").write_text(dump_config(config))
    given = ("--config", tmp_path / "config.yaml", "--clips", clips, "--frames", frames)
    camfuse("pose", *given, "--output", tmp_path / "pose.h5")
    shard = Shard(tmp_path / "pose.h5", stage="pose")
    assert list(shard) == ["a", "bad"]
    assert shard.left_out["b"].stage == "pose"
    assert shard.left_out["b"].reason.startswith("nobody is seen in any of its 6 frames")


def test_bad_clips_stop_by_default_and_the_rest_is_kept(
    prepared: tuple[Any, Path, Path], marker: Marker, make_config: MakeConfig, tmp_path: Path
) -> None:
    _, clips, frames = prepared
    for _ in range(2):
        with pytest.raises(BadClipsError, match="bad: nothing fits"):
            estimate_poses(make_config(), clips, frames, tmp_path / "pose.h5")
    assert marker.done == ["a", "b"]


def test_what_an_earlier_shard_has_is_reused(prepared: tuple[Any, Path, Path], marker: Marker, tmp_path: Path) -> None:
    config, clips, frames = prepared
    estimate_poses(config, clips, frames, tmp_path / "old.h5")
    estimate_poses(config, clips, frames, tmp_path / "new.h5", previous=tmp_path / "old.h5")
    assert marker.done == ["a", "b"]
    old, new = (Shard(tmp_path / name, stage="pose") for name in ("old.h5", "new.h5"))
    assert old.read("keypoints", "b").tobytes() == new.read("keypoints", "b").tobytes()


def test_stale_frames_are_refused(prepared: tuple[Any, Path, Path], make_config: MakeConfig, tmp_path: Path) -> None:
    _, clips, frames = prepared
    with pytest.raises(StaleShardError):
        estimate_poses(make_config(frames={"quality": 50}), clips, frames, tmp_path / "pose.h5")


def test_the_config_chooses_the_estimator(make_config: MakeConfig) -> None:
    pytest.importorskip("mediapipe")
    assert isinstance(make_estimator(make_config()), MediapipeEstimator)
    assert isinstance(make_estimator(make_config(pose={"annotations": {}})), AnnotationsEstimator)
