"""Trainings in processes of their own: killed in the middle of an epoch, and two that train as one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from made_training import MadeRun, MakeRun

from camfuse.config import dump_config
from camfuse.model.checkpoint import Checkpoint

CALM = {"dropout": 0.0}


def phase(**keys: Any) -> dict[str, Any]:
    usual = {"epochs": 2, "repeat": 4, "batch": 4, "rate": 0.003, "base_batch": 8}
    return {**usual, "optimizer": "adamw", "schedule": "cosine", **keys}


def sections(*, processes: int = 1, part: str = "fusion", **keys: Any) -> dict[str, Any]:
    fusion = {"width": 16, "heads": 2, "dropout": 0.0, "modality_dropout": 0.0}
    model = {
        "rgb": {"depths": [1, 1, 1, 1], "channels": 8, **CALM},
        "pose": {"depths": [1, 1, 1], "channels": 8, **CALM},
        "fusion": fusion,
    }
    return {
        "model": model,
        "train": {part: phase(batch=8 // processes, **keys)},
        "machine": {"device": "cpu", "devices": processes, "threads": 1},
    }


def start(run: MadeRun, part: str, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True)
    config = folder / "config.yaml"
    config.write_text(dump_config(run.config))
    return start_again(part, folder)


def start_again(part: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "camfuse", "train-part", part, "--config", str(folder / "config.yaml")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(
            [*command, "--output", str(folder), "--log", str(folder / "train.log")],
            env=environment,
            stdout=said,
            stderr=said,
        )


def finish(process: subprocess.Popen[bytes], folder: Path) -> None:
    assert process.wait(timeout=600) == 0, (folder / "said.txt").read_text()


def largest_difference(a: Path, b: Path) -> float:
    one, other = Checkpoint.load(a / "best.ckpt").state, Checkpoint.load(b / "best.ckpt").state
    assert one.keys() == other.keys()
    return max(float((one[key].double() - other[key].double()).abs().max()) for key in one)


def losses(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "curves.csv").set_index(["epoch", "split", "head"])


# ------------------------------------------------------------------------------------------- killed


@pytest.mark.parametrize(
    ("part", "workers", "keys"),
    [
        ("rgb", 0, {}),
        pytest.param("pose", 2, {"ema": 0.9, "accumulate": 2, "class_balance": 0.5}, marks=pytest.mark.torture),
        pytest.param("fusion", 0, {"ema": 0.9}, marks=pytest.mark.torture),
    ],
)
@pytest.mark.parametrize("compiled", ["off", pytest.param("on", marks=pytest.mark.torture)])
def test_killed_in_the_middle_of_an_epoch(
    make_run: MakeRun, tmp_path: Path, part: str, workers: int, keys: dict[str, Any], compiled: str
) -> None:
    machine = {"device": "cpu", "compile": compiled, "compile_cache": str(tmp_path / "kernels")}
    run = make_run(tmp_path / "run", {"train": 3, "val": 2}, train={part: phase(repeat=12, **keys)}, machine=machine)
    # 9 clips x 12 / 4 = 27 batches an epoch: 30 are 3 of the second, and the test has the other 24 to notice
    whole = run.train(part, tmp_path / "whole")
    folder = tmp_path / "killed"
    process = start(run.with_config(machine=machine | {"save_steps": 5, "workers": workers}), part, folder)
    try:
        steps = killed_after_steps(process, folder / "last.ckpt", 30 // keys.get("accumulate", 1))
    finally:
        process.kill()
        process.wait()
    assert not (folder / "best.ckpt").exists()
    finish(start_again(part, folder), folder)
    assert any(f"epoch 2 batch {batch} of" in (folder / "train.log").read_text() for batch in range(2, 28)), steps
    assert (folder / "curves.csv").read_bytes() == (whole / "curves.csv").read_bytes()
    assert largest_difference(folder, whole) == 0


def killed_after_steps(process: subprocess.Popen[bytes], state: Path, steps: int) -> int:
    """Kill -9 as soon as a state of at least so many steps is there; return its steps."""
    end = time.monotonic() + 600
    while time.monotonic() < end:
        assert process.poll() is None, "ended before it was killed"
        if state.exists() and (found := int(torch.load(state, weights_only=True)["global_step"])) >= steps:
            os.kill(process.pid, signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            return found
        time.sleep(0.05)
    raise AssertionError(f"no state of {steps} steps after 600 s")


# ------------------------------------------------------------------------------------------- two as one


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "keys"), [("fusion", {}), pytest.param("pose", {"ema": 0.9, "accumulate": 2}, marks=pytest.mark.torture)]
)
@pytest.mark.parametrize("compiled", ["off", pytest.param("on", marks=pytest.mark.torture)])
def test_two_processes_train_as_one(
    make_run: MakeRun, tmp_path: Path, part: str, keys: dict[str, Any], compiled: str
) -> None:
    """Batch norm is synchronised, dropout off (each process draws its own): gradients and weights are one process's.

    Trained by SGD: AdamW makes whole steps of rounding errors where a gradient is zero.
    """
    keys = {"optimizer": "sgd", "rate": 0.002, "repeat": 2, **keys}
    # 12 clips x 2 / 8 = 3 steps an epoch; 3 val clips: one process has one more than the other
    run = make_run(tmp_path / "run", {"train": 4, "val": 1}, **sections(part=part, **keys))
    one = run.train(part, tmp_path / "one")
    folder = tmp_path / "two"
    values = sections(processes=2, part=part, **keys)
    values["machine"] |= {"compile": compiled, "compile_cache": str(tmp_path / "kernels")}
    both = run.with_config(**values)
    finish(start(both, part, folder), folder)
    a, b = losses(one), losses(folder)
    assert a.index.equals(b.index)
    pd.testing.assert_frame_equal(a, b, rtol=1e-4, atol=1e-6)
    assert largest_difference(one, folder) < 1e-4
