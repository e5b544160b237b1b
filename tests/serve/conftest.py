"""A page over the tiny trained model, with an estimator that needs no network."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_training import MadeRun
from made_videos import write_numbers
from walker import Walker

from camfuse.predict import live, recognise
from camfuse.serve.limits import Limits
from camfuse.serve.work import Chosen, Worker

LIMITS = Limits(megabytes=2, seconds=5, frames=100, pixels=640 * 480, waiting=3, live=1, live_seconds=20)


@pytest.fixture
def run(trained: MadeRun, tmp_path: Path) -> Path:
    """A copy of the run, which words may be enrolled in."""
    folder = tmp_path / "run"
    shutil.copytree(trained.config.output, folder)
    return folder


@pytest.fixture
def worker(run: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    for module in (recognise, live):
        monkeypatch.setattr(module, "make_estimator", lambda config: Walker())
    one = Worker(Chosen(run), LIMITS)
    yield one
    one.close()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Twenty frames, 0.8 s."""
    return write_numbers(tmp_path / "numbers.mp4", 20)
