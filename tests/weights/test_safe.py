"""Checkpoints are read without running what is in them."""

import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from camfuse.errors import WeightsError
from camfuse.weights.safe import UnsafeFileError, read_checkpoint

STATE = {"weight": torch.arange(6.0).view(2, 3), "bias": torch.ones(2)}


def test_checkpoint_comes_back(tmp_path: Path) -> None:
    torch.save({"state_dict": STATE, "epoch": 3}, tmp_path / "best.ckpt")
    found = read_checkpoint(tmp_path / "best.ckpt")
    assert found["epoch"] == 3
    assert all(torch.equal(found["state_dict"][key], value) for key, value in STATE.items())


class Code:
    """Something that only unpickling code could restore."""


@pytest.mark.parametrize("content", ["missing", "garbage", "truncated", "empty", "code", "list"])
def test_bad_checkpoints_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "best.ckpt"
    if content == "garbage":
        path.write_bytes(b"not a checkpoint")
    elif content == "empty":
        path.touch()
    elif content == "truncated":
        torch.save({"x": torch.zeros(1000)}, path)
        path.write_bytes(path.read_bytes()[:500])
    elif content == "code":
        torch.save({"x": Code()}, path)
    elif content == "list":
        torch.save([1, 2], path)
    with pytest.raises(WeightsError, match=r"best\.ckpt"):
        read_checkpoint(path)


class Bomb:
    """Pickled, it makes a folder when it is opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.folder),)


def test_a_program_is_run_for_a_trusted_file_only(tmp_path: Path) -> None:
    path, harm = tmp_path / "bad.pth", tmp_path / "harm"
    torch.save({"state_dict": STATE, "extra": Bomb(harm)}, path)
    with pytest.raises(UnsafeFileError, match=r"bad\.pth: holds more .*GLOBAL .*mkdir.*could run a program"):
        read_checkpoint(path)
    assert not harm.exists()
    assert torch.equal(read_checkpoint(path, trusted=True)["state_dict"]["bias"], STATE["bias"])
    assert harm.is_dir()


def test_a_training_checkpoint_of_mmengine_is_read_without_running_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "mmengine.logging.history_buffer"
    history = type("HistoryBuffer", (), {"__module__": module, "mean": lambda self: 0.375})
    with monkeypatch.context() as there:
        for name in ("mmengine", "mmengine.logging", module):
            there.setitem(sys.modules, name, ModuleType(name))
        there.setattr(sys.modules[module], "HistoryBuffer", history, raising=False)
        losses = history()
        losses._log_history = np.array([0.5, 0.25])
        losses._statistics_methods = {"mean": losses.mean}  # a bound method is pickled as a call of getattr
        hub = {"log_scalars": {"train/loss": losses}}
        meta = {"epoch": 150, "best_score": np.float64(0.76), "sizes": np.ones(3, np.float32)}
        torch.save({"meta": meta, "state_dict": STATE, "message_hub": hub}, tmp_path / "epoch_3.pth")
    found = read_checkpoint(tmp_path / "epoch_3.pth")
    assert torch.equal(found["state_dict"]["weight"], STATE["weight"])
    assert found["meta"]["best_score"] == 0.76 and found["meta"]["sizes"].tolist() == [1, 1, 1]
