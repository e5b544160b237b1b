"""How good predictions are: top-k, mean class accuracy in both conventions, calibration, confidence.

Probabilities are (n, C), labels (n,) class indices. Per instance ("P-I") every clip counts the same; per class
("P-C") every class does.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from camfuse.errors import ConfigError

TOP = (1, 5, 10)
GRID = 10
"""Tuned weights are multiples of 1 / GRID."""
STEPS = 1000
"""Of expectation maximisation: far more than the few weights need."""
CALIBRATION_BINS = 15
WILSON_Z = 1.959963984540054
"""The normal quantile of 95 %."""
LEAST_PROBABILITY = 1e-12
"""A smaller one counts as this, so that one sure mistake does not make every other number meaningless."""


def weighted_mean(probabilities: Mapping[str, Tensor], weights: Sequence[float]) -> Tensor:
    """Return the weighted mean of the heads' probabilities (n, C): the score that a fused model is judged by.

    Parameters
    ----------
    probabilities
        (n, C) of each head, in the order of `weights`.
    weights
        The config's ``evaluate.weights``; only their ratio matters.

    Raises
    ------
    ConfigError
        If a weight is negative or all are 0.
    """
    if min(weights) < 0 or sum(weights) == 0:
        raise ConfigError(f"evaluate.weights: expected numbers of 0 or more, not all 0; found {tuple(weights)}")
    pairs = zip(probabilities.values(), weights, strict=True)
    return torch.stack([values * weight for values, weight in pairs]).sum(0) / sum(weights)


def tuned_weights(probabilities: Mapping[str, Tensor], labels: Tensor) -> tuple[float, ...]:
    """Return the weights, multiples of 0.1 that sum to 1, under which the weighted mean has most labels right.

    Among equals the lower log loss decides, then the weights that are nearer to equal ones, then the order of the
    heads: the same predictions always give the same weights.

    Parameters
    ----------
    probabilities
        (n, C) of each head, of the clips that the weights are chosen on: never those that they are tested on.
    labels
        (n,) of these clips.

    Raises
    ------
    ValueError
        If there are no clips.
    """
    heads, of_label = _stacked(probabilities, labels)

    def worth(parts: tuple[int, ...]) -> tuple[int, float, int]:
        weights = torch.tensor(parts, dtype=torch.float64) / GRID
        hits = torch.tensordot(weights, heads, 1).argmax(1) == labels
        loss = -(weights @ of_label).clamp_min(torch.finfo(torch.float64).tiny).log().mean()
        return int(hits.sum()), -round(float(loss), 9), -sum(part * part for part in parts)

    grid = [parts for parts in product(range(GRID, -1, -1), repeat=len(heads)) if sum(parts) == GRID]
    return tuple(part / GRID for part in max(grid, key=worth))


def likely_weights(probabilities: Mapping[str, Tensor], labels: Tensor) -> tuple[float, ...]:
    """Return the weights, which sum to 1, under which the weighted mean makes the labels most likely.

    The mean is a mixture whose shares are found by expectation maximisation; the likelihood has one maximum, so the
    start does not matter. One clip more is counted that every head knows equally well: a handful of clips then takes
    the weight from no head altogether.

    Parameters
    ----------
    probabilities
        (n, C) of each head, of the clips that the weights are chosen on: never those that they are tested on.
    labels
        (n,) of these clips.

    Raises
    ------
    ValueError
        If there are no clips.
    """
    heads, known = _stacked(probabilities, labels)
    of_label = known.clamp_min(torch.finfo(torch.float32).tiny)
    weights = torch.full((len(heads),), 1 / len(heads), dtype=torch.float64)
    for _ in range(STEPS):
        shares = weights[:, None] * of_label
        weights = ((shares / shares.sum(0)).sum(1) + 1 / len(heads)) / (len(labels) + 1)
    return tuple(round(float(weight), 3) for weight in weights)


def _stacked(probabilities: Mapping[str, Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the H heads' probabilities (H, n, C), and those of the labels (H, n), as float64."""
    if len(labels) == 0:
        raise ValueError("expected predictions of at least one clip to choose weights on, found none")
    heads = torch.stack(list(probabilities.values())).double()
    return heads, heads[:, torch.arange(len(labels)), labels]


def shown_ks(num_classes: int) -> tuple[int, ...]:
    """Return the k of top-k that are worth a number: 1, 5 (all classes where there are fewer), 10 above ten classes."""
    return tuple(sorted({min(k, num_classes) for k in TOP if k < 10 or num_classes > 10}))


def top_k_accuracy(probabilities: Tensor, labels: Tensor, k: int) -> float:
    """Return the share of clips whose label is among the `k` most probable classes (per instance).

    Raises
    ------
    ValueError
        If there are fewer than `k` classes.
    """
    return float(top_k_hits(probabilities, labels, k).mean())


