"""Experiments and the ablation: several runs on one set of shards, each training once."""

import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from small_run import Workflow

from camfuse.evaluate.results import read_results
from camfuse.run.layout import EvaluationFiles

PLAIN = {"model": {"fusion": {"mode": "none"}}}
EXPERIMENTS = {"experiments": {"plain": PLAIN, "once": {"evaluate": {"samplings": 1}}}}
MATRIX = {"ablation": {"modes": ["none", "divided"], "seeds": [1]}}
BOTH = EXPERIMENTS | MATRIX


def planned(workflow: Workflow, *targets: str, change: dict[str, Any]) -> dict[str, int]:
    out = workflow.run(*targets, "--dry-run", "--quiet", "rules", change=change)
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total", out, re.MULTILINE | re.DOTALL)
    counts = map(str.split, table[1].splitlines()) if table else ()
    return {name: int(count) for name, count in counts if name != "all"}


@pytest.fixture(scope="module")
def ran(finished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A copy of the finished small run, with its experiments and its ablation run."""
    folder = tmp_path_factory.mktemp("experiments") / "run"
    shutil.copytree(finished.folder, folder, symlinks=True)
    workflow = Workflow(folder)
    workflow.run("all", "ablation", change=BOTH)
    return workflow


def test_experiments_leave_data_and_main_run_alone_and_a_matrix_adds_nothing(finished: Workflow) -> None:
    assert finished.planned(BOTH) == {
        "experiment_fusion": 1,
        "experiment_evaluate": 2,
        "experiments": 1,
        "report": 1,
    }


def test_the_matrix_trains_each_stream_once_a_seed(finished: Workflow) -> None:
    matrix = {"ablation": {"modes": ["none", "space", "divided"], "stages": [["s4"], ["s3", "s4"]], "seeds": [1, 2]}}
    # five fusions a seed; the main run is one of seed 1's, and its streams are there
    assert planned(finished, "ablation", change=matrix) == {
        "experiment_rgb": 1,
        "experiment_pose": 1,
        "experiment_fusion": 9,
        "experiment_evaluate": 9,
        "ablation": 1,
    }


def test_a_matrix_of_streams_needs_no_fusion(finished: Workflow) -> None:
    matrix = {"ablation": {"streams": ["rgb", "pose"], "seeds": [2]}}
    assert planned(finished, "ablation", change=matrix) == {
        "experiment_rgb": 1,
        "experiment_pose": 1,
        "experiment_evaluate": 1,
        "ablation": 1,
    }


def test_a_target_without_its_section_says_which(finished: Workflow) -> None:
    done = finished.snakemake("ablation", "--dry-run")
    assert done.returncode != 0
    assert "the config has no `ablation:`" in done.stdout + done.stderr


def test_experiments_are_set_side_by_side(ran: Workflow) -> None:
    results = ran.folder / "results"
    table = pd.read_csv(results / "experiments" / "results.csv", keep_default_na=False)
    assert list(table["experiment"].unique()) == ["main", "once", "plain"]  # the test's settings are written sorted
    of = table.set_index(["experiment", "row"])
    alone = pd.read_csv(results / "evaluate" / "results.csv").set_index("row")
    assert of.loc[("main", "fused"), "top1"] == pytest.approx(alone.loc["fused", "top1"])
    # the same checkpoints and the same samplings
    for number in ("top1", "ece"):
        assert of.loc[("plain", "rgb"), number] == of.loc[("main", "rgb"), number]
    assert of.loc[("plain", "fused"), "ece"] != of.loc[("main", "fused"), "ece"]
    assert of.loc[("once", "rgb"), "ece"] != of.loc[("main", "rgb"), "ece"]


def test_the_ablation_is_one_table(ran: Workflow) -> None:
    folder = ran.folder / "results" / "ablation"
    table = pd.read_csv(folder / "ablation.csv", keep_default_na=False)
    assert list(table["row"] + " " + table["mode"]) == ["rgb ", "pose ", "late ", "fused none", "fused divided"]
    alone = pd.read_csv(ran.folder / "results" / "evaluate" / "results.csv").set_index("row")
    assert table.loc[4, "top1_mean"] == pytest.approx(alone.loc["fused", "top1"], abs=1e-6)
    assert "| fused, divided at s3, s4 |" in (folder / "ablation.md").read_text()


def test_the_same_training_ran_once(ran: Workflow) -> None:
    trained = sorted((ran.folder / "results" / "experiments" / "train").rglob("best.ckpt"))
    assert len(trained) == 1
    written = yaml.safe_load((trained[0].parent / "config.yaml").read_text())
    assert written["model"]["fusion"]["mode"] == "none"


def test_a_second_run_has_nothing_to_do(ran: Workflow) -> None:
    assert planned(ran, "all", "ablation", change=BOTH) == {}


def test_another_name_trains_nothing(ran: Workflow) -> None:
    renamed = {"bare": PLAIN, "once": EXPERIMENTS["experiments"]["once"]}
    found = planned(ran, "all", "ablation", change={"experiments": renamed} | MATRIX)
    assert found == {"experiment_evaluate": 1, "experiments": 1, "report": 1}


def test_a_changed_experiment_reruns_itself_alone(ran: Workflow) -> None:
    changed = {"plain": PLAIN, "once": {"evaluate": {"samplings": 3}}}
    found = planned(ran, "all", "ablation", change={"experiments": changed} | MATRIX)
    assert found == {"experiment_evaluate": 1, "experiments": 1, "report": 1}


def test_a_main_run_with_another_seed_leaves_the_matrix_its_seeds(ran: Workflow) -> None:
    """Seed 1's trainings were the main run's; they are made again beside it, not taken from seed 2."""
    found = planned(ran, "ablation", change=MATRIX | {"seed": 2})
    assert found["experiment_rgb"] == found["experiment_pose"] == 1
    assert "train_rgb" not in found


@pytest.mark.torture
def test_an_experiment_keeps_a_word_out_and_says_how_it_is_told_from_known_ones(
    finished: Workflow, tmp_path: Path
) -> None:
    shutil.copytree(finished.folder, tmp_path / "run", symlinks=True)
    workflow = Workflow(tmp_path / "run")
    main = workflow.folder / "results" / "train" / "fusion" / "calibration.json"
    before = main.read_bytes()
    # the fused model of the same streams alone would have seen the word: all three are trained anew
    workflow.run("all", change={"experiments": {"strangers": {"train": {"unknown_words": ["C"]}}}})
    folder = workflow.folder / "results" / "experiments"
    results = read_results(EvaluationFiles(folder / "strangers" / "evaluate"))
    assert results is not None
    strangers = results.confidence["fused"].strangers
    assert strangers is not None and strangers.clips > 0
    labels = pd.read_csv(folder / "strangers" / "evaluate" / "predictions.csv")["label"]
    assert "C" not in set(labels) and len(labels) + strangers.clips == 3
    beside = [path.parent.parent.name for path in folder.rglob("calibration.json")]
    assert sorted(beside) == ["fusion", "pose", "rgb"]
    assert main.read_bytes() == before
