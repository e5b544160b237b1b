"""Two curves of how far probabilities can be trusted: accuracy by confidence, and accuracy by how many are answered.

Probabilities are (n, C), labels (n,) class indices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from camfuse.metrics import CALIBRATION_BINS
from camfuse.predict.calibration import Calibration

MOST_POINTS = 200
"""Of the curve of coverage: finer than a screen shows it."""


@dataclass(frozen=True)
class Bin:
    """The clips whose confidence is in one bin.

    Attributes
    ----------
    clips
        How many.
    confidence, accuracy
        The mean of their best class's probability, and the share that is right.
    """

    clips: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Reliability:
    """How far one row of a test can be trusted.

    Attributes
    ----------
    before, after
        Bins of equal width of the confidence (those without clips left out), before the temperature and after it; after
        is empty where nothing was calibrated.
    coverage
        Pairs (share answered, accuracy of these) of the k surest clips, from the fewest to all; clips that are equally
        sure are answered together.
    """

    before: Sequence[Bin]
    after: Sequence[Bin]
    coverage: Sequence[tuple[float, float]]

    def content(self) -> dict[str, Any]:
        """Return plain values, as ``results.json`` has them."""
        return asdict(self)

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Self:
        """Take it out of plain values; a plain KeyError, TypeError or ValueError where something is amiss."""
        before, after = (tuple(Bin(**one) for one in content[name]) for name in ("before", "after"))
        pairs = tuple((float(share), float(accuracy)) for share, accuracy in content["coverage"])
        return cls(before, after, pairs)


def measure_reliability(
    rows: Mapping[str, Tensor], labels: Tensor, calibrations: Mapping[str, Calibration]
) -> dict[str, Reliability]:
    """Return both curves of the tested clips, by row of the result table.

    Without a calibration the curve of coverage is of the plain probabilities. The temperature does change which clips
    are the surest: it acts on all classes' probabilities, not on the best one's.
    """
    return {name: _measure(values, labels, calibrations.get(name)) for name, values in rows.items()}


def _measure(probabilities: Tensor, labels: Tensor, calibration: Calibration | None) -> Reliability:
    plain, truth = probabilities.numpy(), labels.numpy()
    calibrated = None if calibration is None else calibration.apply(plain)
    return Reliability(
        before=bins(plain, truth),
        after=() if calibrated is None else bins(calibrated, truth),
        coverage=coverage_curve(plain if calibrated is None else calibrated, truth),
    )


def bins(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> tuple[Bin, ...]:
    """Sort the clips into the bins that the expected calibration error is made of."""
    sure, right = probabilities.max(1), probabilities.argmax(1) == labels
    number = np.clip(np.ceil(sure * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    return tuple(
        Bin(int(own.sum()), round(float(sure[own].mean()), 6), round(float(right[own].mean()), 6))
        for own in (number == which for which in range(CALIBRATION_BINS))
        if own.any()
    )


def coverage_curve(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> tuple[tuple[float, float], ...]:
    """Return at most `MOST_POINTS` pairs (share answered, accuracy of these), the surest first."""
    sure, right = probabilities.max(1), probabilities.argmax(1) == labels
    order = np.argsort(-sure, kind="stable")
    last = np.flatnonzero(np.append(np.diff(sure[order]) != 0, True))  # of clips that are equally sure
    kept = np.unique(last[np.linspace(0, len(last) - 1, min(MOST_POINTS, len(last))).round().astype(int)])
    accuracy = right[order].cumsum()[kept] / (kept + 1)
    return tuple(
        (round(float(share), 6), round(float(value), 6))
        for share, value in zip((kept + 1) / len(sure), accuracy, strict=True)
    )
