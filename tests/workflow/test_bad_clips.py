"""One fate for every clip: what a stage cannot process is left out once and for all, and nothing else suffers."""

import json
import pickle
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_run import SMALL, Workflow, write_video

from camfuse.clips.table import shard_of
from camfuse.evaluate.result_text import result_text
from camfuse.evaluate.results import read_results
from camfuse.run.layout import DATA_STAGES, Run

SHARDS = 4
FRAMES = 10
LABELS = ("book", "drink", "house")
STAGES = ("frames", "pose", "crops")
"""Heatmaps cannot fail: any keypoints have them."""


def ids_of(shard: int) -> Callable[[str], str]:
    """Return a function that makes clip ids of one shard, each beginning with what it is given."""
    numbers = count()

    def make(start: str) -> str:
        return next(name for n in numbers if shard_of(name := f"{start}_{n}", SHARDS) == f"{shard:04d}")

    return make


def write_keypoints(path: Path, clip_id: str, *, frames: int = FRAMES, score: float = 0.9) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    places = np.random.default_rng(len(clip_id)).uniform(8, 56, (1, frames, 133, 2))
    entry = {
        "frame_dir": clip_id,
        "total_frames": frames,
        "img_shape": (64, 64),
        "keypoint": places,
        "keypoint_score": np.full((1, frames, 133), score),
    }
    path.write_bytes(pickle.dumps({"split": {}, "annotations": [entry]}))


