"""Input of the wrong kind, from the command to what becomes of it."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_run import SMALL, Workflow, write_video

from camfuse.clips.files import ClipFiles
from camfuse.clips.table import Clip
from camfuse.config.estimators import AnnotationsPose
from camfuse.errors import ClipError
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.annotations.estimator import AnnotationsEstimator
from camfuse.prep.pose.estimator import check_poses
from camfuse.run.layout import Run

FRAMES = 10


@pytest.fixture
def failing(shared_data: Path) -> Path:
    """Small inputs on which an older version went wrong."""
    if not (shared_data / "failing").is_dir():
        pytest.skip("expected shared/data/failing, found none")
    return shared_data / "failing"


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


@pytest.mark.bad_input(
    "a pickle with an entry of the clip's name in another folder only, or under a bare name that two clips have",
    "left out: no annotation of this clip",
)
@pytest.mark.parametrize("name", ["thanks/1", "1"])
def test_no_clip_gets_the_keypoints_of_another(tmp_path: Path, name: str) -> None:
    found, left = poses_of(tmp_path, **{name: 20})
    assert found == ({"thanks--1": 20} if "/" in name else {})
    assert "expected one annotation with frame_dir 'hello--1' or 'hello/1', found 0" in left["hello--1"]


@pytest.mark.bad_input("keypoints as .npy, .json or .pkl.gz", "refused at the start: expected .pkl, .pickle or .pose")
@pytest.mark.parametrize("name", ["a.npy", "a.json", "a.pkl.gz"])
def test_keypoints_of_an_unknown_kind_are_named_at_the_start(tmp_path: Path, failing: Path, name: str) -> None:
    write_video(tmp_path / "base.mp4", shade=100)
    (tmp_path / name).write_bytes((failing / "keypoint_file_kinds" / name).read_bytes())
    (tmp_path / "clips.csv").write_text(f"video,label,annotation\nbase.mp4,a,{name}\n")
    settings = SMALL | {"clips": {"csv": {"table": "clips.csv"}, "shards": 1}}
    for pose in ({"file": name}, {}):
        done = Workflow(tmp_path, settings | {"pose": {"annotations": pose}}).snakemake("--dry-run")
        said = done.stdout + done.stderr
        assert done.returncode != 0 and "Traceback" not in said
        assert f"expected a keypoint file that ends in .pkl, .pickle or .pose, found {name[1:]}" in said


@pytest.mark.bad_input(
    "a pickle with x, y, z and no scores; one whose `img_shape` is an array; .PKL",
    "z is no score: left out; the others are read",
)
@pytest.mark.parametrize("name", ["a.PKL", "img_shape_array.pkl", "xyz_no_score.pkl"])
def test_odd_pickles_are_read_or_refused_in_words(failing: Path, name: str) -> None:
    path = failing / "keypoint_file_kinds" / name
    clip = Clip("base", Path("base.mp4"), 0.0, float("inf"), path, "x")
    frames = ClipFrames([b""] * 50, np.arange(50) / 25, 240, 320, 25)
    with AnnotationsEstimator(AnnotationsPose()) as estimator:
        if name.startswith("xyz"):
            with pytest.raises(ClipError, match=r"found values of -1\.01 to 0\.98 there, as of a third coordinate"):
                estimator.estimate(clip, frames)
        else:
            check_poses(estimator.estimate(clip, frames), 50, clip=clip, estimator="annotations")


@pytest.mark.bad_input("words that are numbers", "class indices in natural order: 1, 2, 10")
def test_numbered_words_stand_in_natural_order(tmp_path: Path, failing: Path) -> None:
    table = (failing / "csv" / "numeric_labels.csv").read_text()
    (tmp_path / "clips.csv").write_text(table)
    for line in table.splitlines()[1:]:
        write_video(tmp_path / line.split(",")[0], shade=100)
    settings = SMALL | {"clips": {"csv": {"table": "clips.csv"}, "shards": 1}, "pose": {"mediapipe": {}}}
    Workflow(tmp_path, settings).snakemake("--dry-run")
    files = ClipFiles(tmp_path / "results" / "clips")
    classes, clips = pd.read_csv(files.classes, dtype={"label": str}), pd.read_csv(files.clips, dtype={"label": str})
    assert classes["label"].tolist() == [str(number) for number in range(12)]
    assert dict(zip(clips["label"], clips["class_index"], strict=True)) == {str(number): number for number in range(12)}


@pytest.mark.bad_input(
    "a control character in a word, a file name that is not UTF-8", "refused at the start, each named"
)
def test_labels_and_names_that_no_table_can_hold_are_refused(tmp_path: Path, failing: Path) -> None:
    def refused(clips: dict[str, Any]) -> str:
        settings = SMALL | {"clips": clips | {"shards": 1, "missing": "drop"}, "pose": {"mediapipe": {}}}
        done = Workflow(tmp_path, settings).snakemake("--dry-run")
        said = done.stdout + done.stderr
        assert done.returncode != 0 and "Traceback" not in said
        return said

    (tmp_path / "clips.csv").write_bytes((failing / "csv" / "carriage_return_label.csv").read_bytes())
    assert r"line 17 (c0_7): label: expected no control characters, found '\r' in 'a\rb'" in refused(
        {"csv": {"table": "clips.csv"}}
    )
    video = tmp_path / "videos" / "a" / os.fsdecode(b"caf\xe9.mp4")
    write_video(video, shade=100)
    assert r"expected a name in UTF-8, found 'a/caf\udce9.mp4': rename it" in refused({"folder": {"videos": "videos"}})


@pytest.mark.bad_input(
    "start and end in frames, or far beyond the video's end",
    "a note at the start with the video's length; the frames that there are",
)
def test_frames_given_as_seconds_are_noted_at_the_start(tmp_path: Path, failing: Path) -> None:
    table = (failing / "csv" / "frames_as_seconds.csv").read_text()
    (tmp_path / "clips.csv").write_text(table)
    videos = str(failing)
    settings = SMALL | {"clips": {"csv": {"table": "clips.csv", "videos": videos}}, "pose": {"mediapipe": {}}}
    Workflow(tmp_path, settings).snakemake("--dry-run")
    notes = ClipFiles(tmp_path / "results" / "clips").notes.read_text().splitlines()
    (note,) = (line for line in notes if "beyond" in line)
    assert note.startswith(
        "3 of 3 segments reach more than 1 s beyond the end of their video; start and end are seconds"
    )


@pytest.mark.bad_input("an empty file, a web page or a Git LFS pointer called .mp4", "left out, with what the file is")
def test_what_is_no_video_is_left_out_with_its_reason(tmp_path: Path) -> None:
    contents = {"empty": b"", "page": b"<!DOCTYPE html>", "pointer": b"version https://git-lfs.github.com/spec/v1"}
    for number in range(3):
        write_video(tmp_path / "videos" / "a" / f"{number}.mp4", shade=100 + number)
    for name, content in contents.items():
        (tmp_path / "videos" / "a" / f"{name}.mp4").write_bytes(content)
    clips = {"folder": {"videos": "videos"}, "shards": 1}
    workflow = Workflow(tmp_path, SMALL | {"clips": clips, "pose": {"mediapipe": {}}})
    target = "results/frames/0000.h5"
    stopped = workflow.snakemake(target)
    assert stopped.returncode != 0
    workflow.run(target, change={"bad_clips": "skip"})
    with Run.from_folder(tmp_path / "results").shard("frames", "0000") as shard:
        assert len(list(shard)) == 3
        left = {name: why.reason for name, why in shard.left_out_of([f"a--{name}" for name in contents]).items()}
    words = {"empty": "an empty file", "page": "a web page", "pointer": "a Git LFS pointer"}
    for name, said in words.items():
        assert f"expected a video, found {said}" in left[f"a--{name}"]
        assert f"a--{name}: expected a video, found {said}" in stopped.stdout + stopped.stderr
