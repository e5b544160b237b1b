"""Mixup: each clip with another one of its batch, all streams with the same one, labels likewise.

Source: Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018; one share per batch as MMAction2 has it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from camfuse.data.dataset import Sample


@dataclass(frozen=True)
class Mixed:
    """A mixed batch.

    Attributes
    ----------
    batch
        Images and heatmaps as float32 0..255; ``label`` is that of each clip's larger part.
    other
        (B,) label of the smaller part.
    share
        Of the larger part, 0.5..1.
    """

    batch: Sample
    other: Tensor
    share: float


def mix_clips(batch: Sample, alpha: float, rng: np.random.Generator) -> Mixed:
    """Mix clips (B, ...) with a permutation of themselves; the share is drawn from Beta(alpha, alpha)."""
    drawn = float(rng.beta(alpha, alpha))
    share = max(drawn, 1 - drawn)  # the same mixtures, named by their larger part
    partner = torch.from_numpy(rng.permutation(len(batch["label"]))).to(batch["label"].device)
    mixed = Sample(label=batch["label"], index=batch["index"])
    if "rgb" in batch:
        mixed["rgb"] = _mix(batch["rgb"], partner, share)
    if "heatmaps" in batch:
        mixed["heatmaps"] = _mix(batch["heatmaps"], partner, share)
    if "sequence" in batch:
        mixed["sequence"] = _mix(batch["sequence"], partner, share)
    return Mixed(mixed, batch["label"][partner], share)


def _mix(x: Tensor, partner: Tensor, share: float) -> Tensor:
    x = x.float()
    return x[partner].lerp_(x, share)
