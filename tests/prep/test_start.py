"""All that is known to be wrong is one error before the first job; a few of them through the workflow."""

from pathlib import Path
from typing import Any

import pytest
from made_training import MakeConfig
from small_run import SMALL, Workflow, write_video

from camfuse import entries
from camfuse.errors import CamfuseError
from camfuse.prep.start import prepare_clips
from camfuse.run.layout import Run


def write_table(folder: Path, *rows: str) -> dict[str, Any]:
    """Write clips.csv with its videos; return the config's section."""
    for row in rows:
        write_video(folder / row.split(",")[0], shade=100 + len(row))
    (folder / "clips.csv").write_text("\n".join(["video,label,split", *rows]) + "\n")
    return {"csv": {"table": str(folder / "clips.csv"), "videos": str(folder)}, "shards": 1}


def test_what_machine_and_table_lack_is_one_error(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = write_table(tmp_path, "a.mp4,hello,train")
    page = tmp_path / "weights.pth"
    page.write_text("<!DOCTYPE html>")
    config = make_config(clips=clips, model={"rgb": {"weights": {"path": str(page)}}}, pose={"rtmlib": {}})
    monkeypatch.setattr(entries, "find_spec", lambda name: None)
    with pytest.raises(CamfuseError) as caught:
        prepare_clips(config)
    for part in (
        "rtmlib: make rtmlib",
        "pose.rtmlib.weights",
        f"model.rgb.weights: {page}: expected trained weights, found a web page",
        "found those of 'hello'",
        "expected at least one clip of split `test`, found none",
    ):
        assert part in str(caught.value)
    (tmp_path / "clips.csv").write_text("video,label,split\na.mp4,hello,else\n")
    with pytest.raises(CamfuseError, match=r"(?s)rtmlib: make.*split: expected train, val or test, found 'else'"):
        prepare_clips(config)


def test_clips_that_cannot_be_trained_can_be_prepared(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(clips=write_table(tmp_path, "a.mp4,hello,train"), pose={"annotations": {"file": "k.pkl"}})
    with pytest.raises(CamfuseError, match=r"no file .*/k\.pkl"):
        prepare_clips(config, packages=False)
    config = make_config(clips=write_table(tmp_path, "a.mp4,hello,train"))
    prepare_clips(config, packages=False)
    assert len(Run(config).clips()) == 1


@pytest.mark.bad_input("a web page or pointer as the keypoints of all clips", "refused at the start, with what it is")
def test_a_pickle_that_is_none_is_named(make_config: MakeConfig, tmp_path: Path) -> None:
    (tmp_path / "all.pkl").write_text("version https://git-lfs.github.com/spec/v1\n")
    clips, pose = write_table(tmp_path, "a.mp4,hello,train"), {"annotations": {"file": str(tmp_path / "all.pkl")}}
    with pytest.raises(CamfuseError, match=r"all\.pkl: expected a pickle of keypoints, found a Git LFS pointer"):
        prepare_clips(make_config(clips=clips, pose=pose), packages=False)


@pytest.mark.bad_input(
    "no test clip, one word, no training clip, `unknown_words` or `weights: tuned` that the clips do not allow",
    "refused when a training is planned, all at once; `snakemake data` goes on",
)
def test_the_workflow_trains_nothing_that_could_not_be_tested(tmp_path: Path) -> None:
    clips = write_table(tmp_path, "a.mp4,hello,train", "b.mp4,hello,val")
    changes = {"experiments": {"odd": {"train": {"unknown_words": ["no word"]}}}}
    workflow = Workflow(tmp_path, SMALL | {"clips": clips, "pose": {"mediapipe": {}}} | changes)
    done = workflow.snakemake("--dry-run")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    for part in (
        "words to tell apart, found those of 'hello'",
        "split `test`, found none",
        "experiment odd: train.unk",
    ):
        assert part in said
    assert "frames" in workflow.run("data", "--dry-run")
