"""Lightning's trainer as it is set up here."""

import logging
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from made_training import MakeConfig
from pytorch_lightning.callbacks import ModelCheckpoint

from camfuse.run.layout import TrainingFiles
from camfuse.train.trainer import AtomicCheckpointIO, StateKeeper, build_trainer, quiet_lightning


def test_a_state_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"epoch": 1}, path)

    def full(_state: object, file: Path) -> None:
        Path(file).write_bytes(b"half")
        raise OSError("the disk is full")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr("camfuse.train.trainer.torch.save", full)
        AtomicCheckpointIO().save_checkpoint({"epoch": 2}, path)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert [one.name for one in tmp_path.iterdir()] == ["last.ckpt"]


def test_states_are_kept_every_few_whole_steps_and_not_at_the_end_of_an_epoch(tmp_path: Path) -> None:
    saved: list[int] = []
    trainer: Any = SimpleNamespace(global_step=0, is_last_batch=False)
    trainer.save_checkpoint = lambda _path, weights_only: saved.append(trainer.global_step)
    keeper = StateKeeper(tmp_path / "last.ckpt", every=2)
    for step in (1, 1, 2, 2, 3, 4, 5, 6):  # two batches make the first two steps
        trainer.global_step, trainer.is_last_batch = step, step == 6
        keeper.on_train_batch_end(trainer)
    assert saved == [2, 4]


@pytest.mark.parametrize("save_steps", [0, 7])
def test_what_the_trainer_keeps(make_config: MakeConfig, tmp_path: Path, save_steps: int) -> None:
    phase = {"epochs": 3, "batch": 2, "rate": 0.1, "base_batch": 2, "accumulate": 4}
    config = make_config(machine={"device": "cpu", "save_steps": save_steps}, train={"pose": phase})
    with quiet_lightning():
        trainer = build_trainer(config, "pose", TrainingFiles(tmp_path), steps=5, begin="from_epoch_1")
    assert (trainer.max_epochs, trainer.accumulate_grad_batches) == (3, 4)
    states = [one for one in trainer.callbacks if isinstance(one, ModelCheckpoint)]
    assert [(one.filename, one.monitor, one.mode) for one in states] == [
        ("best_so_far", "selection", "max"),
        ("last", None, "min"),
    ]
    assert any(isinstance(one, StateKeeper) for one in trainer.callbacks) == (save_steps > 0)


def test_only_lightnings_chatter_is_hidden() -> None:
    chatter = logging.getLogger("pytorch_lightning.utilities.rank_zero")
    before = chatter.level
    with pytest.warns(UserWarning, match="something else") as shown, quiet_lightning():
        warnings.warn("The 'train_dataloader' does not have many workers which may be a bottleneck.", stacklevel=1)
        warnings.warn("something else", stacklevel=1)
        assert chatter.level == logging.WARNING
    assert len(shown) == 1 and chatter.level == before
