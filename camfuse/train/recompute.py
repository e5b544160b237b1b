"""Gradient checkpointing: memory for time, without a change of the result (Chen et al., arXiv 1604.06174)."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from camfuse.model.resnet3d import Bottleneck


class RecomputedBottleneck(Bottleneck):
    """A `Bottleneck` that keeps only its input for the backward pass."""

    def forward(self, x: Tensor) -> Tensor:
        """Map as `Bottleneck` does."""
        if not (self.training and torch.is_grad_enabled()):
            return super().forward(x)
        contexts = nullcontext(), _statistics_kept(self)
        result: Tensor = checkpoint(super().forward, x, use_reentrant=False, context_fn=lambda: contexts)
        return result


@contextmanager
def _statistics_kept(block: nn.Module) -> Iterator[None]:
    """Let batch norm see the batch a second time without counting it twice."""
    norms = [module for module in block.modules() if isinstance(module, _BatchNorm)]
    counts = [norm.num_batches_tracked for norm in norms if norm.num_batches_tracked is not None]
    momenta, before = [norm.momentum for norm in norms], [count.clone() for count in counts]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for count, value in zip(counts, before, strict=True):
            count.copy_(value)


def recompute_blocks(model: nn.Module) -> None:
    """Let every block of the streams forget its activations; parameters and their names stay."""
    for module in model.modules():
        if type(module) is Bottleneck:
            module.__class__ = RecomputedBottleneck
