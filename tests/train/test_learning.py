"""That it learns, and how fast: eight clips overfit, and the first twenty losses."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from made_training import MadeRun, MakeRun

from camfuse.config import Part
from camfuse.data.dataset import ClipDataset
from camfuse.model.checkpoint import Checkpoint
from camfuse.predict.probabilities import predict
from camfuse.train.module import TrainingModule

PART: Part = "fusion"
GOLDEN = (
    *(4.11236, 4.20788, 4.10178, 3.65639, 3.85147, 3.53056, 3.73468, 3.37144, 3.05189, 3.22338),
    *(3.15106, 2.99186, 3.91796, 2.74056, 3.17248, 3.59663, 3.51107, 4.58693, 2.97401, 2.84911),
)
"""Sum of the three heads' losses in the first 20 steps of SGD, on the machine that this was written on."""
TOLERANCE = 1e-3
"""Relative. Without oneDNN the same machine is 3e-7 off, with two threads 1e-5: steps make rounding errors larger."""


def learning(make_run: MakeRun, folder: Path, augment: dict[str, Any], *, size: int, **phase: Any) -> MadeRun:
    keys = {"batch": 8, "base_batch": 8, "label_smoothing": 0.0, "schedule": "cosine", **phase}
    sections = {"train": {PART: keys, "augment": augment}, "crops": {"size": size}}
    run = make_run(folder / "run", {"train": 2}, num_classes=4, **sections)
    run.train(PART, folder / "out")
    return run


@pytest.mark.slow
def test_eight_clips_can_be_overfit(make_run: MakeRun, tmp_path: Path) -> None:
    still = {"scale": (1, 1), "rotate": 0, "shift": 0, "colour": 0, "span": 1}
    run = learning(make_run, tmp_path, still, size=32, epochs=30, repeat=4, rate=0.003, optimizer="adamw")
    curves = pd.read_csv(tmp_path / "out" / "curves.csv").set_index(["epoch", "head"])
    assert (curves.loc[1, "loss"] > 0.5).all()
    # the training's own numbers are those of a network with dropout: one clip of 32 wrong here, none on another machine
    clips = ClipDataset(run.run.clips(), run.run, part=PART, augment=False)
    found = predict(run.config, clips, {PART: Checkpoint.load(tmp_path / "out" / "best.ckpt")})
    assert len(found.labels) == 8
    for head, probabilities in found.of(PART).items():
        assert probabilities.argmax(1).equal(found.labels), head
        assert probabilities.gather(1, found.labels[:, None]).log().mean() > -0.3, head


def test_golden_loss_curve(make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses: list[float] = []
    step = TrainingModule.training_step

    def noting(self: TrainingModule, batch: Any, batch_idx: int) -> torch.Tensor:
        objective = step(self, batch, batch_idx)
        losses.append(float(objective.detach()))
        return objective

    monkeypatch.setattr(TrainingModule, "training_step", noting)
    # 64 px: on smaller maps some channels are constant, and the sign of their rounding error decides at a ReLU
    learning(make_run, tmp_path, {}, size=64, epochs=1, repeat=20, rate=0.003)
    assert losses == pytest.approx(GOLDEN, rel=TOLERANCE)
