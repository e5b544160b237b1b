"""From which state a training resumes; what it then gives is in test_run.py."""

import logging
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from camfuse.run.layout import TrainingFiles
from camfuse.train.module import TrainingIdentity
from camfuse.train.resume import resumable

MINE = TrainingIdentity("0123", "4567", 1)


def save(path: Path, epochs: int, identity: TrainingIdentity = MINE) -> None:
    torch.save({"camfuse": {"labels": asdict(identity), "epochs": epochs}}, path)


@pytest.fixture
def files(tmp_path: Path) -> TrainingFiles:
    """Return the files of a training that was stopped in its second epoch."""
    files = TrainingFiles(tmp_path)
    save(files.last, 1)
    torch.save({}, files.best_so_far)
    return files


def test_where_nothing_is_nothing_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert resumable(TrainingFiles(tmp_path), MINE) is None
    assert not caplog.text


def test_the_last_state_of_the_same_training_is_taken(files: TrainingFiles, caplog: pytest.LogCaptureFixture) -> None:
    state = resumable(files, MINE)
    assert state is not None and state["camfuse"]["epochs"] == 1
    with caplog.at_level(logging.INFO, logger="camfuse"):
        for other in (replace(MINE, fingerprint="9"), replace(MINE, data="9"), replace(MINE, processes=2)):
            assert resumable(files, other) is None
    assert caplog.text.count("belongs to another config, other clips or other checkpoints") == 3


def test_a_damaged_state_gives_way_to_the_one_before(files: TrainingFiles, caplog: pytest.LogCaptureFixture) -> None:
    save(files.before_last, 1)
    whole = files.before_last.read_bytes()
    files.last.write_bytes(b"half a file")
    assert resumable(files, MINE) is not None
    assert "resumes from the state before it" in caplog.text
    assert files.last.read_bytes() == whole and not files.before_last.exists()
    files.last.write_bytes(b"half a file")
    assert resumable(files, MINE) is None
    assert "no whole state is left: training starts anew" in caplog.text


def test_without_its_best_epoch_a_training_starts_anew(files: TrainingFiles, caplog: pytest.LogCaptureFixture) -> None:
    files.best_so_far.unlink()
    assert resumable(files, MINE) is None
    assert "missing beside" in caplog.text
    save(files.last, 0)  # in its first epoch there is none yet
    assert resumable(files, MINE) is not None


def test_a_state_of_another_form_starts_anew(files: TrainingFiles, caplog: pytest.LogCaptureFixture) -> None:
    torch.save({"camfuse": {}}, files.last)
    assert resumable(files, MINE) is None
    assert "cannot be resumed (KeyError('labels'))" in caplog.text
