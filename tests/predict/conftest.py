"""A trained model that needs no estimator, and videos for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from made_training import MadeRun
from made_videos import write_numbers
from walker import Walker

from camfuse.predict import recognise
from camfuse.predict.recognise import TrainedModel


@pytest.fixture
def walker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an estimator that needs no network in the place of the model's."""
    monkeypatch.setattr(recognise, "make_estimator", lambda config: Walker())


@pytest.fixture
def model(trained: MadeRun, walker: None) -> Iterator[TrainedModel]:
    with TrainedModel.load(trained.config.output) as one:
        yield one


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Twenty frames, 0.8 s."""
    return write_numbers(tmp_path / "numbers.mp4", 20)
