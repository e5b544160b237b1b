"""`camfuse doctor` prints a line each, and its exit code says whether something needed is missing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from camfuse.cli import app
from camfuse.doctor.finding import Finding


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Call it, with a line in place of the trials of packages."""

    def call(*words: object, found: Finding) -> tuple[int, str]:
        monkeypatch.setattr("camfuse.doctor.programs.check_programs", lambda needed: [found])
        done = CliRunner().invoke(app, ["doctor", *map(str, words)], catch_exceptions=False)
        return done.exit_code, done.stdout

    return call


def test_ready(doctor: Callable[..., tuple[int, str]]) -> None:
    code, said = doctor(found=Finding("note", "GPU", "none"))
    assert code == 0
    assert "ok      ffmpeg" in said and "note    GPU" in said
    assert said.rstrip().endswith("also looks for what a config needs")


def test_something_is_missing(doctor: Callable[..., tuple[int, str]]) -> None:
    code, said = doctor(found=Finding("missing", "torch", "no module", "pip install torch"))
    assert code == 2
    assert "pip install torch\n1 thing(s) that are needed" in said


def test_a_config_needs_its_weights(doctor: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        f"clips: {{folder: {{videos: v}}}}\npose: {{rtmlib: {{}}}}\nmachine: {{weights: {tmp_path / 'none'}}}\n"
    )
    code, said = doctor(tmp_path / "a.yaml", found=Finding("ok", "torch", "2.13"))
    assert code == 2
    assert said.count("camfuse weights CONFIG") == 2


def test_a_shipped_config_by_its_name(doctor: Callable[..., tuple[int, str]]) -> None:
    assert doctor("demo", found=Finding("ok", "torch", "2.13"))[0] == 0
