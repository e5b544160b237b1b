"""Loss and top-1 of an epoch, over all processes."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

Numbers = dict[str, dict[str, float]]
"""Per head: loss in nats and top1, 0..1."""
Reduce = Callable[[Tensor], Tensor]
"""Adds up (`TrainMeter`), or takes the largest of (`ValMeter`), each number over the processes."""


class TrainMeter(nn.Module):
    """Means over the samples of an epoch, whichever process saw them.

    Parameters
    ----------
    heads
        Their names.

    Attributes
    ----------
    sums
        (heads, 3) float64: loss, right ones and samples, of this process.
    """

    if TYPE_CHECKING:
        sums: Tensor

    def __init__(self, heads: tuple[str, ...]) -> None:
        super().__init__()
        self._heads = heads
        self.register_buffer("sums", torch.zeros(len(heads), 3, dtype=torch.float64), persistent=False)

    def add(self, log_probabilities: Mapping[str, Tensor], labels: Tensor) -> None:
        """Count a batch of log-probabilities (B, C) per head."""
        loss, right = _measure([log_probabilities[head] for head in self._heads], labels)
        self.sums += torch.stack([loss.sum(1), right.sum(1), torch.full_like(loss[:, 0], len(labels))], 1)

    def take(self, add_up: Reduce) -> Numbers:
        """Return the means, and start over."""
        sums = add_up(self.sums.clone())
        self.sums.zero_()
        means = (sums[:, :2] / sums[:, 2:]).tolist()
        return {head: {"loss": loss, "top1": top1} for head, (loss, top1) in zip(self._heads, means, strict=True)}


class ValMeter(nn.Module):
    """Means over the clips of the validation; a clip that two processes saw counts once.

    Parameters
    ----------
    heads
        Their names.
    clips
        How many there are.

    Attributes
    ----------
    found
        (clips, heads, 2) float64: loss and right (0 or 1); -1 where this process has not seen the clip.
    """

    if TYPE_CHECKING:
        found: Tensor

    def __init__(self, heads: tuple[str, ...], clips: int) -> None:
        super().__init__()
        self._heads = heads
        self.register_buffer("found", torch.full((clips, len(heads), 2), -1, dtype=torch.float64), persistent=False)

    def add(self, log_probabilities: Mapping[str, Tensor], labels: Tensor, index: Tensor) -> None:
        """Note a batch of log-probabilities (B, C) per head, of clips `index`."""
        measured = _measure([log_probabilities[head] for head in self._heads], labels)
        self.found[index] = torch.stack(measured, 2).transpose(0, 1)

    def take(self, largest: Reduce) -> Numbers:
        """Return the means, and start over."""
        means = largest(self.found.clone()).mean(0).tolist()
        self.found.fill_(-1)
        return {head: {"loss": loss, "top1": top1} for head, (loss, top1) in zip(self._heads, means, strict=True)}


def _measure(log_probabilities: list[Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return loss and right (0 or 1), each (heads, B) float64."""
    loss = [functional.nll_loss(values, labels, reduction="none") for values in log_probabilities]
    right = [values.argmax(1) == labels for values in log_probabilities]
    return torch.stack(loss).double(), torch.stack(right).double()
