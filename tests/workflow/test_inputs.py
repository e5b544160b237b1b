"""Input of the wrong kind, from the command to what becomes of it."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_run import SMALL, Workflow, write_video

from camfuse.run.layout import Run

FRAMES = 10


def annotation(name: str, x: float) -> dict[str, Any]:
    """Return an entry of a pickle whose points all lie at the column `x`."""
    points = np.random.default_rng(0).uniform(8, 56, (1, FRAMES, 133, 2))
    points[..., 0] = x
    scores = np.full((1, FRAMES, 133), 0.9)
    return {"frame_dir": name, "img_shape": (64, 64), "keypoint": points, "keypoint_score": scores}


def poses_of(folder: Path, **entries: float) -> tuple[dict[str, float], dict[str, str]]:
    """Run stage pose on hello/1 and thanks/1 with a pickle; return each clip's column, and who was left out and why."""
    for label in ("hello", "thanks"):
        write_video(folder / "videos" / label / "1.mp4", shade=len(label))
    content = {"split": {}, "annotations": [annotation(name, x) for name, x in entries.items()]}
    (folder / "all.pkl").write_bytes(pickle.dumps(content))
    clips = {"folder": {"videos": "videos"}, "shards": 1}
    settings = SMALL | {"clips": clips, "pose": {"annotations": {"file": "all.pkl"}}, "bad_clips": "skip"}
    Workflow(folder, settings).run("results/pose/0000.h5")
    with Run.from_folder(folder / "results").shard("pose", "0000") as shard:
        found = {clip_id: float(shard.read("keypoints", clip_id)[0, 0, 0]) for clip_id in shard}
        left = {name: why.reason for name, why in shard.left_out_of(["hello--1", "thanks--1"]).items()}
    return found, left


def test_each_clip_gets_its_own_keypoints(tmp_path: Path) -> None:
    assert poses_of(tmp_path, **{"thanks/1": 20, "hello/1": 30}) == ({"hello--1": 30, "thanks--1": 20}, {})


@pytest.mark.parametrize("name", ["thanks/1", "1"])
def test_no_clip_gets_the_keypoints_of_another(tmp_path: Path, name: str) -> None:
    found, left = poses_of(tmp_path, **{name: 20})
    assert found == ({"thanks--1": 20} if "/" in name else {})
    assert "expected one annotation with frame_dir 'hello--1' or 'hello/1', found 0" in left["hello--1"]
