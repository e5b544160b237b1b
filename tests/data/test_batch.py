"""Batches of compact samples give the network what dense ones give."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from camfuse.config import Config
from camfuse.data.batch import collate, render_on_device, to_device, with_heatmaps
from camfuse.data.dataset import ClipDataset
from camfuse.prep.heatmaps import render
from tests.data.test_dataset import build, config, with_augment, write

__all__ = ["config"]  # a fixture
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
DEVICES = ["cpu", pytest.param("cuda", marks=CUDA)]


def batch_of(data: ClipDataset) -> Any:
    return collate([data[row] for row in range(len(data))])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("sigma", [0.6, 2.0])
def test_a_device_renders_what_the_loader_renders(sigma: float, device: str) -> None:
    rng = np.random.default_rng(3)
    points = np.concatenate([rng.uniform(-10, 74, (5, 40, 7, 2)), rng.uniform(0, 1.2, (5, 40, 7, 1))], -1)
    points = points.astype(np.float32)
    points[0, 0, 0], points[0, 1, 0, 2], points[1, 2, 3, 2] = (np.nan, np.nan, 0), 0, -0.5
    points[2, 0, 0, :2], points[3, 0, 0, 0] = (-0.5, 63.5), np.inf
    points[4, 0, 0] = (1.5, 1.5, 1.2)  # on a pixel's centre, and surer than sure
    found = render_on_device(torch.from_numpy(points).to(device), 16, sigma).cpu()
    expected = np.stack([render(clip, 16, sigma) for clip in points])
    assert found.shape == (5, 40, 7, 16, 16) and found.dtype == torch.uint8
    difference = np.abs(found.numpy().astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-5
    assert expected.max() == 255


def test_training_batches_are_the_same(tmp_path: Path, config: Config) -> None:
    moving = with_augment(config, shift=0.1, rotate=25, scale=(0.8, 1.2), mirror=0.5, span=0.8, joint_dropout=0.1)
    write(tmp_path, moving)
    dense, compact = (batch_of(build(tmp_path, moving, augment=True, compact=c)) for c in (False, True))
    assert compact["keypoints"].shape == (4, 1, 133, 4, 3)
    assert "heatmaps" not in compact
    made = with_heatmaps(compact, moving)
    assert made.keys() == dense.keys()
    assert all(torch.equal(made[key], dense[key]) for key in ("rgb", "label", "index"))  # type: ignore[literal-required]
    assert (made["heatmaps"].int() - dense["heatmaps"].int()).abs().max() <= 1


def test_test_batches_are_the_same_and_each_stored_map_travels_once(tmp_path: Path, config: Config) -> None:
    write(tmp_path, config)
    dense, compact = (batch_of(build(tmp_path, config, samplings=5, compact=c)) for c in (False, True))
    assert len(compact["volume"]) <= 6 + 9 + 20 + 13  # the clips' frames
    assert compact["pose_frames"].shape == (4, 5, 4)
    whole = with_heatmaps(compact, config)
    assert torch.equal(whole["heatmaps"], dense["heatmaps"])
    assert whole["heatmaps"].is_contiguous()
    for number in range(5):
        one = with_heatmaps(compact, config, number)
        assert torch.equal(one["heatmaps"][:, 0], dense["heatmaps"][:, number])
        assert torch.equal(one["rgb"][:, 0], dense["rgb"][:, number])
    assert torch.equal(with_heatmaps(dense, config, 2)["heatmaps"][:, 0], dense["heatmaps"][:, 2])


def test_a_stream_alone_stays_alone(tmp_path: Path, config: Config) -> None:
    write(tmp_path, config)
    pose = batch_of(build(tmp_path, config, part="pose", compact=True))
    assert pose.keys() == {"volume", "pose_frames", "label", "index"}
    alone = batch_of(build(tmp_path, config, part="rgb", compact=True))
    assert alone.keys() == {"rgb", "label", "index"}
    assert "heatmaps" not in with_heatmaps(alone, config)
    assert "rgb" not in with_heatmaps(pose, config)
    assert "volume" in pose  # the caller's own stays whole


@pytest.mark.parametrize("device", DEVICES)
def test_everything_goes_to_the_device(tmp_path: Path, config: Config, device: str) -> None:
    write(tmp_path, config)
    there = to_device(batch_of(build(tmp_path, config, compact=True)), torch.device(device))
    tensors: list[Tensor] = [*there.values(), *with_heatmaps(there, config).values()]  # type: ignore[list-item]
    assert {tensor.device.type for tensor in tensors} == {device}
