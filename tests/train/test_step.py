"""The parts of a training step: meters, mixup, recomputed blocks, synchronised batch norm's formula."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from camfuse.config import Model
from camfuse.data.dataset import Sample
from camfuse.model.recogniser import build_recogniser
from camfuse.train.meter import TrainMeter, ValMeter
from camfuse.train.mixup import mix_clips
from camfuse.train.parallel import SyncedBatchNorm3d
from camfuse.train.recompute import RecomputedBottleneck, recompute_blocks

SMALL = Model.model_validate(
    {
        "rgb": {"depths": [1, 1, 2, 1], "channels": 8},
        "pose": {"depths": [1, 1, 1], "channels": 8},
        "fusion": {"width": 16, "heads": 2},
    }
)


def log_of(*rows: tuple[float, ...]) -> Tensor:
    return torch.tensor(rows).log()


# ------------------------------------------------------------------------------------------- meters


def test_train_meter_by_hand() -> None:
    meter = TrainMeter(("a", "b"))
    meter.add({"a": log_of((0.5, 0.5)), "b": log_of((0.25, 0.75))}, torch.tensor([1]))
    rows = log_of((1.0, 0.0), (0.25, 0.75))
    meter.add({"a": rows, "b": rows}, torch.tensor([0, 0]))
    # a: ln 2, 0, ln 4 over three samples, one right of three (0.5 to 0.5 goes to the first); b: ln 4/3, 0, ln 4
    numbers = meter.take(lambda sums: sums)
    assert numbers["a"] == pytest.approx({"loss": (np.log(2) + np.log(4)) / 3, "top1": 1 / 3})
    assert numbers["b"] == pytest.approx({"loss": (np.log(4 / 3) + np.log(4)) / 3, "top1": 2 / 3})
    assert (meter.sums == 0).all()


def test_val_meter_counts_a_clip_once() -> None:
    one, two = ValMeter(("a",), 3), ValMeter(("a",), 3)
    one.add({"a": log_of((0.5, 0.5), (0.1, 0.9))}, torch.tensor([0, 1]), torch.tensor([2, 0]))
    two.add({"a": log_of((0.25, 0.75), (0.1, 0.9))}, torch.tensor([0, 1]), torch.tensor([1, 0]))  # clip 0 to fill up
    expected = {"loss": pytest.approx((np.log(2) + np.log(10 / 9) + np.log(4)) / 3), "top1": pytest.approx(2 / 3)}
    assert one.take(lambda found: torch.maximum(found, two.found)) == {"a": expected}
    assert (one.found == -1).all()


# ------------------------------------------------------------------------------------------- mixup


def test_mixup_by_hand() -> None:
    rgb = torch.arange(4, dtype=torch.uint8).mul(60).view(4, 1, 1, 1, 1, 1)
    batch = Sample(rgb=rgb, heatmaps=rgb + 1, label=torch.arange(4), index=torch.arange(4))
    shares = []
    for seed in range(50):
        mixed = mix_clips(batch, 0.5, np.random.default_rng(seed))
        shares.append(mixed.share)
        partner = mixed.other  # labels are the clips' numbers
        expected = mixed.share * rgb.flatten() + (1 - mixed.share) * rgb.flatten()[partner]
        torch.testing.assert_close(mixed.batch["rgb"].flatten(), expected)
        torch.testing.assert_close(mixed.batch["heatmaps"].flatten(), expected + 1)
        assert mixed.batch["label"].tolist() == [0, 1, 2, 3]
        assert sorted(partner.tolist()) == [0, 1, 2, 3]
    assert 0.5 <= min(shares) < 0.6 and 0.95 < max(shares) <= 1
    assert batch["rgb"].flatten().tolist() == [0, 60, 120, 180]


# ------------------------------------------------------------------------------------------- recomputed blocks


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


def test_recomputed_blocks_keep_less(monkeypatch: pytest.MonkeyPatch) -> None:
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


# ------------------------------------------------------------------------------------------- batch norm


def test_synchronised_batch_norm_of_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 1)
    monkeypatch.setattr("torch.distributed.all_reduce", lambda _: None)
    torch.manual_seed(0)
    plain, synced = nn.BatchNorm3d(4).double(), SyncedBatchNorm3d(4).double()
    for layer in (plain, synced):
        nn.init.constant_(layer.weight, 1.5)
    x = torch.randn(3, 4, 2, 5, 5, dtype=torch.float64) * 3 + 7
    found = []
    for layer in (plain, synced):
        y = x.clone().requires_grad_()
        out = layer(y)
        out.backward(torch.linspace(-1, 1, out.numel(), dtype=torch.float64).view_as(out))
        found.append([out, y.grad, layer.weight.grad, layer.bias.grad, *layer.state_dict().values(), layer.eval()(x)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11)
