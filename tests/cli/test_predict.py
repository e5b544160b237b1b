"""`camfuse predict MODEL VIDEO...`: on real clips with MediaPipe where they are there, else with a made estimator."""

import csv
import io
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from counting import CasesOf
from made_training import MadeRun
from made_videos import write_numbers
from run_command import camfuse
from typer.testing import CliRunner
from walker import Walker

from camfuse.cli import app
from camfuse.errors import ClipError, ConfigError, MissingToolError, WeightsError
from camfuse.model.checkpoint import Checkpoint
from camfuse.predict import live, recognise
from tests.prep.pose.annotations.made_files import write_pose


@pytest.fixture
def walker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognise, "make_estimator", lambda config: Walker())


def test_a_table_for_people(trained: MadeRun, walker: None, tmp_path: Path) -> None:
    video = write_numbers(tmp_path / "v.mp4", 20)
    lines = camfuse("predict", trained.config.output, video, "--top", 2).splitlines()
    assert lines[0] == f"{video}  (20 frames, 0.80 s)"
    assert len(lines) == 3 and "%" in lines[1]


def test_broken_ones_among_many(trained: MadeRun, walker: None, tmp_path: Path) -> None:
    for number in range(12):
        path = tmp_path / "videos" / f"{number:02d}.mp4"
        path.parent.mkdir(exist_ok=True)
        if number % 4:
            write_numbers(path, 6 + number)
        else:
            path.write_bytes(b"broken" * number)
    out = tmp_path / "out.csv"
    arguments = ["predict", trained.config.output, tmp_path / "videos", "--format", "csv", "--output", out, "--top", 1]
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == 3
    assert "3 of 12 videos have no answer" in done.stderr
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert [Path(row["video"]).name for row in rows] == [f"{number:02d}.mp4" for number in range(12)]
    assert [bool(row["error"]) for row in rows] == [number % 4 == 0 for number in range(12)]
    assert all(row["label"] for row in rows if not row["error"])


def test_drawn_videos(trained: MadeRun, walker: None, tmp_path: Path) -> None:
    videos = [write_numbers(tmp_path / name, 8) for name in ("a.mp4", "b.mp4")]
    camfuse("predict", trained.run.training("pose").best, *videos, "--save", tmp_path / "drawn")
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["a.mp4", "b.mp4"]


@pytest.mark.bad_input("as `--output` of `predict` or `show` the video itself", "refused; the video stays")
def test_no_answer_is_written_over_a_video(trained: MadeRun, walker: None, tmp_path: Path) -> None:
    video = write_numbers(tmp_path / "a.mp4", 8)
    before = video.read_bytes()
    for given in (["predict", trained.config.output, video], ["show", video, "--config", trained.run.config_file]):
        with pytest.raises(ConfigError, match="--output: expected another place than what is read, found"):
            camfuse(*given, "--output", tmp_path / "sub" / ".." / "a.mp4")
    assert video.read_bytes() == before


def test_where_answers_are_written(trained: MadeRun, walker: None, tmp_path: Path) -> None:
    video = write_numbers(tmp_path / "a.mp4", 8)
    with pytest.raises(ConfigError, match="--output: expected a file to write, found the folder"):
        camfuse("predict", trained.config.output, video, "--output", tmp_path)
    camfuse("predict", trained.config.output, video, "--output", tmp_path / "new" / "answers.txt")
    assert "%" in (tmp_path / "new" / "answers.txt").read_text()


def test_a_folder_without_videos_beside_others_is_named(
    trained: MadeRun, walker: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "empty").mkdir()
    camfuse("predict", trained.config.output, tmp_path / "empty", write_numbers(tmp_path / "a.mp4", 8))
    assert f"{tmp_path / 'empty'}: no video is in this folder" in caplog.text


def test_nothing_to_look_at(trained: MadeRun, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected at least one video"):
        camfuse("predict", trained.config.output, tmp_path)


def test_a_file_that_is_not_there_is_a_video_without_an_answer(trained: MadeRun, walker: None, tmp_path: Path) -> None:
    for missing in (tmp_path / "gone.mp4", tmp_path / "*.mp4"):
        done = CliRunner().invoke(app, ["predict", str(trained.config.output), str(missing)])
        assert done.exit_code == 3 and "no answer" in done.stdout


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"expected a run's folder, a best.ckpt or an exported file, found nothing"):
        camfuse("predict", tmp_path / "gone", write_numbers(tmp_path / "v.mp4", 4))


