"""The command line in this process, and a made run's config as a file."""

from pathlib import Path

from made_training import MadeRun
from typer.testing import CliRunner

from camfuse.cli import app
from camfuse.config import dump_config


def camfuse(*arguments: object) -> str:
    """Run a command, and return what it prints."""
    result = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return str(result.stdout)


def write_config(run: MadeRun, path: Path) -> Path:
    path.write_text(dump_config(run.config), encoding="utf-8")
    return path
