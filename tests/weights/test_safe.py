"""Checkpoints are read without running what is in them."""

import io
import os
import pickle
import random
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


def junk(kind: str) -> bytes:
    whole = io.BytesIO()
    torch.save({"x": torch.zeros(1000)}, whole)
    noise = random.Random(0).randbytes(500)
    kinds = {
        "noise after a pickle's first byte": b"\x80\x02" + noise,
        "noise after a zip's first bytes": b"PK\x03\x04" + noise,
        "another pickle": pickle.dumps({"state_dict": 1}),
        "cut": whole.getvalue()[:3000],
        "flipped": whole.getvalue()[:200] + b"\xff" + whole.getvalue()[201:],
    }
    return kinds[kind]


@pytest.mark.bad_input("a damaged checkpoint", "refused; no advice to open it unsafely")
@pytest.mark.parametrize(
    "kind",
    ["noise after a pickle's first byte", "noise after a zip's first bytes", "another pickle", "cut", "flipped"],
)
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_junk_is_called_damaged_without_advice_to_open_it_unsafely(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "best.ckpt"
    path.write_bytes(junk(kind))
    with pytest.raises(WeightsError, match="damaged or was cut off; copy or make it again") as caught:
        read_checkpoint(path)
    said = str(caught.value)
    assert "\n" not in said and not any(word in said.lower() for word in ("weights_only", "trust", "unsafe", "run a"))


@pytest.mark.bad_input("a web page or pointer as checkpoint", "refused, with what the file is")
@pytest.mark.parametrize(
    ("content", "words"),
    [(b"<!DOCTYPE html>", "found a web page"), (b"version https://git-lfs.github.com", "found a Git LFS pointer")],
)
def test_another_file_under_a_checkpoints_name(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "best.ckpt").write_bytes(content)
    with pytest.raises(WeightsError, match=f"expected a PyTorch checkpoint, {words}"):
        read_checkpoint(tmp_path / "best.ckpt")


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
