"""From probabilities to the numbers of a row of the result table."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from camfuse.evaluate.results import Score
from camfuse.metrics import (
    calibration_error,
    class_top_k_accuracy,
    confusion_matrix,
    mean_class_accuracy,
    shown_ks,
    top_k_accuracy,
    top_k_hits,
    wilson_interval,
)


def score(probabilities: Tensor, labels: Tensor, *, missing: Mapping[int, int] | None = None) -> Score:
    """Return all numbers of one set of predictions.

    Parameters
    ----------
    probabilities
        (n, C) of the tested clips.
    labels
        (n,) class indices.
    missing
        How many clips of each class could not be tested, by class index; they count as wrong in the numbers of all.

    Returns
    -------
    score
        top-1; top-5 and top-10, or what there are classes for (top-3 with three classes).

    Raises
    ------
    ValueError
        If there are no clips.
    """
    if len(labels) == 0:
        raise ValueError("expected predictions of at least one clip, found none")
    confusion = confusion_matrix(probabilities, labels)
    first, *more = shown_ks(probabilities.shape[1])
    top = {k: top_k_accuracy(probabilities, labels, k) for k in (first, *more)}
    class_top = {first: mean_class_accuracy(confusion, "true")}
    class_top |= {k: class_top_k_accuracy(probabilities, labels, k) for k in more}
    counted = _with_missing(probabilities, labels, missing) if missing and any(missing.values()) else (top, class_top)
    return Score(
        clips=len(labels),
        top=top,
        interval=wilson_interval(int(top_k_hits(probabilities, labels, first).sum()), len(labels)),
        class_top=class_top,
        class_accuracy_union=mean_class_accuracy(confusion, "union"),
        calibration=calibration_error(probabilities, labels),
        top_of_all=counted[0],
        class_top_of_all=counted[1],
    )


def _with_missing(
    probabilities: Tensor, labels: Tensor, missing: Mapping[int, int]
) -> tuple[dict[int, float], dict[int, float]]:
    """Return top-k per instance and per class, by k, with the missing clips counted as wrong."""
    classes = labels.numpy()
    size = 1 + max(*missing, int(classes.max()))
    clips = np.bincount(classes, minlength=size)
    clips[list(missing)] += list(missing.values())
    top, class_top = {}, {}
    for k in shown_ks(probabilities.shape[1]):
        right = np.bincount(classes, top_k_hits(probabilities, labels, k), minlength=size)
        top[k] = float(right.sum() / clips.sum())
        class_top[k] = float((right[clips > 0] / clips[clips > 0]).mean())
    return top, class_top
