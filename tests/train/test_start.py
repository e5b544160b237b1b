"""What a training starts from, and a trained fused model that meets one modality only."""

import logging
from pathlib import Path

import pytest
import torch
from made_training import MadeRun

from camfuse.clips.table import read_clips
from camfuse.data.dataset import ClipDataset
from camfuse.model.checkpoint import Checkpoint


def one_small_step(trained: MadeRun, part: str, start: Path) -> MadeRun:
    """The same data with a training that hardly moves."""
    values = trained.config.model_dump(mode="json")
    model = {**values["model"], part: {**values["model"][part], "weights": {"path": str(start)}}}
    phase = {**values["train"][part], "epochs": 1, "repeat": 1, "rate": 1e-7, "warmup": 0.0}
    return trained.with_config(model=model, train={**values["train"], part: phase})


@pytest.mark.parametrize("part", ["rgb", "fusion"])
def test_a_training_begins_with_the_weights_of_the_config(
    trained: MadeRun, part: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    start = trained.config.output / "train" / part / "best.ckpt"
    run = one_small_step(trained, part, start)
    with caplog.at_level(logging.INFO):
        folder = run.train(part, tmp_path / "out")
    assert f"model.{part}.weights: {start}: " in caplog.text
    before, after = Checkpoint.load(start), Checkpoint.load(folder / "best.ckpt")
    assert after.fingerprint != before.fingerprint
    for name, value in before.state.items():
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(after.state[name], value, atol=1e-5, rtol=0)


@pytest.mark.parametrize("part", ["rgb", "pose"])
def test_one_trained_checkpoint_serves_clips_of_one_modality_too(trained: MadeRun, part: str) -> None:
    model = Checkpoint.load(trained.config.output / "train" / "fusion" / "best.ckpt").recogniser()
    rows = read_clips(trained.clips / "clips.csv")
    clips = ClipDataset(rows[rows["split"] == "test"], trained.run, part="fusion", augment=False)
    for sample in (clips[number] for number in range(len(clips))):
        rgb = sample["rgb"] if part == "rgb" else None
        heatmaps = sample["heatmaps"] if part == "pose" else None
        with torch.no_grad():
            logits = model(rgb, heatmaps)
        assert list(logits) == [part]
        assert (logits[part].argmax(1) == sample["label"]).all()