def test_the_model_is_not_written_over(trained: MadeRun, tmp_path: Path) -> None:
    best, video = tmp_path / "best.ckpt", write_numbers(tmp_path / "v.mp4", 4)
    before = trained.run.training("rgb").best.read_bytes()
    best.write_bytes(before)
    for model in (best, best.parent):
        with pytest.raises(ConfigError, match="--output: expected another place than what is read"):
            camfuse("predict", model, video, "--output", best)
    assert best.read_bytes() == before


def test_another_estimator_is_refused(trained: MadeRun, tmp_path: Path) -> None:
    video = write_numbers(tmp_path / "v.mp4", 4)
    with pytest.raises(ConfigError, match=r"trained on keypoints of mediapipe, and mmpose is asked for"):
        camfuse("predict", trained.config.output, video, "--estimator", "mmpose")


@pytest.mark.slow
def test_faulty_and_odd_real_files(trained: MadeRun, shared_data: Path) -> None:
    faults = shared_data / "clips" / "faults"
    names = ["one_frame.mp4", "truncated.mp4", "tiny_64x48.mp4", "audio_only.mp4", "clip.gif"]
    arguments = ["predict", trained.run.training("rgb").best, *(faults / name for name in names), "--format", "jsonl"]
    done = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 3
    assert [one["error"] is None for one in found] == [True, False, True, False, True]


@pytest.mark.bad_input(
    "a video for `camfuse predict` whose name is not UTF-8", "answered; the name is written in escapes"
)
@pytest.mark.parametrize("form", ["table", "csv", "jsonl"])
def test_a_name_that_is_no_text(trained: MadeRun, walker: None, tmp_path: Path, form: str) -> None:
    video = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp4"))
    write_numbers(tmp_path / "v.mp4", 8).rename(video)
    out = tmp_path / "out.txt"
    camfuse(
        "predict", trained.config.output, video, "--format", form, "--output", out, "--save", tmp_path / "drawn.mp4"
    )
    assert r"caf\udce9.mp4" in out.read_text()
    assert (tmp_path / "drawn.mp4").stat().st_size > 0


def test_a_word_is_enrolled_answered_and_forgotten(trained: MadeRun, walker: None, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained.config.output, run)
    clips = tmp_path / "clips"
    clips.mkdir()
    for number in range(3):
        write_numbers(clips / f"{number}.mp4", 18 + number)
    assert camfuse("enroll", run, "numbers", clips) == "numbers: 3 clips\n"
    answered = camfuse("predict", run, clips / "1.mp4", "--format", "csv", "--top", 1)
    assert next(csv.DictReader(io.StringIO(answered)))["label"] == "numbers"
    alone = camfuse("predict", run, clips / "1.mp4", "--only-enrolled", "--format", "csv")
    assert [row["label"] for row in csv.DictReader(io.StringIO(alone))] == ["numbers"]
    assert camfuse("forget", run, "numbers") == "forgotten: numbers\n"
    assert "numbers" not in camfuse("predict", run, clips / "1.mp4", "--format", "csv").replace(str(clips), "")
    with pytest.raises(WeightsError, match="expected enrolled words, found none"):
        camfuse("predict", run, clips / "1.mp4", "--only-enrolled")
    (clips / "3.mp4").write_bytes(b"broken")
    with pytest.raises(ClipError, match="3"):
        camfuse("enroll", run, "numbers", clips)
    with pytest.raises(ConfigError, match="expected at least one video"):
        camfuse("enroll", run, "numbers", tmp_path / "run")


def test_a_video_as_if_a_camera_saw_it(trained: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "make_estimator", lambda config: Walker())
    video = write_numbers(tmp_path / "v.mp4", 30)
    arguments = ["predict", trained.config.output, video, "--live"]
    (line,) = camfuse(*arguments, "--top", 1).splitlines()[-1:]
    assert line.split()[0] == "1" and "%" in line
    rows = list(csv.DictReader(io.StringIO(camfuse(*arguments, "--format", "csv", "--top", 1))))
    assert {row["video"] for row in rows} == {str(video)} and rows[0]["number"] == "1"


