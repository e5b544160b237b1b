"""The recipe's three trainings, each a process: their order, their arguments, what stops them."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from made_training import MadeRun, MakeConfig

from camfuse.errors import ShardError
from camfuse.run.layout import Run
from camfuse.train.recipe import check_shards, train_recipe


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would be run; the pose training fails where `--fail` is among its options."""
    made: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        made.append(command[3:])
        failed = "pose" in command and "--fail" in command
        return subprocess.CompletedProcess(command, 3 if failed else 0)

    monkeypatch.setattr("camfuse.train.recipe.subprocess.run", run)
    return made


def test_streams_first_then_their_fusion_from_them(trained: MadeRun, calls: list[list[str]], tmp_path: Path) -> None:
    assert train_recipe(trained.run, tmp_path / "c.yaml", ["--more"]) == 0
    assert [call[1] for call in calls] == ["rgb", "pose", "fusion"]
    assert all(call[-1] == "--more" and f"--config={tmp_path / 'c.yaml'}" in call for call in calls)
    folder = trained.config.output / "train"
    starts = [[option for option in call if option.startswith("--init")] for call in calls]
    assert starts == [[], [], [f"--init={folder / part / 'best.ckpt'}" for part in ("rgb", "pose")]]


def test_the_first_that_fails_is_the_last(trained: MadeRun, calls: list[list[str]], tmp_path: Path) -> None:
    assert train_recipe(trained.run, tmp_path / "c.yaml", ["--fail"]) == 3
    assert [call[1] for call in calls] == ["rgb", "pose"]


def test_shards_that_are_not_there_are_named_with_the_command_that_makes_them(
    trained: MadeRun, make_config: MakeConfig, calls: list[list[str]]
) -> None:
    check_shards(trained.run, Path("c.yaml"))
    with pytest.raises(ShardError, match=r"clips\.csv: expected the clip table .*snakemake data .*c\.yaml"):
        train_recipe(Run(make_config()), Path("c.yaml"))
    other = trained.with_config(heatmaps={"sigma": 2.0}).run
    with pytest.raises(ShardError, match=r"2 shard\(s\) are missing or stale"):
        check_shards(other, Path("c.yaml"))
    assert calls == []
