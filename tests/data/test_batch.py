"""Batches of compact samples give the network what dense ones give."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from camfuse.config import Config
from camfuse.data.batch import collate, dense, filled, inputs_of, samplings_of, to_device, unpacked
from camfuse.data.dataset import ClipDataset
from tests.data.test_dataset import build, config, with_augment, write

__all__ = ["config"]  # a fixture
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
DEVICES = ["cpu", pytest.param("cuda", marks=CUDA)]


def batch_of(data: ClipDataset) -> Any:
    return collate([data[row] for row in range(len(data))])


def test_training_batches_are_the_same(tmp_path: Path, config: Config) -> None:
    moving = with_augment(config, shift=0.1, rotate=25, scale=(0.8, 1.2), mirror=0.5, span=0.8, joint_dropout=0.1)
    write(tmp_path, moving)
    whole, compact = (batch_of(build(tmp_path, moving, augment=True, compact=c)) for c in (False, True))
    assert compact["keypoints"].shape == (4, 1, 133, 4, 3)
    assert compact["frames"].shape == (4, 1, 2, 32, 32, 3)
    assert compact.keys().isdisjoint({"heatmaps", "rgb"})
    made = dense(compact, moving)
    assert made.keys() == whole.keys()
    assert all(torch.equal(made[key], whole[key]) for key in ("label", "index"))  # type: ignore[literal-required]
    for key in ("rgb", "heatmaps"):
        found, expected = made[key], whole[key]  # type: ignore[literal-required]
        assert found.shape == expected.shape and found.dtype == expected.dtype
        assert (found.int() - expected.int()).abs().max() <= 1
    assert whole["rgb"].float().std() > 20


def test_test_batches_are_the_same_and_each_stored_map_travels_once(tmp_path: Path, config: Config) -> None:
    write(tmp_path, config)
    whole, compact = (batch_of(build(tmp_path, config, samplings=5, compact=c)) for c in (False, True))
    assert len(compact["images"]) <= 6 + 9 + 20 + 13  # the clips' frames
    assert len(unpacked(compact, config)["volume"]) <= 6 + 9 + 20 + 13
    assert compact["pose_frames"].shape == (4, 5, 4) and compact["rgb_frames"].shape == (4, 5, 2)
    assert samplings_of(compact) == samplings_of(whole) == 5
    made = dense(compact, config)
    assert torch.equal(made["heatmaps"], whole["heatmaps"]) and torch.equal(made["rgb"], whole["rgb"])
    assert made["heatmaps"].is_contiguous()
    for batch in (compact, unpacked(compact, config), whole):
        some = dense(batch, config, slice(1, 4))
        assert torch.equal(some["heatmaps"], whole["heatmaps"][:, 1:4])
        assert torch.equal(some["rgb"], whole["rgb"][:, 1:4])


def test_a_smaller_batch_is_filled_with_its_last_clip(tmp_path: Path, config: Config) -> None:
    write(tmp_path, config)
    inputs = inputs_of(batch_of(build(tmp_path, config)))
    more = filled(inputs, 6)
    assert more["sequence"] is None
    for key in ("rgb", "heatmaps"):
        found, given = more[key], inputs[key]  # type: ignore[literal-required]
        assert torch.equal(found[:4], given) and torch.equal(found[4], given[3]) and torch.equal(found[5], given[3])
        assert filled(inputs, 4)[key] is given  # type: ignore[literal-required]


def test_a_stream_alone_stays_alone(tmp_path: Path, config: Config) -> None:
    write(tmp_path, config)
    pose = batch_of(build(tmp_path, config, part="pose", compact=True))
    assert pose.keys() == {"packed", "pose_frames", "label", "index"}
    alone = batch_of(build(tmp_path, config, part="rgb", compact=True))
    assert alone.keys() == {"images", "rgb_frames", "label", "index"}
    assert "heatmaps" not in dense(alone, config)
    assert "rgb" not in dense(pose, config)
    assert "packed" in pose  # the caller's own stays whole


@pytest.mark.parametrize("device", DEVICES)
def test_everything_goes_to_the_device(tmp_path: Path, config: Config, device: str) -> None:
    write(tmp_path, config)
    there = to_device(batch_of(build(tmp_path, config, compact=True)), torch.device(device))
    tensors: list[Tensor] = [*there.values(), *dense(there, config).values()]  # type: ignore[list-item]
    assert {tensor.device.type for tensor in tensors} == {device}
