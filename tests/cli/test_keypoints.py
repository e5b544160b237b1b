"""`camfuse keypoints export` calls the writer of the form that was asked for."""

from pathlib import Path

import pytest
from run_command import camfuse
from typer.testing import CliRunner

from camfuse.cli import app
from camfuse.config import Config, load_config


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Config, Path]]:
    """Both writers, which write nothing here and say that they wrote 7 clips."""
    found: list[tuple[str, Config, Path]] = []

    def replace(name: str) -> None:
        def write(config: Config, output: Path) -> int:
            found.append((name, config, output))
            return 7

        monkeypatch.setattr(f"camfuse.prep.pose.export.{name}", write)

    replace("export_pyskl")
    replace("export_pose")
    return found


@pytest.mark.parametrize(("form", "function"), [("pyskl", "export_pyskl"), ("pose", "export_pose")])
def test_the_form_chooses_the_writer(
    calls: list[tuple[str, Config, Path]], config_file: Path, log_as_before: None, form: str, function: str
) -> None:
    said = camfuse("keypoints", "export", "--config", config_file, "--format", form, "--output", "out")
    assert said == "7 clips: out\n"
    assert calls == [(function, load_config(config_file), Path("out"))]


def test_another_form_is_refused(calls: list[tuple[str, Config, Path]], config_file: Path) -> None:
    words = ["keypoints", "export", "--config", str(config_file), "--format", "csv", "--output", "out"]
    assert CliRunner().invoke(app, words).exit_code == 2
    assert calls == []
