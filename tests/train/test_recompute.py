"""Recomputed blocks change nothing but the memory."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from camfuse.config import Model
from camfuse.model.recogniser import build_recogniser
from camfuse.train.recompute import RecomputedBottleneck, recompute_blocks

SMALL = Model.model_validate(
    {
        "rgb": {"depths": [1, 1, 2, 1], "channels": 8},
        "pose": {"depths": [1, 1, 1], "channels": 8},
        "fusion": {"width": 16, "heads": 2},
    }
)


def step(model: nn.Module) -> list[Tensor]:
    torch.manual_seed(5)
    rgb = torch.randint(0, 256, (3, 3, 2, 32, 32), dtype=torch.uint8)
    heatmaps = torch.randint(0, 256, (3, 133, 4, 8, 8), dtype=torch.uint8)
    loss = sum(functional.cross_entropy(v, torch.tensor([0, 1, 2])) for v in model(rgb, heatmaps).values())
    assert isinstance(loss, Tensor)
    loss.backward()
    return [loss.detach(), *(p.grad for p in model.parameters() if p.grad is not None)]


def test_recomputed_blocks_change_no_bit() -> None:
    plain = build_recogniser(SMALL, num_classes=3, part="fusion")
    saving = copy.deepcopy(plain)
    recompute_blocks(saving)
    assert sum(isinstance(m, RecomputedBottleneck) for m in saving.modules()) == 8
    for _ in range(2):
        assert all(torch.equal(a, b) for a, b in zip(step(plain), step(saving), strict=True))
    kept, counted = saving.state_dict(), plain.state_dict()
    assert kept.keys() == counted.keys()
    assert all(torch.equal(kept[key], counted[key]) for key in kept)  # statistics counted once
    assert int(kept["rgb.layer1.0.conv1.bn.num_batches_tracked"]) == 2


def test_recomputed_blocks_keep_less() -> None:
    kept = []
    for recompute in (False, True):
        model = build_recogniser(SMALL, num_classes=3, part="rgb")
        if recompute:
            recompute_blocks(model)
        sizes: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x, s=sizes: (s.append(x.numel()), x)[1], lambda x: x):
            model(torch.zeros(2, 3, 2, 32, 32, dtype=torch.uint8), None)
        kept.append(sum(sizes))
    assert kept[1] < kept[0] / 2
