"""A decoder or an estimator that dies or hangs costs one clip, through the workflow."""

from pathlib import Path

import pandas as pd
import pytest
from small_run import ROOT, SMALL, Workflow, write_video

from camfuse.ffmpeg_tool import find_ffmpeg
from camfuse.run.layout import Run
from tests.workflow.test_bad_clips import write_keypoints

FFMPEG = """#!/bin/sh
case "$*" in
*decoder_hangs.mp4*) exec sleep 600 ;;
*decoder_dies.mp4*) kill -9 $$ ;;
esac
exec {} "$@"
"""
ESTIMATOR = """
import os, signal, sys, time
if "--multiprocessing-fork" in sys.orig_argv:
    from camfuse.prep.pose.annotations.estimator import AnnotationsEstimator
    estimate = AnnotationsEstimator.estimate
    def troubled(self, clip, frames):
        if clip.clip_id == "estimator_hangs":
            time.sleep(600)
        if clip.clip_id == "estimator_dies":
            os.kill(os.getpid(), signal.SIGKILL)
        return estimate(self, clip, frames)
    AnnotationsEstimator.estimate = troubled
"""
BAD = {
    "decoder_dies": ("frames", "exit code -9"),
    "decoder_hangs": ("frames", "for 2 s and was ended (machine.patience)"),
    "estimator_dies": ("pose", "was ended by SIGKILL"),
    "estimator_hangs": ("pose", "for 2 s and was ended (machine.patience)"),
}
GOOD = ("a", "e", "z")


@pytest.fixture
def troubled(tmp_path: Path) -> Workflow:
    """Good and bad clips in one shard, an ffmpeg that hangs or dies on some, and an estimator that does on others."""
    names = sorted([*GOOD, *BAD])
    for shade, name in enumerate(names):
        write_video(tmp_path / "videos" / f"{name}.mp4", shade)
        write_keypoints(tmp_path / "keypoints" / f"{name}.pkl", name)
    rows = [
        (name, f"videos/{name}.mp4", "book" if n % 2 else "house", f"keypoints/{name}.pkl")
        for n, name in enumerate(names)
    ]
    kinds = ("train", "val", "test")
    splits = ["train" if name in BAD else kinds[n % 3] for n, name in enumerate(names)]
    table = pd.DataFrame(rows, columns=["clip_id", "video", "label", "annotation"])
    table.assign(split=splits).to_csv(tmp_path / "clips.csv", index=False)
    for folder, name, text in (("bin", "ffmpeg", FFMPEG.format(find_ffmpeg())), ("lib", "sitecustomize.py", ESTIMATOR)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
        (tmp_path / folder / name).chmod(0o755)
    extra = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "PYTHONPATH": f"{tmp_path}/lib:{ROOT}"}
    machine = SMALL["machine"] | {"patience": 2}
    settings = SMALL | {"clips": {"csv": {"table": "clips.csv"}, "shards": 1}, "machine": machine, "bad_clips": "skip"}
    return Workflow(tmp_path, settings, extra=extra)


@pytest.mark.bad_input(
    "a video on which ffmpeg or the estimator hangs (`machine.patience`), crashes or is killed",
    "left out; the others of its shard go on",
)
def test_who_dies_or_hangs_costs_one_clip(troubled: Workflow) -> None:
    troubled.run("data")
    run = Run.from_folder(troubled.folder / "results")
    with run.shard("heatmaps", "0000") as shard:
        assert sorted(shard) == sorted(GOOD)
        left = shard.left_out
    assert {name: one.stage for name, one in left.items()} == {name: stage for name, (stage, _) in BAD.items()}
    for name, (_, reason) in BAD.items():
        assert reason in left[name].reason
