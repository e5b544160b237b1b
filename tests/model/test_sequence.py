"""The sequence stream: shapes, what a block sees, determinism, and that it learns."""

import numpy as np
import torch
from torch import Tensor

from camfuse.config import Model
from camfuse.config import SequenceStream as SequenceConfig
from camfuse.data.sequence import NUM_POINTS, POINTS
from camfuse.data.sequence_channels import NUM_CHANNELS, features
from camfuse.model.recogniser import build_recogniser
from camfuse.model.sequence import IN_CHANNELS, SequenceBlock, SequenceStream, pooled_over_time


def stream(seed: int = 0, depth: int = 1) -> SequenceStream:
    torch.manual_seed(seed)
    return SequenceStream(SequenceConfig(width=16, depth=depth))


def made(batch: int = 2, frames: int = 12) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(size=(batch, NUM_CHANNELS, frames)).astype(np.float32))


def test_it_takes_the_channels_that_the_data_set_makes() -> None:
    assert IN_CHANNELS == NUM_CHANNELS


def test_features_keep_the_frames_and_pooled_ones_do_not() -> None:
    found = stream()(made(frames=12))
    assert found.shape == (2, 16, 12)
    assert pooled_over_time(found).shape == (2, 32)
    ramp = torch.tensor([[[0.0, 1.0, 5.0]]])
    assert pooled_over_time(ramp).tolist() == [[2.0, 5.0]]


def test_a_block_adds_to_its_input() -> None:
    block = SequenceBlock(4, 3, 0.0).eval()
    torch.nn.init.zeros_(block[2].weight)  # type: ignore[arg-type]
    torch.nn.init.zeros_(block[2].bias)  # type: ignore[arg-type]
    x = torch.randn(1, 4, 5, 1)
    torch.testing.assert_close(block(x), x)


def test_a_block_sees_half_its_kernel_to_each_side() -> None:
    block = SequenceBlock(1, 3, 0.0).eval()
    x = torch.zeros(1, 1, 9, 1)
    x[0, 0, 4] = 1
    changed = (block(x) - block(torch.zeros_like(x))).flatten().nonzero().flatten().tolist()
    assert changed == [3, 4, 5]


def test_the_same_seed_gives_the_same_weights_and_answers() -> None:
    torch.testing.assert_close(stream(1).eval()(made()), stream(1).eval()(made()), rtol=0, atol=0)
    assert not torch.equal(stream(1).eval()(made()), stream(2).eval()(made()))


def test_it_learns_which_hand_moves_up() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(0, 0.1, (16, 12, NUM_POINTS, 2)).astype(np.float32)
    labels = np.arange(16) % 2
    rise = np.linspace(0, -2, 12, dtype=np.float32)[:, None]
    for clip, label in zip(points, labels, strict=True):
        clip[:, POINTS["left" if label else "right"], 1] += rise
    x, targets = torch.from_numpy(features(points)), torch.from_numpy(labels)
    torch.manual_seed(0)
    config = Model.model_validate({"rgb": None, "pose": None, "sequence": {"width": 16, "depth": 1}})
    model = build_recogniser(config, num_classes=2, part="sequence")
    optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(sequence=x)["sequence"], targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert (model.eval()(sequence=x)["sequence"].argmax(1) == targets).all()
