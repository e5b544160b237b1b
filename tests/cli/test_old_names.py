"""Names of one version ago still work, and say what they are called now."""

import logging
from typing import Any

import pytest
from typer.testing import CliRunner

from camfuse.cli import app
from camfuse.cli import keypoints as keypoints_commands
from camfuse.cli import train as train_commands


def test_train_part_by_its_old_name(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(train_commands, "train_part", lambda *given: calls.append(given))
    with caplog.at_level(logging.WARNING, "camfuse"):
        result = CliRunner().invoke(app, ["train", "rgb", "--config", "x.yaml", "--output", "out"])
    assert result.exit_code == 0, result.output
    part, config, output, *_ = calls[0]
    assert (part, str(config), str(output)) == ("rgb", "x.yaml", "out")
    assert "`camfuse train rgb` is now `camfuse train-part rgb`" in caplog.text


def test_keypoints_export_by_its_old_name(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(keypoints_commands, "export", lambda *given: calls.append(given))
    with caplog.at_level(logging.WARNING, "camfuse"):
        result = CliRunner().invoke(app, ["export", "--config", "x.yaml", "--format", "pyskl", "--output", "a.pkl"])
    assert result.exit_code == 0, result.output
    assert [str(value) for value in calls[0]] == ["x.yaml", "pyskl", "a.pkl"]
    assert "`camfuse export` is now `camfuse keypoints export`" in caplog.text


def test_old_names_are_not_advertised() -> None:
    said = CliRunner().invoke(app, ["--help"]).output
    commands = [line.split()[1] for line in said.splitlines() if line.startswith("│ ") and line[2] != " "]
    assert "keypoints" in commands and "train-part" in commands
    assert "pyskl" not in CliRunner().invoke(app, ["export", "--help"]).output  # `export` is of models now
