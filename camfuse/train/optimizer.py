"""The recipe's optimizer, how its rate changes, and the average of the weights over the steps."""

import math
from functools import partial

import torch
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import get_ema_multi_avg_fn

from camfuse.config import Phase
from camfuse.model.recogniser import Recogniser

MOMENTUM = 0.9
STEPS_DOWN = (0.6, 0.8)
"""Shares of the training after which `step` divides the rate by ten (RGBPoseConv3D: epochs 12 and 16 of 20)."""


def rate_factor(step: int, total: int, phase: Phase) -> float:
    """Return the factor on the rate at `step` (from 0) of `total` steps.

    It rises linearly over the first ``phase.warmup`` of the steps, reaching 1 with the last of them; then it follows
    half a cosine down to 0 at `total`, or falls to a tenth at 60 % and at 80 % of all steps.
    """
    warm = round(total * phase.warmup)
    if step < warm:
        return (step + 1) / warm
    if phase.schedule == "step":
        return 0.1 ** sum(step >= round(share * total) for share in STEPS_DOWN)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, total - warm))))


def clips_per_step(phase: Phase, devices: int) -> int:
    """Return how many clips one step of the optimizer sees, over all devices."""
    return phase.batch * phase.accumulate * devices


def base_rate(phase: Phase, devices: int) -> float:
    """Return the rate of the whole step: linear in the number of clips that it sees."""
    return phase.rate * clips_per_step(phase, devices) / phase.base_batch


def build_optimizer(model: Recogniser, phase: Phase, *, rate: float, new_rate: float, fused: bool = False) -> Optimizer:
    """Build SGD or AdamW with one group each for (seen before | new) x (weights | norms and biases).

    Parameters
    ----------
    model
        Whose parameters to train.
    phase
        Optimizer and weight decay; norms and biases (all parameters with at most one axis) do not decay.
    rate
        Rate of the parameters that a single-stream training knows; the first group has it.
    new_rate
        Factor on it for ``model.new_parameters()``.
    fused
        One kernel for all parameters, on a GPU.
    """
    new = {id(parameter) for parameter in model.new_parameters()}
    groups = []
    for is_new, factor in ((False, 1.0), (True, new_rate)):
        chosen = [p for p in model.parameters() if p.requires_grad and (id(p) in new) == is_new]
        for decays in (True, False):
            group = [p for p in chosen if (p.ndim > 1) == decays]
            if group:
                groups.append(
                    {"params": group, "lr": rate * factor, "weight_decay": phase.weight_decay if decays else 0.0}
                )
    if phase.optimizer == "sgd":
        return SGD(groups, lr=rate, momentum=MOMENTUM, fused=fused or None)
    return AdamW(groups, lr=rate, fused=fused or None)


def build_schedule(optimizer: Optimizer, phase: Phase, total: int) -> LambdaLR:
    """Build the schedule over `total` steps."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, partial(rate_factor, total=total, phase=phase))


@torch.no_grad()
def update_average(average: Recogniser, model: Recogniser, decay: float, step: int) -> None:
    """Move the averaged weights and running statistics to the model's after `step` (from 0).

    Early steps count more: else the average would hold on to the random weights that it starts from.
    """
    # not torch's `AveragedModel`: it takes the first step's weights whole, averages batch norm's counters too, and
    # waits for the GPU in every step to read how many there were
    pairs = list(zip(average.state_dict().values(), model.state_dict().values(), strict=True))
    floats = [pair for pair in pairs if pair[0].is_floating_point()]
    move = get_ema_multi_avg_fn(min(decay, (1 + step) / (10 + step)))
    move([kept for kept, _ in floats], [new for _, new in floats], step)
    for kept, new in pairs:
        if not kept.is_floating_point():
            kept.copy_(new)
