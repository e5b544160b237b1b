"""What reruns when: each change against what Snakemake's own dry run plans, and what a job then really computes."""

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from own_clips import LATER, OwnClips, own_clips, run_data_and_graft
from small_run import ROOT, SMALL, Workflow

TRAINING = {"train_rgb": 1, "train_pose": 1, "train_fusion": 1}
LAST = {"evaluate": 1, "report": 1}
ONE_SHARD = {"frames": 1, "pose": 1, "crops": 1, "heatmaps": 1}
SOME_TRAINING = {**SMALL["train"]["rgb"], "rate": 0.01}


@pytest.fixture(scope="session")
def planned_on(finished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> OwnClips:
    """Own clips with everything made; tests copy it."""
    own = own_clips(finished, tmp_path_factory.mktemp("own") / "run")
    run_data_and_graft(own, finished)
    return own


@pytest.fixture
def own(planned_on: OwnClips, tmp_path: Path) -> OwnClips:
    return planned_on.copy(tmp_path / "copy")


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({"frames": {"quality": 80}}, {"frames": 2, "pose": 2, "crops": 2, "heatmaps": 2} | TRAINING | LAST),
        (
            {"pose": {"annotations": {"file": "for_clips_without_one.pkl"}}},
            {"pose": 2, "crops": 2, "heatmaps": 2} | TRAINING | LAST,
        ),
        ({"crops": {"size": 32}}, {"crops": 2, "heatmaps": 2} | TRAINING | LAST),
        ({"heatmaps": {"sigma": 1.5}}, {"heatmaps": 2, "train_pose": 1, "train_fusion": 1} | LAST),
        ({"sampling": {"pose_frames": 2}}, TRAINING | LAST),
        ({"seed": 2}, TRAINING | LAST),
        ({"model": {"rgb": {"channels": 16}}}, {"train_rgb": 1, "train_fusion": 1} | LAST),
        ({"model": {"fusion": {"width": 32}}}, {"train_fusion": 1} | LAST),
        ({"train": {"rgb": SOME_TRAINING}}, {"train_rgb": 1, "train_fusion": 1} | LAST),
        ({"train": {"pose": SOME_TRAINING}}, {"train_pose": 1, "train_fusion": 1} | LAST),
        ({"train": {"fusion": SOME_TRAINING}}, {"train_fusion": 1} | LAST),
        ({"evaluate": {"weights": [1.0, 2.0, 1.0]}}, {"train_fusion": 1} | LAST),
        ({"evaluate": {"samplings": 1}}, LAST),
        ({"evaluate": {"false_accepts": 0.2}}, LAST),
        ({"train": {"unknown_words": ["C"]}}, TRAINING | LAST),
        ({"report": {"title": "Another"}}, {"report": 1}),
        ({"machine": {"workers": 1, "device": "auto", "threads": 2, "log_level": "debug"}}, {}),
        ({"machine": {"weights": "elsewhere", "pose_batch": 1}}, {}),
        ({"bad_clips": "skip"}, {}),
    ],
    ids=lambda value: next(iter(value), "nothing") if isinstance(value, dict) else None,
)
def test_a_setting_reruns_its_stage_and_what_follows(
    finished: Workflow, change: dict[str, Any], rules: dict[str, int]
) -> None:
    assert finished.planned(change) == rules


def test_another_estimator_reruns_pose_and_what_follows(finished: Workflow) -> None:
    other = replace(finished, settings={**SMALL, "pose": {"mediapipe": {"detection_confidence": 0.3}}})
    assert other.planned() == {"pose": 2, "crops": 2, "heatmaps": 2} | TRAINING | LAST


def test_own_clips_have_nothing_to_do(planned_on: OwnClips) -> None:
    assert planned_on.workflow.planned() == {}


def test_a_touched_video_reruns_nothing(own: OwnClips) -> None:
    for video in (own.folder / "videos").iterdir():
        os.utime(video)
    assert own.workflow.planned() == {}


def test_another_order_of_the_table_redoes_no_image(own: OwnClips) -> None:
    own.write(own.table()[::-1])
    assert not ONE_SHARD.keys() & own.workflow.planned().keys()


def test_a_new_split_redoes_no_image(own: OwnClips) -> None:
    table = own.table()
    table.loc[table["clip_id"] == "csq_C", "split"] = "val"
    own.write(table)
    assert own.workflow.planned() == TRAINING | LAST


def test_a_replaced_video_reruns_its_shard_and_estimates_its_pose_alone(own: OwnClips) -> None:
    replaced = "bzs_L"
    with own.video(replaced).open("ab") as video:
        video.write(b"\0\0\0\x08free")  # an empty box at the end of an mp4: other bytes, the same images
    assert own.workflow.planned() == ONE_SHARD | TRAINING | LAST
    shard = own.shard_of(replaced)
    others = len(own.members(shard)) - 1
    assert others > 0
    assert poses_of(own, shard) == (1, others)


def test_an_added_clip_reruns_its_shard_and_estimates_its_pose_alone(own: OwnClips) -> None:
    shard = own.shard_of(LATER)
    others = len(own.members(shard))
    own.add(LATER)
    assert own.workflow.planned() == ONE_SHARD | TRAINING | LAST
    assert poses_of(own, shard) == (1, others)


def test_a_removed_clip_reruns_its_shard_and_estimates_nothing(own: OwnClips) -> None:
    shard = own.shard_of("csq_C")
    others = len(own.members(shard)) - 1
    own.remove("csq_C")
    own.video("csq_C").unlink()
    assert own.workflow.planned() == ONE_SHARD | TRAINING | LAST
    assert poses_of(own, shard) == (0, others)


def poses_of(own: OwnClips, shard: str) -> tuple[int, int]:
    """Run the shard up to its poses; return how many were estimated and how many reused."""
    own.workflow.run(f"results/pose/{shard}.h5")
    log = (own.folder / "results" / "logs" / "pose" / f"{shard}.log").read_text()
    found = re.search(r"(\d+) new, (\d+) reused, 0 failed", log)
    assert found, log
    return int(found[1]), int(found[2])


def checkout(folder: Path) -> Path:
    """Copy the code, so that a test can edit it."""
    for name in ("camfuse", "workflow", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "Snakefile", folder / "Snakefile")
    return folder


def test_another_checkout_and_a_comment_rerun_nothing(finished: Workflow, tmp_path: Path) -> None:
    code = checkout(tmp_path / "code")
    for path in (code / "camfuse").rglob("*.py"):
        path.write_text(path.read_text() + "\n# a remark\n")
    assert replace(finished, root=code).planned() == {}


def test_a_raised_version_reruns_its_stage_and_what_follows(finished: Workflow, tmp_path: Path) -> None:
    code = checkout(tmp_path / "code")
    stages = code / "camfuse" / "run" / "stages.py"
    raised = re.sub(r'Stage\("crops", (\d+)', lambda old: f'Stage("crops", {int(old[1]) + 1}', stages.read_text())
    assert raised != stages.read_text()
    stages.write_text(raised)
    assert replace(finished, root=code).planned() == {"crops": 2, "heatmaps": 2} | TRAINING | LAST
