"""Models with other streams than the paper's two, through the workflow: what is made, trained, tested and shown."""

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import pandas as pd
import pytest
import yaml
from made_videos import write_numbers
from run_command import camfuse
from small_run import ALONE, PHASE, SEQUENCE, Workflow
from walker import Walker

from camfuse.config.model import SHIPPED_WEIGHTS
from camfuse.config.read import merged
from camfuse.errors import CamfuseError
from camfuse.predict import recognise
from camfuse.run.layout import Run
from camfuse.show.run import show

HEADS = ("fusion/pose", "fusion/sequence", "fusion/joint")
THREE: dict[str, Any] = {"model": {"sequence": SEQUENCE}, "train": {"sequence": PHASE}}


def rows(folder: Path) -> list[str]:
    return pd.read_csv(folder / "results.csv")["row"].tolist()


@pytest.fixture(scope="module")
def ran(alone: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A copy of the run of the sequence alone, to go on with."""
    folder = tmp_path_factory.mktemp("streams") / "run"
    shutil.copytree(alone.folder, folder, symlinks=True)
    return Workflow(folder)


def test_a_third_stream_is_one_training_more_on_the_same_shards(finished: Workflow) -> None:
    assert finished.planned(THREE) == {"train_sequence": 1, "train_fusion": 1, "evaluate": 1, "report": 1}


def test_without_a_stream_its_data_and_training_are_not_made(finished: Workflow) -> None:
    assert finished.planned({"model": {"rgb": None}}) == {"evaluate": 1, "report": 1}
    assert finished.planned({"model": {"fusion": None}}) == {"evaluate": 1, "report": 1}
    fresh = finished.planned(ALONE | {"output": "elsewhere"})
    assert fresh == {
        "avatars": 2,
        "frames": 2,
        "pose": 2,
        "train_sequence": 1,
        "evaluate": 1,
        "report": 1,
    }


def test_a_sequence_alone_goes_from_videos_to_the_page(alone: Workflow) -> None:
    results = alone.folder / "results"
    assert not (results / "crops").exists() and not (results / "heatmaps").exists()
    assert rows(results / "evaluate") == ["sequence"]
    assert json.loads((results / "evaluate" / "results.json").read_text())["main"] == "sequence"
    page = (results / "report" / "index.html").read_text()
    assert "What the sequence stream\u2019s answer rests on" in page and "rests on in clip" in page
    assert "Sequence stream" in page and "frames with skeleton and crop box, crops and heatmaps" in page
    written = yaml.safe_load((results / "config.yaml").read_text())
    assert written["model"]["rgb"] is None and written["model"]["pose"] is None
    assert alone.planned(ALONE) == {}


def test_keypoint_files_without_videos_go_to_the_page(
    alone: Workflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recordings of the same run by their files alone, with heatmaps too, and once more out of one pickle."""
    clips = pd.read_csv(alone.folder / "results" / "clips" / "clips.csv", dtype=str)
    clips["annotation"] = [str(alone.folder / path) for path in clips["annotation"]]
    clips[["annotation", "label", "signer", "split"]].to_csv(tmp_path / "table.csv", index=False)
    settings = merged(alone.settings, ALONE) | {"clips": {"csv": {"table": "table.csv"}, "shards": 2}}
    settings = merged(settings, {"model": {"pose": {"depths": [1, 1, 1], "channels": 8}}})
    files = Workflow(tmp_path, settings)
    files.run()
    results = tmp_path / "results"
    assert rows(results / "evaluate") == ["pose", "sequence", "fused", "late", *HEADS]
    page = (results / "report" / "index.html").read_text()
    assert "Where the streams look in each other" in page and "rests on in clip" in page
    assert files.planned() == {}
    monkeypatch.chdir(tmp_path)
    camfuse(
        "keypoints",
        "export",
        "--config",
        results / "config.yaml",
        "--format",
        "pyskl",
        "--output",
        tmp_path / "all.pkl",
    )
    made = pd.read_csv(results / "clips" / "clips.csv", dtype=str)
    made[["clip_id", "label", "signer", "split"]].to_csv(tmp_path / "table.csv", index=False)
    pickled = {"output": "pickled", "pose": {"annotations": {"file": str(tmp_path / "all.pkl")}}}
    files.run(change=pickled)
    assert rows(tmp_path / "pickled" / "evaluate") == ["pose", "sequence", "fused", "late", *HEADS]
    refused = files.snakemake(change=pickled | {"model": {"rgb": {"depths": [1, 1, 1, 1], "channels": 8}}})
    assert refused.returncode == 2 and "set `model: {rgb: null}`" in refused.stderr


def test_a_clip_of_a_sequence_alone_can_be_looked_at(alone: Workflow, tmp_path: Path) -> None:
    run = Run.from_folder(alone.folder / "results")
    clip_id = run.clips()["clip_id"].iloc[0]
    show(run, clip_id, tmp_path / "sheet.png")
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[0] > 300
    with pytest.raises(CamfuseError, match="no such clip among"):
        show(run, "nobody", tmp_path / "sheet.png")


def test_all_three_as_an_experiment_of_the_sequence_alone(ran: Workflow) -> None:
    whole = ran.settings["model"] | {"sequence": SEQUENCE}
    experiment = {"experiments": {"three": {"model": whole}}}
    planned = ran.planned(ALONE | experiment)
    assert planned == {
        "crops": 2,
        "heatmaps": 2,
        "experiment_rgb": 1,
        "experiment_pose": 1,
        "experiment_fusion": 1,
        "experiment_evaluate": 1,
        "experiments": 1,
        "report": 1,
    }
    ran.run(change=ALONE | experiment)
    tested = ran.folder / "results" / "experiments" / "three" / "evaluate"
    heads = [f"fusion/{head}" for head in ("rgb", "pose", "sequence", "joint")]
    assert rows(tested) == ["rgb", "pose", "sequence", "fused", "late", *heads]
    weights = json.loads((tested / "results.json").read_text())["weights"]
    assert weights["late"] == {"rgb": 1.0, "pose": 1.0, "sequence": 1.0}
    assert weights["fused"] == weights["late"] | {"joint": 1.0}
    table = pd.read_csv(ran.folder / "results" / "experiments" / "results.csv").set_index(["experiment", "row"])
    # the same checkpoint, on the same clips
    assert table.loc[("three", "sequence"), "ece"] == table.loc[("main", "sequence"), "ece"]


def test_weights_by_likelihood_are_chosen_on_val(ran: Workflow) -> None:
    change = ALONE | {"model": {"rgb": None, "sequence": SEQUENCE}, "evaluate": {"weights": "likelihood"}}
    ran.run("results/evaluate/results.csv", change=change)
    found = json.loads((ran.folder / "results" / "evaluate" / "results.json").read_text())
    assert found["tuned"] and found["main"] == "fused"
    assert sum(found["weights"]["fused"].values()) == pytest.approx(1, abs=0.01)
    assert set(found["weights"]["fused"]) == {"pose", "sequence", "joint"}


def test_a_recipe_fits_itself_and_what_it_came_to_is_written(alone: Workflow, tmp_path: Path) -> None:
    """On the clips of the small run, with streams and phase left to the recipe; then one key of its own."""
    workflow = Workflow(tmp_path)
    kept = ("output", "clips", "pose", "crops", "report")
    workflow.settings = {key: value for key, value in alone.settings.items() if key in kept} | {"recipe": "auto"}
    # by its path: by its name it is refused where, as here, the recordings that it was trained on are tested
    letters = {"sequence": {"weights": {"path": str(SHIPPED_WEIGHTS["letters"].path)}}}
    quick = {"train": {"sequence": {"epochs": 1, "repeat": 1}}, "model": letters}
    workflow.run(change=quick)
    logs = {
        name: (tmp_path / "results" / "logs" / f"{name}.log").read_text() for name in ("train_sequence", "evaluate")
    }
    assert "letters.ckpt" in logs["train_sequence"] and "Leak, in the first weights: " in logs["train_sequence"]
    assert "its figures are too high" in logs["evaluate"]
    assert "in the first weights" in (tmp_path / "results" / "report" / "index.html").read_text()
    written = yaml.safe_load((tmp_path / "results" / "config.yaml").read_text())
    assert "recipe" not in written
    assert written["model"]["rgb"] is None and written["model"]["sequence"]["weights"] == letters["sequence"]["weights"]
    phase = written["train"]["sequence"]
    assert (phase["epochs"], phase["repeat"], phase["keep"]) == (1, 1, "last")
    assert rows(tmp_path / "results" / "evaluate") == ["sequence"]
    assert workflow.planned(quick) == {}
    assert workflow.planned(quick | {"model": letters | {"pose": {"channels": 8}}})["train_pose"] == 1
    random = {"sequence": {"weights": None}}
    assert workflow.planned(quick | {"model": random}) == {"train_sequence": 1, "evaluate": 1, "report": 1}


def test_zoomed_hands_and_the_active_part_go_from_the_shards_to_the_answer(
    finished: Workflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished.folder, tmp_path / "run", symlinks=True)
    workflow, change = Workflow(tmp_path / "run"), {"heatmaps": {"hands": "zoomed"}, "sampling": {"part": "active"}}
    again = {"heatmaps": 2, "train_rgb": 1, "train_pose": 1, "train_fusion": 1, "evaluate": 1, "report": 1}
    assert workflow.planned(change) == again
    workflow.run(change=change)
    assert workflow.planned(change) == {}
    results = tmp_path / "run" / "results"
    old, new = (Run.from_folder(folder) for folder in (finished.folder / "results", results))
    clip_id, shard = new.clips()[["clip_id", "shard"]].iloc[0]
    in_place, zoomed = (run.shard("heatmaps", shard).read("volume", clip_id) for run in (old, new))
    assert (in_place[:, :91] == zoomed[:, :91]).all() and (in_place != zoomed).any()
    page = (results / "report" / "index.html").read_text()
    assert (
        "they lie on no crop" in page
        and "they lie on no crop" not in (finished.folder / "results" / "report" / "index.html").read_text()
    )
    monkeypatch.setattr(recognise, "make_estimator", lambda config: Walker())
    video = write_numbers(tmp_path / "v.mp4", 20)
    lines = camfuse("predict", results, video, "--estimator", "mediapipe", "--other-estimator", "--top", 1).splitlines()
    assert len(lines) == 2 and "%" in lines[1]
    assert workflow.planned() == again  # and back
