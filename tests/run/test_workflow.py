"""Where the workflow lies, and how Snakemake is called."""

import sys
from pathlib import Path

import pytest
from small_run import Workflow

from camfuse.errors import ConfigError, MissingToolError
from camfuse.run import workflow
from camfuse.run.workflow import (
    TARGETS,
    check_targets,
    find_config,
    find_workflow,
    shipped_config,
    snakemake_command,
    written,
)

ROOT = Path(__file__).parents[2]


def test_the_checkouts_workflow_is_found_with_its_environments() -> None:
    assert find_workflow() == ROOT / "workflow" / "Snakefile"


def test_a_checkout_without_links_has_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow" / "Snakefile").touch()
    monkeypatch.setattr(workflow, "PACKAGE", tmp_path / "camfuse")
    assert find_workflow() == tmp_path / "workflow" / "Snakefile"


def test_a_package_without_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "PACKAGE", tmp_path / "camfuse")
    with pytest.raises(MissingToolError, match="expected the workflow at"):
        find_workflow()


@pytest.mark.parametrize(("cores", "expected"), [(None, "all"), (3, "3")])
def test_the_command(cores: int | None, expected: str) -> None:
    command = snakemake_command(Path("my config.yaml"), cores, ["data", "--dry-run"])
    assert command[:3] == [sys.executable, "-m", "snakemake"]
    assert command[5:] == ["--configfile", "my config.yaml", "--cores", expected, "data", "--dry-run"]
    assert written(command).startswith("snakemake --snakefile ")
    assert "'my config.yaml'" in written(command)


def test_without_snakemake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="pip install 'snakemake"):
        snakemake_command(Path("a.yaml"), None, [])


@pytest.mark.parametrize("options", [["--use-conda"], ["--sdm", "conda"], ["--conda-create-envs-only"]])
def test_conda_needs_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]) -> None:
    assert snakemake_command(Path("a.yaml"), 1, options)[-len(options) :] == options
    (tmp_path / "camfuse" / "workflow").mkdir(parents=True)
    (tmp_path / "camfuse" / "workflow" / "Snakefile").touch()
    (tmp_path / "camfuse" / "__init__.py").touch()
    monkeypatch.setattr(workflow, "PACKAGE", tmp_path / "camfuse")
    with pytest.raises(MissingToolError, match="expected a checkout"):
        snakemake_command(Path("a.yaml"), 1, options)


def test_shipped_configs_have_names() -> None:
    assert shipped_config("demo") == ROOT / "config" / "demo.yaml"
    with pytest.raises(ConfigError, match=r"one of the shipped asl_citizen, .*videos, wlasl; found 'dmeo'"):
        shipped_config("dmeo")


def test_a_target_is_a_rule_or_looks_like_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table").touch()
    check_targets([*TARGETS, "results/report/index.html", "clips.csv", "table"])
    with pytest.raises(ConfigError, match=r"expected a target: all, data, .*, ablation, or a file .*; found 'dta'"):
        check_targets(["data", "dta"])


@pytest.mark.slow
def test_the_targets_are_the_workflows(tmp_path: Path) -> None:
    listed = Workflow(tmp_path).snakemake("--list-target-rules")
    assert sorted(listed.stdout.split()) == sorted(TARGETS)


def test_a_file_called_as_a_shipped_config_is_named_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = ROOT / "config" / "videos.yaml"
    assert find_config(Path("videos")) == shipped
    assert not caplog.messages
    Path("videos.yaml").touch()
    assert find_config(Path("videos.yaml")) == Path("videos.yaml")
    assert not caplog.messages
    assert find_config(Path("videos")) == shipped
    assert caplog.messages == [
        f"videos: taking the shipped {shipped}, and not videos.yaml here, which goes by its whole name"
    ]
