"""How far probabilities can be trusted: a temperature and a threshold chosen on val, and what they do to a test.

Nothing of the tested clips reaches the choice. Probabilities are (n, C), labels (n,) class indices.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from camfuse.metrics import auroc, calibration_error, coverage_accuracy, log_loss
from camfuse.predict.calibration import Calibration, clips_needed

COLDEST, WARMEST = 0.1, 10.0
"""Between these the temperature is looked for."""
STEPS = 60
"""Of a golden-section search: exact to rounding."""
FEWEST = 10
"""Clips of val below which no temperature is fitted: it would be chance."""


@dataclass(frozen=True)
class Strangers:
    """What became of clips whose words the model was not trained on.

    Attributes
    ----------
    clips
        How many.
    auroc
        How often a clip of a known word is surer than one of these.
    accepted
        Share that passes for a known sign.
    """

    clips: int
    auroc: float
    accepted: float


@dataclass(frozen=True)
class Confidence:
    """What calibration and threshold do to one row of a test.

    Attributes
    ----------
    temperature, threshold, false_accepts
        As `Calibration` has them; a threshold of 0 is none, as val had too few clips to choose one by.
    calibration, loss
        Expected calibration error and log loss of the tested clips, before and after.
    coverage_area
        Area under accuracy over coverage.
    answered
        Share of the tested clips that is sure enough for an answer.
    answered_right
        Accuracy over these; None where there is none.
    strangers
        Of words kept out of training; None where none were.
    """

    temperature: float
    threshold: float
    false_accepts: float
    calibration: tuple[float, float]
    loss: tuple[float, float]
    coverage_area: float
    answered: float
    answered_right: float | None
    strangers: Strangers | None

    @property
    def chosen(self) -> Calibration:
        """The calibration that was measured."""
        return Calibration(self.temperature, self.threshold, self.false_accepts)

    def content(self) -> dict[str, Any]:
        """Return plain values, as ``results.json`` has them."""
        return asdict(self)

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Self:
        """Take it out of plain values; a plain KeyError, TypeError or ValueError where something is amiss."""
        strangers = content["strangers"]
        pairs = {name: (float(content[name][0]), float(content[name][1])) for name in ("calibration", "loss")}
        return cls(**{**content, **pairs, "strangers": strangers and Strangers(**strangers)})


def calibrate(
    probabilities: Tensor, labels: Tensor, *, false_accepts: float, strangers: Tensor | None = None
) -> Calibration:
    """Choose a temperature and a threshold, each where there are clips enough to choose it by.

    A temperature takes `FEWEST` clips; with fewer it stays 1. A threshold takes so many clips that one of them at least
    may pass, 10 where 10 % may, and of known words, which only stand for unknown ones, three times as many. The most
    probable of fewer says nothing of such a share, and what lies above it would keep right answers back by chance; then
    there is none (0), and every sign is a known one.

    Parameters
    ----------
    probabilities, labels
        Of val.
    false_accepts
        The share of unknown signs that may pass for known ones.
    strangers
        Probabilities (m, C) of val clips whose words were not trained. Without any, each val clip stands for one, its
        own word taken out of the answers: what is left is how sure a model is of a sign that it has no answer for.

    Raises
    ------
    ValueError
        If there are no clips.
    """
    if len(labels) == 0:
        raise ValueError("expected predictions of at least one clip to calibrate on, found none")
    plain = Calibration(temperature=_temperature(probabilities, labels) if len(labels) >= FEWEST else 1.0)
    scores = surest(plain, without_own_word(probabilities, labels) if strangers is None else strangers)
    enough = len(scores) >= clips_needed(false_accepts, estimated=strangers is None)
    return Calibration(plain.temperature, least_threshold(scores, false_accepts) if enough else 0.0, false_accepts)


def measure(
    calibration: Calibration, probabilities: Tensor, labels: Tensor, strangers: Tensor | None = None
) -> Confidence:
    """Return what a calibration does to the tested clips, and to those of unknown words where there are any."""
    after = torch.from_numpy(calibration.apply(probabilities.numpy()))
    answered = surest(calibration, probabilities) >= calibration.threshold
    right = (after.argmax(1) == labels).numpy()
    return Confidence(
        temperature=calibration.temperature,
        threshold=calibration.threshold,
        false_accepts=calibration.false_accepts or 0.0,
        calibration=(calibration_error(probabilities, labels), calibration_error(after, labels)),
        loss=(log_loss(probabilities, labels), log_loss(after, labels)),
        coverage_area=coverage_accuracy(after, labels),
        answered=float(answered.mean()),
        answered_right=float(right[answered].mean()) if answered.any() else None,
        strangers=_met(calibration, probabilities, strangers) if strangers is not None and len(strangers) else None,
    )


def _met(calibration: Calibration, known: Tensor, strangers: Tensor) -> Strangers:
    scores = surest(calibration, strangers)
    accepted = float((scores >= calibration.threshold).mean())
    return Strangers(len(scores), auroc(surest(calibration, known), scores), accepted)


def surest(calibration: Calibration, probabilities: Tensor) -> NDArray[np.float32]:
    """Return the calibrated probability (n,) of each clip's best class."""
    best: NDArray[np.float32] = calibration.apply(probabilities.numpy()).max(1)
    return best


def _temperature(probabilities: Tensor, labels: Tensor) -> float:
    """Return the temperature of the greatest likelihood, by golden section over its logarithm.

    The labels are smoothed by one clip's worth (Platt's targets), without which val clips that are all right would
    make the model as sure as it can be.
    """
    clips, classes = probabilities.shape
    doubt = 1 / (clips + 2)
    targets = torch.full_like(probabilities, doubt / classes, dtype=torch.float64)
    targets[torch.arange(clips), labels] += 1 - doubt

    def loss(log_temperature: float) -> float:
        logits = probabilities.double().clamp_min(1e-12).log() / np.exp(log_temperature)
        return float(-(targets * logits.log_softmax(1)).sum(1).mean())

    low, high, share = float(np.log(COLDEST)), float(np.log(WARMEST)), (5**0.5 - 1) / 2
    for _ in range(STEPS):
        left, right = high - share * (high - low), low + share * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return round(float(np.exp((low + high) / 2)), 6)


def without_own_word(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Return (n, C) in which each clip's own word has no share, and the others make up the whole."""
    others = probabilities.double().clone()
    others[torch.arange(len(labels)), labels] = 0
    return others / others.sum(1, keepdim=True).clamp_min(1e-12)


def least_threshold(scores: NDArray[np.floating], share: float) -> float:
    """Return the least threshold that at most `share` of the scores reach, 1 at most."""
    passing = int(share * len(scores))
    highest = np.sort(scores)[::-1]
    return float(min(np.nextafter(np.float32(highest[passing]), np.float32(2)), np.float32(1)))