def class_top_k_accuracy(probabilities: Tensor, labels: Tensor, k: int) -> float:
    """Return the mean over the classes that have clips of the share that `top_k_accuracy` gives all clips.

    Raises
    ------
    ValueError
        If there are fewer than `k` classes.
    """
    hits, classes = top_k_hits(probabilities, labels, k), labels.numpy()
    there = np.bincount(classes) > 0
    return float((np.bincount(classes, hits)[there] / np.bincount(classes)[there]).mean())


def top_k_hits(probabilities: Tensor, labels: Tensor, k: int) -> NDArray[np.bool_]:
    """Return (n,) whether each clip's label is among the `k` most probable classes, of equal ones the first.

    So top-1 is what `argmax` says, as `confusion_matrix` and the predictions have it: in 16 bits classes may be equal.

    Raises
    ------
    ValueError
        If there are fewer than `k` classes: the number would not be what its name says.
    """
    num_classes = probabilities.shape[1]
    if k > num_classes:
        raise ValueError(f"expected at least {k} classes for top-{k}, found {num_classes}")
    of_label = probabilities.gather(1, labels[:, None])
    first = torch.arange(num_classes) < labels[:, None]
    before = (probabilities > of_label) | ((probabilities == of_label) & first)
    found: NDArray[np.bool_] = ((before.sum(1) < k) & ~of_label[:, 0].isnan()).numpy()
    return found


def confusion_matrix(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Return (C, C) int64 counts: row = true class, column = most probable class."""
    classes = probabilities.shape[1]
    return torch.bincount(labels * classes + probabilities.argmax(1), minlength=classes**2).view(classes, classes)


def class_accuracy(confusion: Tensor) -> Tensor:
    """Return each class's share of right clips (C,), NaN for a class without clips."""
    return confusion.diagonal() / confusion.sum(1)


def mean_class_accuracy(confusion: Tensor, over: Literal["true", "union"] = "true") -> float:
    """Return the mean of the classes' accuracies.

    Parameters
    ----------
    confusion
        Counts (C, C), row = true class.
    over
        ``true``: the classes that have clips (NLA-SLR). ``union``: also those that only appear among the
        predictions, with accuracy 0 (PYSKL and MMAction2, ``mean_class_accuracy``). They differ only where a
        class has no clip in the split.
    """
    there = confusion.sum(1) > 0
    counted = there if over == "true" else there | (confusion.sum(0) > 0)
    accuracy = torch.where(there, class_accuracy(confusion), 0.0)
    return float(accuracy[counted].mean())


def calibration_error(probabilities: Tensor, labels: Tensor) -> float:
    """Return the expected calibration error: mean of |accuracy - confidence| over 15 equal bins of confidence."""
    sure, found = probabilities.float().max(1)
    bins = torch.bucketize(sure, torch.linspace(0, 1, CALIBRATION_BINS + 1), right=True)
    gaps = torch.zeros(CALIBRATION_BINS + 2, dtype=torch.float64)
    gaps.index_add_(0, bins, (found == labels).double() - sure.double())
    return float(gaps.abs().sum() / len(labels))


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share; 0 to 1 where nothing was tried.

    It holds for a handful of clips too, where resampling them gives no width to a share of 0 or 1.
    Source: Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    if not trials:
        return 0.0, 1.0
    share, spread = hits / trials, WILSON_Z**2 / trials
    centre = share + spread / 2
    half = WILSON_Z * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    return max(0.0, (centre - half) / (1 + spread)), min(1.0, (centre + half) / (1 + spread))


def log_loss(probabilities: Tensor, labels: Tensor) -> float:
    """Return the mean negative log likelihood of the labels."""
    of_label = probabilities.double()[torch.arange(len(labels)), labels]
    return float(-of_label.clamp_min(LEAST_PROBABILITY).log().mean())


def coverage_accuracy(probabilities: Tensor, labels: Tensor) -> float:
    """Return the area under accuracy over coverage: the accuracy of the k surest clips, the mean over all k.

    With all right it is 1; with a confidence that says nothing it is the accuracy.
    """
    sure, found = probabilities.max(1)
    order = torch.argsort(sure, descending=True, stable=True)
    right = (found == labels)[order].double()
    return float((right.cumsum(0) / torch.arange(1, len(right) + 1)).mean())


def auroc(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> float:
    """Return how often a score of `positive` (n,) is above one of `negative` (m,), a tie counting half.

    Raises
    ------
    ValueError
        If one of them is empty.
    """
    if not len(positive) or not len(negative):
        raise ValueError(f"expected scores of both kinds, found {len(positive)} and {len(negative)}")
    ordered = np.sort(negative)
    below, up_to = (np.searchsorted(ordered, positive, side) for side in ("left", "right"))
    return float((below + up_to).mean() / (2 * len(negative)))