@pytest.mark.parametrize(
    "arguments", [["--live"], ["v.mp4", "--camera", "0"], ["a", "b", "--live"], ["v.mp4", "--live", "--whole"]]
)
def test_a_camera_or_one_video(trained: MadeRun, arguments: list[str]) -> None:
    with pytest.raises(ConfigError, match="predict: "):
        camfuse("predict", trained.config.output, *arguments)


def trained_on(trained: MadeRun, folder: Path, pose: dict[str, Any]) -> Path:
    """Write the made run's checkpoint as one that was trained on other keypoints."""
    found = Checkpoint.load(trained.run.training("pose").best)
    folder.mkdir()
    replace(found, config=found.config | {"pose": pose}).save(folder / "best.ckpt")
    return folder / "best.ckpt"


def test_keypoints_from_files_need_an_estimator_by_name(trained: MadeRun, walker: None, tmp_path: Path) -> None:
    model, video = trained_on(trained, tmp_path / "m", {"annotations": {}}), write_numbers(tmp_path / "v.mp4", 20)
    with pytest.raises(ConfigError, match=r"came from files.*`--estimator`"):
        camfuse("predict", model, video)
    assert "%" in camfuse("predict", model, video, "--estimator", "mediapipe")


def test_keypoint_files_are_answered_in_place_of_videos(trained: MadeRun, tmp_path: Path) -> None:
    """A model of keypoints from files needs no estimator for them, and has a reason for the video beside them."""
    pytest.importorskip("pose_format")
    model, file = trained_on(trained, tmp_path / "m", {"annotations": {}}), write_pose(tmp_path / "a.pose", 20)
    rows = list(csv.DictReader(io.StringIO(camfuse("predict", model, file, "--format", "csv", "--whole"))))
    assert {row["label"] for row in rows} == set(trained.run.classes()) and rows[0]["video"] == str(file)
    arguments = ["predict", model, file, write_numbers(tmp_path / "v.mp4", 20), "--estimator", "annotations", "--whole"]
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == 3 and "%" in done.stdout and "came from files" in done.stdout


def test_a_model_with_images_refuses_keypoints(trained: MadeRun, tmp_path: Path) -> None:
    file = write_pose(tmp_path / "a.pose", 20)
    done = CliRunner().invoke(app, ["predict", str(trained.run.training("fusion").best), str(file)])
    assert done.exit_code == 3 and "expected a video, for the model looks at images too" in done.stdout


@pytest.mark.parametrize("key", ["mmpose", "rtmlib"])
def test_other_keypoints_only_when_told_so(trained: MadeRun, walker: None, tmp_path: Path, key: str) -> None:
    model, video = trained_on(trained, tmp_path / "m", {key: {}}), write_numbers(tmp_path / "v.mp4", 20)
    with pytest.raises(MissingToolError, match=f"wants keypoints of {key}"):  # its weights are not here
        camfuse("predict", model, video)
    with pytest.raises(ConfigError, match=f"trained on keypoints of {key}, and mediapipe is asked for: every estim"):
        camfuse("predict", model, video, "--estimator", "mediapipe")
    assert "%" in camfuse("predict", model, video, "--estimator", "mediapipe", "--other-estimator")


@pytest.mark.torture
def test_a_thousand_videos(trained: MadeRun, walker: None, tmp_path: Path, cases_of: CasesOf) -> None:
    """Every tenth is cut off; the made estimator sees the others in a minute or two."""
    whole = write_numbers(tmp_path / "whole.mp4", 8).read_bytes()
    folder = tmp_path / "videos"
    folder.mkdir()
    for number in range(1000):
        content = whole if number % 10 else whole[: number + 1]
        (folder / f"{number:04d}.mp4").write_bytes(content)
    out = tmp_path / "out.jsonl"
    arguments = ["predict", trained.run.training("pose").best, folder, "--format", "jsonl", "--output", out]
    assert CliRunner().invoke(app, [str(one) for one in arguments]).exit_code == 3
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["error"] is None for row in rows] == [number % 10 > 0 for number in range(1000)]
    cases_of("videos to predict", survived=900, refused=100)