class Clips:
    """Twelve good clips in the first shard; for each stage a bad clip among them, and one alone in its shard."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bad: dict[str, str] = {}
        """Which stage cannot process it, by clip."""
        self.alone: dict[str, str] = {}
        """The shard of a bad clip that is alone in it."""
        among = ids_of(0)
        rows = [
            self._row(among(label), label, split) for label in LABELS for split in ("train", "train", "val", "test")
        ]
        for number, (stage, split) in enumerate(zip(STAGES, ("test", "train", "test"), strict=True), start=1):
            for make, label in ((among, "book"), (ids_of(number), "drink")):
                rows.append(self._row(make(stage), label, split))
                self.bad[rows[-1]["clip_id"]] = stage
            self.alone[rows[-1]["clip_id"]] = f"{number:04d}"
        self.table = pd.DataFrame(rows)
        self.table.to_csv(folder / "clips.csv", index=False)
        for clip_id in self.table["clip_id"]:
            self.repair(clip_id)
        for clip_id, stage in self.bad.items():
            self.spoil(clip_id, stage)

    def _row(self, clip_id: str, label: str, split: str) -> dict[str, str]:
        return {
            "clip_id": clip_id,
            "video": f"videos/{clip_id}.mp4",
            "label": label,
            "split": split,
            "annotation": f"keypoints/{clip_id}.pkl",
        }

    def repair(self, clip_id: str) -> None:
        write_video(self.folder / "videos" / f"{clip_id}.mp4", shade=hash_of(clip_id))
        write_keypoints(self.folder / "keypoints" / f"{clip_id}.pkl", clip_id)

    def spoil(self, clip_id: str, stage: str) -> None:
        keypoints = self.folder / "keypoints" / f"{clip_id}.pkl"
        if stage == "frames":
            (self.folder / "videos" / f"{clip_id}.mp4").write_text(f"<!DOCTYPE html> {clip_id}")
        elif stage == "pose":
            write_keypoints(keypoints, clip_id, frames=FRAMES - 5)
        else:
            write_keypoints(keypoints, clip_id, score=0.05)  # below crops.min_score; none at all is pose's


def hash_of(text: str) -> int:
    return sum(text.encode()) % 200


def settings(**more: Any) -> dict[str, Any]:
    clips = {"csv": {"table": "clips.csv"}, "shards": SHARDS}
    return SMALL | {"clips": clips, "pose": {"annotations": {}}, "evaluate": {"samplings": 1}} | more


def shards_planned(workflow: Workflow) -> dict[str, int]:
    """Return how many shards a dry run would make again, by stage."""
    planned = workflow.planned()
    return {stage: planned[stage] for stage in DATA_STAGES if stage in planned}


@pytest.fixture(scope="module")
def skipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workflow, Clips]:
    """A whole run, from videos to report, that leaves its bad clips out."""
    folder = tmp_path_factory.mktemp("skip")
    clips = Clips(folder)
    workflow = Workflow(folder, settings(bad_clips="skip"))
    workflow.run()
    return workflow, clips


@pytest.mark.bad_input("clips that a stage cannot process", "left out by that stage; all others go on")
def test_bad_clips_are_left_out_by_their_stage_and_stay_so(skipped: tuple[Workflow, Clips]) -> None:
    workflow, clips = skipped
    run = Run.from_folder(workflow.folder / "results")
    assert {clip_id: why.stage for clip_id, why in run.left_out().items()} == clips.bad
    good = set(clips.table["clip_id"]) - set(clips.bad)
    for stage in DATA_STAGES:
        there = {clip_id for shard in run.shards(stage) for clip_id in shard}
        later = {clip_id for clip_id, at in clips.bad.items() if DATA_STAGES.index(at) > DATA_STAGES.index(stage)}
        assert there == good | later, stage
    reasons = run.left_out()
    for stage, words in (("frames", "ffmpeg cannot decode"), ("pose", "10 frames"), ("crops", "nobody was found")):
        assert all(words in reasons[clip_id].reason for clip_id, at in clips.bad.items() if at == stage), stage


def test_the_metrics_count_the_missing_test_clips_as_wrong_too(skipped: tuple[Workflow, Clips]) -> None:
    workflow, clips = skipped
    run = Run.from_folder(workflow.folder / "results")
    results = read_results(run.evaluation)
    assert results is not None
    test = clips.table["clip_id"][clips.table["split"] == "test"]
    assert set(results.missing.left_out) == set(test) & set(clips.bad) and results.missing.not_on_disk == 0
    for row in results.rows.values():
        assert row.clips == 3 and len(test) == 7
        assert row.top_of_all[1] == pytest.approx(row.top[1] * 3 / 7)
    said = result_text(results)
    assert "4 of 7 clips of test (2 left out by stage frames, 2 left out by stage crops)" in said
    summary = json.loads(run.training("fusion").summary.read_text())
    assert summary["clips"] == {"train": 6, "val": 3} and summary["left_out"] == {"train": 2, "val": 0}


def test_the_report_lists_them(skipped: tuple[Workflow, Clips]) -> None:
    workflow, clips = skipped
    page = (workflow.folder / "results" / "report" / "index.html").read_text()
    assert all(clip_id in page for clip_id in clips.bad)
    assert "Missing, and in none of these numbers: 4 of 7 clips of test" in page


def test_nothing_is_left_to_do_after_it(skipped: tuple[Workflow, Clips]) -> None:
    workflow, _ = skipped
    assert workflow.planned() == {}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("alone", [True, False])
def test_a_repaired_clip_reruns_its_shard_alone(skipped: tuple[Workflow, Clips], stage: str, alone: bool) -> None:
    workflow, clips = skipped
    (clip_id,) = (one for one, at in clips.bad.items() if at == stage and (one in clips.alone) == alone)
    clips.repair(clip_id)
    try:
        assert shards_planned(workflow) == dict.fromkeys(DATA_STAGES, 1)
    finally:
        clips.spoil(clip_id, stage)
        assert workflow.planned() == {}


def test_stop_names_the_clips_and_goes_on_with_the_other_shards(tmp_path: Path) -> None:
    clips = Clips(tmp_path)
    workflow = Workflow(tmp_path, settings(bad_clips="stop"))
    done = workflow.snakemake("data")
    assert done.returncode == 2  # the last words are the jobs' own, without Snakemake's about itself
    last = done.stderr[done.stderr.rindex("\nERROR: ") :]
    assert "could not be processed" in last and "(in results/logs/" in last and "WorkflowError" not in last
    run = Run.from_folder(tmp_path / "results")
    # every shard has a bad clip: each ends at the first stage that cannot process one of its clips
    made = {stage: sorted(path.stem for path in (run.output / stage).glob("*.h5")) for stage in DATA_STAGES}
    assert made == {"frames": ["0002", "0003"], "pose": ["0003"], "crops": [], "heatmaps": []}
    said = done.stdout + done.stderr
    named = {clip_id for clip_id, stage in clips.bad.items() if stage == "frames" or clip_id in clips.alone}
    assert all(clip_id in said for clip_id in named)
    for clip_id in clips.bad:
        clips.repair(clip_id)
    workflow.run("data")
    assert run.left_out() == {}
    assert {clip_id for shard in run.shards("heatmaps") for clip_id in shard} == set(clips.table["clip_id"])
