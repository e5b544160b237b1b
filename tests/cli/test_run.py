"""`camfuse run` calls Snakemake, and lets it take this process's place."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_run import ROOT
from typer.testing import CliRunner

from camfuse.cli import app
from camfuse.errors import ConfigError


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Snakemake's command, in place of its being run."""
    commands: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _, command: commands.append(command))
    return commands


def run(*words: object) -> str:
    done = CliRunner().invoke(app, ["run", *map(str, words)], catch_exceptions=False)
    return f"{done.exit_code} {done.stderr}"


def test_options_and_targets_are_passed_on(called: list[list[str]], config_file: Path) -> None:
    said = run(config_file, "data", "--cores", 2, "--", "--dry-run", "--forcerun", "report")
    assert called[0][-8:] == [
        "--configfile",
        str(config_file),
        "--cores",
        "2",
        "data",
        "--dry-run",
        "--forcerun",
        "report",
    ]
    assert said.startswith("0 snakemake --snakefile ")
    assert "index.html" in said


def test_a_shipped_config_goes_by_its_name(called: list[list[str]]) -> None:
    assert run("demo").startswith("0 ")
    assert called[0][called[0].index("--configfile") + 1] == str(ROOT / "config" / "demo.yaml")


def test_snakemakes_own_options_stand_behind_two_dashes(called: list[list[str]], config_file: Path) -> None:
    said = run(config_file, "--dry-run")
    assert said.startswith("2 ") and "No such option: --dry-run" in said
    assert not called


def test_a_wrong_config_is_said_before_anything_starts(called: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("outptu: results\n")
    with pytest.raises(ConfigError, match="outptu: unknown key"):
        run(tmp_path / "wrong.yaml")
    with pytest.raises(ConfigError, match="expected a YAML file, or one of the shipped"):
        run(tmp_path / "none.yaml")
    assert not called


@pytest.mark.bad_input("to `camfuse run` a word that is no target", "refused, with the targets that there are")
def test_a_word_that_is_no_target(called: list[list[str]], config_file: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected a target: all, data, .*; found 'dta'"):
        run(config_file, "dta", "--", "--dry-run")
    assert run(config_file, "data", "--", "--until", "dta").startswith("0 ")
    assert len(called) == 1


def refused(folder: Path, clips: dict[str, Any], *words: str) -> str:
    """Return what the real command says of a user's mistake, which has no line of the workflow in it."""
    settings = {"output": "out", "clips": clips, "pose": {"mediapipe": {}}}
    (folder / "my.yaml").write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "camfuse", "run", "my.yaml", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    for internal in ("Traceback", "WorkflowError", "Exception", "common.smk", ", line "):
        assert internal not in done.stderr
    return done.stderr


@pytest.mark.slow
@pytest.mark.bad_input(
    "to `camfuse run` a config whose label table or videos are not there, or whose clips could not be trained",
    "refused at the start in the words of every other command, without those of Snakemake",
)
def test_a_mistake_that_shows_in_the_workflow_is_said_as_by_every_command(tmp_path: Path) -> None:
    said = refused(tmp_path, {"csv": {"table": "none.csv"}})
    why = f"cannot read the file: No such file or directory; looked for {tmp_path / 'none.csv'}"
    assert said.endswith(f"\nERROR: none.csv: 1 problem(s)\n  - {why}\n")
    (tmp_path / "odd.csv").write_text("file,word\na.mp4,hello\n")
    assert "\nERROR: odd.csv: 2 problem(s)\n" in refused(tmp_path, {"csv": {"table": "odd.csv"}})
    assert "\nERROR: nowhere: 1 problem(s)\n" in refused(tmp_path, {"folder": {"videos": "nowhere"}})
    (tmp_path / "one" / "hello").mkdir(parents=True)
    for number in range(6):
        (tmp_path / "one" / "hello" / f"{number}.mp4").write_text(str(number))
    said = refused(tmp_path, {"folder": {"videos": "one"}})
    assert "\nERROR: out/clips/clips.csv: 1 problem(s)\n  - expected training clips of at least two words" in said
    assert said.endswith("found those of 'hello'\n")
    assert said.count("ERROR") == 1
    assert "\nERROR: nothing to do for `ablation`" in refused(tmp_path, {"folder": {"videos": "one"}}, "ablation")


@pytest.mark.slow
def test_from_any_folder(tmp_path: Path) -> None:
    """A dry run where there is no Snakefile: paths in the config start from the folder one stands in."""
    (tmp_path / "clips").mkdir()
    for name in ("001_001_001.mp4", "001_009_001.mp4"):
        (tmp_path / "clips" / name).write_text(name)
    clips = {"lsa64": {"videos": "clips"}, "missing": "drop", "shards": 1}
    settings = {"output": "out", "clips": clips, "pose": {"mediapipe": {}}}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "camfuse", "run", "my.yaml", "data", "--", "--dry-run", "--quiet", "rules"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "heatmaps        1" in done.stdout
    assert (tmp_path / "out" / "clips" / "clips.csv").is_file()
