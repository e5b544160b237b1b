"""Several processes: how they start, and batch norm over all their clips."""

import multiprocessing
from pathlib import Path

import pytest
import torch
from pytorch_lightning.strategies import DDPStrategy
from torch import distributed, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from camfuse.config import Machine, PoseStream
from camfuse.model.layers import BatchNorm3d
from camfuse.model.resnet3d import pose_stream
from camfuse.train.parallel import CpuBatchNormSync, SyncedBatchNorm3d, plugins, strategy, world_size


def test_one_process_needs_no_strategy_and_several_average_the_gradient() -> None:
    assert (world_size(Machine()), strategy(Machine())) == (1, "auto")
    several = Machine(devices=2, nodes=3)
    assert world_size(several) == 6
    assert isinstance(strategy(several), DDPStrategy)


def test_batch_norm_is_synchronised_where_several_train(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_NTASKS", raising=False)
    assert not [one for one in plugins(Machine(), "cpu") if isinstance(one, CpuBatchNormSync)]
    assert [one for one in plugins(Machine(devices=2), "cpu") if isinstance(one, CpuBatchNormSync)]
    assert not [one for one in plugins(Machine(devices=2), "cuda") if isinstance(one, CpuBatchNormSync)]


def test_layers_are_exchanged_and_come_back() -> None:
    model = nn.Sequential(BatchNorm3d(2), nn.ReLU(), BatchNorm3d(2))
    names = list(model.state_dict())
    synced = CpuBatchNormSync().apply(model)
    assert [type(layer) for layer in synced] == [SyncedBatchNorm3d, nn.ReLU, SyncedBatchNorm3d]
    assert list(synced.state_dict()) == names
    assert [type(layer) for layer in CpuBatchNormSync().revert(synced)] == [BatchNorm3d, nn.ReLU, BatchNorm3d]


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


def half_of_the_gradient(rank: int, folder: Path, world: int = 2) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=world)
    model = made_model()
    CpuBatchNormSync().apply(model)
    together = DistributedDataParallel(model, broadcast_buffers=False)
    x, labels = made_batch()
    functional.cross_entropy(together(x[rank::world]), labels[rank::world]).backward()
    torch.save([[p.grad for p in model.parameters()], model.state_dict()], folder / f"{rank}.pt")
    distributed.destroy_process_group()


def made_model() -> nn.Module:
    torch.manual_seed(3)
    stream = pose_stream(PoseStream(depths=(1, 1, 1), channels=8))
    for module in stream.modules():
        if isinstance(module, nn.BatchNorm3d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return nn.Sequential(stream, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(stream.out_channels[-1], 3)).double()


def made_batch() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(4)
    return torch.randn(6, 133, 2, 8, 8, dtype=torch.float64), torch.arange(6) % 3


def test_gradient_of_two_processes_is_that_of_one(tmp_path: Path) -> None:
    """In float64, batch norm synchronised: gradients and running statistics agree to 1e-10."""
    forks = multiprocessing.get_context("fork")
    processes = [forks.Process(target=half_of_the_gradient, args=(rank, tmp_path)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    model = made_model()
    x, labels = made_batch()
    functional.cross_entropy(model(x), labels).backward()
    for rank in range(2):
        gradients, state = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        for found, parameter in zip(gradients, model.parameters(), strict=True):
            torch.testing.assert_close(found, parameter.grad, rtol=1e-10, atol=1e-12)
        for key, value in model.state_dict().items():
            torch.testing.assert_close(state[key], value, rtol=1e-10, atol=1e-12)
