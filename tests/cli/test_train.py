"""`camfuse train CONFIG`, the paper's first command, on made shards."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_training import MadeRun, MakeRun
from run_command import camfuse, write_config
from typer.testing import CliRunner

from camfuse.cli import app
from camfuse.errors import ConfigError, ShardError
from camfuse.model.checkpoint import Checkpoint

SHORT = {"epochs": 2, "repeat": 1, "batch": 3, "rate": 0.01, "base_batch": 3}


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Let the three trainings run here: each start of Python and torch takes seconds."""
    calls: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command[:3] == [sys.executable, "-m", "camfuse"]
        calls.append(command[3:])
        camfuse(*command[3:])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr("camfuse.train.recipe.subprocess.run", run)
    return calls


@pytest.fixture(scope="module")
def config(trained: MadeRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config file of the run that is trained already."""
    return write_config(trained, tmp_path_factory.mktemp("config") / "made.yaml")


@pytest.mark.slow
def test_train_and_test_as_the_paper_calls_them(make_run: MakeRun, tmp_path: Path, in_process: list[list[str]]) -> None:
    run = make_run(
        tmp_path / "run",
        {"train": 2, "val": 1, "test": 1},
        train=dict.fromkeys(("rgb", "pose", "fusion"), SHORT),
        evaluate={"samplings": 1},
    )
    config = write_config(run, tmp_path / "made.yaml")
    said = camfuse("train", config, "--gpus", 0, "--validate", "--test-last", "--test-best")
    assert [call[1] for call in in_process] == ["rgb", "pose", "fusion"]
    assert "the last epochs" in said and "the best epochs" in said
    for name, folder in (("last", "evaluate_last"), ("best", "evaluate")):
        results = json.loads((run.config.output / folder / "results.json").read_text())
        assert {row["row"] for row in results["rows"]} >= {"rgb", "pose", "fused", "late"}
        for part, facts in results["checkpoints"].items():
            assert facts["epoch"] == Checkpoint.load(run.config.output / "train" / part / f"{name}.ckpt").epoch
    out = tmp_path / "predictions.csv"
    metrics = ("top_k_accuracy", "mean_class_accuracy")
    weights = run.config.output / "train" / "fusion" / "best.ckpt"
    lines = camfuse("test", config, weights, "--gpus", 0, "--out", out, "--eval", *metrics).splitlines()
    assert [line.split(":")[0] for line in lines] == list(metrics)
    known, found = (
        pd.read_csv(path, index_col="clip_id", keep_default_na=False)  # "null" is a word
        for path in (run.config.output / "evaluate" / "predictions.csv", out)
    )
    assert (found["fused_label"] == known["fused_label"]).all()
    assert found["fused_probability"].to_numpy() == pytest.approx(known["fused_probability"].to_numpy(), abs=2e-6)


def test_without_validation_the_last_epoch_is_kept(
    make_run: MakeRun, tmp_path: Path, in_process: list[list[str]]
) -> None:
    train = dict.fromkeys(("rgb", "pose", "fusion"), SHORT)
    run = make_run(tmp_path / "run", {"train": 1, "val": 1, "test": 1}, train=train, evaluate={"samplings": 1})
    config = write_config(run, tmp_path / "made.yaml")
    camfuse("train", config, "--no-validate")
    assert all(call[-1] == "--no-validate" for call in in_process)
    for part in ("rgb", "pose", "fusion"):
        folder = run.config.output / "train" / part
        best, last = Checkpoint.load(folder / "best.ckpt"), Checkpoint.load(folder / "last.ckpt")
        assert best.epoch == last.epoch == SHORT["epochs"]
        assert all((best.state[name] == last.state[name]).all() for name in best.state)
        assert set(pd.read_csv(folder / "curves.csv")["split"]) == {"train"}
    # the same config tests it, though it trained without validation
    assert "top-1" in camfuse("test", config, run.config.output / "train" / "rgb" / "best.ckpt")


def test_missing_shards_and_what_makes_them(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"train": 2, "val": 1})
    config = write_config(run, tmp_path / "made.yaml")
    run.run.shard_path("heatmaps", "0001").unlink()
    with pytest.raises(ShardError, match=rf"1 shard\(s\) .*snakemake data .*--configfile {config}\n.*heatmaps/0001"):
        camfuse("train", config)
    (run.clips / "clips.csv").unlink()
    with pytest.raises(ShardError, match=r"found no file; make the data first: snakemake data"):
        camfuse("train", config)


@pytest.mark.parametrize(
    "arguments",
    [
        ("rgb",),
        ("rgb", "--config", "x.yaml"),
        ("rgb", "--config", "x.yaml", "--output", "out", "--test-best"),
        ("x.yaml", "--output", "out"),
        ("x.yaml", "--config", "y.yaml"),
    ],
)
def test_options_that_do_not_go_together(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="expected --config"):
        camfuse("train", *arguments)


def test_a_training_that_fails_ends_the_recipe(trained: MadeRun, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        calls.append(command[4])
        return subprocess.CompletedProcess(command, 2 if command[4] == "pose" else 0)

    monkeypatch.setattr("camfuse.train.recipe.subprocess.run", run)
    result = CliRunner().invoke(app, ["train", str(config), "--test-best"])
    assert result.exit_code == 2
    assert calls == ["rgb", "pose"]
