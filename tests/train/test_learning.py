"""That it learns, and how fast: eight clips by heart, and the first twenty losses."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from camfuse.train.trainee import Trainee

PART = "fusion"
GOLDEN = (
    *(4.11236, 4.20788, 4.10178, 3.65639, 3.85147, 3.53056, 3.73468, 3.37144, 3.05189, 3.22338),
    *(3.15106, 2.99186, 3.91796, 2.74056, 3.17248, 3.59663, 3.51107, 4.58693, 2.97401, 2.84911),
)
"""Sum of the three heads' losses in the first 20 steps of SGD, on the machine that this was written on."""
TOLERANCE = 1e-3
"""Relative. Without oneDNN the same machine is 3e-7 off, with two threads 1e-5: steps make rounding errors larger."""


def learning(make_run: Any, folder: Path, augment: dict[str, Any], *, size: int, **phase: Any) -> Path:
    keys = {"batch": 8, "base_batch": 8, "label_smoothing": 0.0, **phase}
    sections = {"train": {PART: keys, "augment": augment}, "crops": {"size": size}}
    trained: Path = make_run(folder / "run", {"train": 2}, num_classes=4, **sections).train(PART, folder / "out")
    return trained


def test_eight_clips_are_learnt_by_heart(make_run: Any, tmp_path: Path) -> None:
    still = {"scale": (1, 1), "rotate": 0, "shift": 0, "colour": 0, "span": 1}
    folder = learning(make_run, tmp_path, still, size=32, epochs=12, repeat=4, rate=0.003, optimizer="adamw")
    curves = pd.read_csv(folder / "curves.csv").set_index(["epoch", "head"])
    assert (curves.loc[12, "top1"] == 1.0).all(), curves["top1"]
    assert (curves.loc[12, "loss"] < 0.3).all()
    assert (curves.loc[1, "loss"] > 0.5).all()


def test_golden_loss_curve(make_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses: list[float] = []
    step = Trainee.training_step

    def noting(self: Trainee, batch: Any, batch_idx: int) -> torch.Tensor:
        objective = step(self, batch, batch_idx)
        losses.append(float(objective.detach()))
        return objective

    monkeypatch.setattr(Trainee, "training_step", noting)
    # 64 px: on smaller maps some channels are constant, and the sign of their rounding error decides at a ReLU
    learning(make_run, tmp_path, {}, size=64, epochs=1, repeat=20, rate=0.003)
    assert losses == pytest.approx(GOLDEN, rel=TOLERANCE)
