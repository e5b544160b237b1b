"""Training in several processes: how they start, and batch norm over all their clips."""

import os
from typing import Any

import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from pytorch_lightning.plugins import LayerSync, TorchSyncBatchNorm
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor, distributed, nn

from camfuse.config import Machine
from camfuse.model.layers import BatchNorm3d


def world_size(machine: Machine) -> int:
    """Return the number of processes that train together."""
    return machine.devices * machine.nodes


def is_first() -> bool:
    """Return whether this is the process that writes and speaks."""
    return int(getattr(rank_zero_only, "rank", 0)) == 0


def strategy(machine: Machine) -> DDPStrategy | str:
    """Return how Lightning trains: one process as ever, several with the gradient averaged over them (DDP)."""
    if world_size(machine) == 1:
        return "auto"
    # buffers need no broadcast where batch norm is synchronised, and validation has no step in common to do it in
    return DDPStrategy(broadcast_buffers=False)


def plugins(machine: Machine, device: str) -> list[Any]:
    """Return what Lightning needs to know about the processes."""
    found: list[Any] = []
    if world_size(machine) > 1:
        found.append(TorchSyncBatchNorm() if device == "cuda" else CpuBatchNormSync())
    started = TorchElasticEnvironment.detect() or int(os.environ.get("SLURM_NTASKS", "1")) > 1
    if machine.nodes == 1 and not started:
        # Snakemake submits one task a job: Lightning must not take a Slurm job's variables for a launch by srun
        found.append(LightningEnvironment())
    return found


class _Total(torch.autograd.Function):
    """Sum over the processes; the gradient is the sum of theirs.

    ``torch.distributed.nn.all_reduce`` is the same, but deprecated since torch 2.13; what it points to is private.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


def _total(x: Tensor) -> Tensor:
    result: Tensor = _Total.apply(x)  # type: ignore[no-untyped-call]
    return result


class SyncedBatchNorm3d(BatchNorm3d):
    """Batch norm over the clips of all processes, for CPUs: torch's own `SyncBatchNorm` is for GPUs only."""

    def forward(self, input: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to the same shape."""
        if not self.training:
            return super().forward(input)
        axes, shape = (0, 2, 3, 4), (1, -1, 1, 1, 1)
        count = distributed.get_world_size() * input.numel() // input.shape[1]  # every process has as many clips
        mean = _total(input.sum(axes)) / count
        centred = input - mean.view(shape)
        variance = _total(centred.square().sum(axes)) / count
        self._follow(mean.detach(), variance.detach() * count / (count - 1))
        return centred * (self.weight * (variance + self.eps).rsqrt()).view(shape) + self.bias.view(shape)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
        self.running_mean.lerp_(mean, self.momentum or 0.0)
        self.running_var.lerp_(variance, self.momentum or 0.0)
        self.num_batches_tracked += 1


class CpuBatchNormSync(LayerSync):
    """Lightning's hook that synchronises batch norm, for CPUs."""

    def apply(self, model: nn.Module) -> nn.Module:
        """Synchronise."""
        return _exchange(model, BatchNorm3d, SyncedBatchNorm3d)

    def revert(self, model: nn.Module) -> nn.Module:
        """Undo `apply`."""
        return _exchange(model, SyncedBatchNorm3d, BatchNorm3d)


def _exchange(model: nn.Module, old: type[nn.Module], new: type[nn.Module]) -> nn.Module:
    for module in model.modules():
        if type(module) is old:
            module.__class__ = new
    return model
