"""The paper's size: 8 crops of 256 x 256, 32 volumes of 133 x 64 x 64, ResNet-50 width, 2000 classes."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from made_training import MakeRun

from camfuse.config import Crops, Model, Sampling
from camfuse.evaluate.run import evaluate
from camfuse.model.checkpoint import Checkpoint

CLASSES = 2000


@pytest.mark.slow
def test_one_training_step_and_one_evaluation(make_run: MakeRun, tmp_path: Path) -> None:
    step = {"epochs": 1, "repeat": 1, "batch": 1, "rate": 0.0075, "base_batch": 48}
    run = make_run(
        tmp_path / "run",
        {"train": 1, "test": 1},
        num_classes=CLASSES,
        seen=1,
        crops=Crops().model_dump(),
        sampling=Sampling().model_dump(),
        model=Model().model_dump(),
        train=dict.fromkeys(("rgb", "pose", "fusion"), step),
        evaluate={"samplings": 1},
        machine={"evaluate_batch": 1},
    )
    assert (run.config.crops.size, run.config.sampling.pose_frames, run.config.model.rgb.channels) == (256, 32, 64)
    torch.set_num_threads(2)
    try:
        folder = run.train("fusion")
        checkpoint = {"fusion": folder / "best.ckpt"}
        results = evaluate(run.run, checkpoint, tmp_path / "evaluate")
    finally:
        torch.set_num_threads(1)
    curves = pd.read_csv(folder / "curves.csv").set_index("head")
    assert curves["grad_norm"].gt(0).all()
    # before the first step every class is about as likely: ln 2000 = 7.60
    assert curves.loc[["rgb", "pose", "joint"], "loss"].between(7.0, 8.2).all()
    assert 36e6 < Checkpoint.load(folder / "best.ckpt").parameters < 50e6
    assert results.classes == CLASSES
    fused = results.rows["fused"]
    assert {1, 5, 10} <= fused.top.keys()
    assert json.loads((folder / "summary.json").read_text())["clips"] == {"train": 1, "val": 0}
