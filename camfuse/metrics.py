"""How good predictions are: top-k, mean class accuracy in both conventions, calibration, confidence.

Probabilities are (n, C), labels (n,) class indices. Per instance ("P-I") every clip counts the same; per class
("P-C") every class does.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_calibration_error,
    multiclass_confusion_matrix,
)

from camfuse.errors import ConfigError

TOP = (1, 5, 10)
CALIBRATION_BINS = 15
CONFIDENCE = 0.95
RESAMPLES = 10_000


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


def shown_ks(num_classes: int) -> tuple[int, ...]:
    """Return the k of top-k that are worth a number: 1, 5 (all classes where there are fewer), 10 above ten classes."""
    return tuple(sorted({min(k, num_classes) for k in TOP if k < 10 or num_classes > 10}))


def top_k_accuracy(probabilities: Tensor, labels: Tensor, k: int) -> float:
    """Return the share of clips whose label is among the `k` most probable classes.

    Raises
    ------
    ValueError
        If there are fewer than `k` classes: the number would not be what its name says.
    """
    num_classes = probabilities.shape[1]
    if k > num_classes:
        raise ValueError(f"expected at least {k} classes for top-{k}, found {num_classes}")
    return float(multiclass_accuracy(probabilities, labels, num_classes, top_k=k, average="micro"))


def confusion_matrix(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Return (C, C) int64 counts: row = true class, column = most probable class."""
    counts: Tensor = multiclass_confusion_matrix(probabilities, labels, probabilities.shape[1])
    return counts


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
    classes = probabilities.shape[1]
    return float(multiclass_calibration_error(probabilities, labels, classes, n_bins=CALIBRATION_BINS, norm="l1"))


def bootstrap_interval(hits: NDArray[np.bool_], seed: int) -> tuple[float, float]:
    """Return the 95 % interval of the share of hits under resampling of the clips.

    Drawing n clips with replacement and counting the hits is drawing a binomial number with the observed share,
    so no clip needs to be drawn.
    """
    shares = np.random.default_rng(seed).binomial(len(hits), hits.mean(), RESAMPLES) / len(hits)
    low, high = np.quantile(shares, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]).tolist()
    return low, high


def score(probabilities: Tensor, labels: Tensor, *, seed: int) -> dict[str, float]:
    """Return all numbers of one set of predictions.

    Returns
    -------
    dict
        ``n``; ``top1``, ``top1_low``, ``top1_high`` (95 % interval over clips); ``top5`` and ``top10``, or what
        there are classes for (``top3`` with three classes); ``mean_class_accuracy`` over the classes that have
        clips; ``mean_class_accuracy_union`` over those and the predicted ones; ``ece``. All but `n` in 0..1.
    """
    if len(labels) == 0:
        raise ValueError("expected predictions of at least one clip, found none")
    confusion = confusion_matrix(probabilities, labels)
    hits = (probabilities.argmax(1) == labels).numpy()
    low, high = bootstrap_interval(hits, seed)
    first, *more = shown_ks(probabilities.shape[1])
    return {
        "n": len(labels),
        f"top{first}": top_k_accuracy(probabilities, labels, first),
        f"top{first}_low": low,
        f"top{first}_high": high,
        **{f"top{k}": top_k_accuracy(probabilities, labels, k) for k in more},
        "mean_class_accuracy": mean_class_accuracy(confusion, "true"),
        "mean_class_accuracy_union": mean_class_accuracy(confusion, "union"),
        "ece": calibration_error(probabilities, labels),
    }
