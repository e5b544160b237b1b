"""A config file, and a log that is as before once a test has ended."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_training import MakeConfig

from camfuse.config import dump_config


@pytest.fixture
def config_file(make_config: MakeConfig, tmp_path: Path) -> Path:
    """Return the file of a small config."""
    path = tmp_path / "made.yaml"
    path.write_text(dump_config(make_config()), encoding="utf-8")
    return path


@pytest.fixture
def log_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take off what a command does to this process: its handlers, its level, its hook for exceptions."""
    root, log = logging.getLogger(), logging.getLogger("camfuse")
    handlers, level = list(root.handlers), log.level
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    for name in ("LOCAL_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    yield
    for handler in [one for one in root.handlers if one not in handlers]:
        root.removeHandler(handler)
        handler.close()
    log.setLevel(level)
