"""Accuracy by confidence and by coverage, by hand."""

import pytest
import torch

from camfuse.evaluate.reliability import MOST_POINTS, Reliability, measure_reliability
from camfuse.metrics import calibration_error
from camfuse.predict.calibration import Calibration

PROBABILITIES = torch.tensor([[0.9, 0.1], [0.92, 0.08], [0.6, 0.4], [0.3, 0.7]])
LABELS = torch.tensor([0, 1, 0, 1])


def measured(calibration: Calibration | None = None) -> Reliability:
    found = measure_reliability({"rgb": PROBABILITIES}, LABELS, {"rgb": calibration} if calibration else {})
    return found["rgb"]


def test_by_hand() -> None:
    found = measured()
    assert [one.clips for one in found.before] == [1, 1, 2] and found.after == ()
    assert [one.accuracy for one in found.before] == [1, 1, 0.5]
    assert found.coverage == ((0.25, 0), (0.5, 0.5), (0.75, pytest.approx(2 / 3, abs=1e-6)), (1, 0.75))
    assert Reliability.parse(found.content()) == found


def test_the_bins_are_those_of_the_calibration_error() -> None:
    rows = torch.rand(500, 4, generator=torch.Generator().manual_seed(0)).softmax(1)
    labels = torch.arange(500) % 4
    found = measure_reliability({"rgb": rows}, labels, {})["rgb"].before
    error = sum(one.clips * abs(one.confidence - one.accuracy) for one in found) / 500
    assert error == pytest.approx(calibration_error(rows, labels), abs=1e-5)


def test_a_temperature_moves_confidence_not_accuracy() -> None:
    found = measured(Calibration(2.0))
    assert max(one.confidence for one in found.after) < max(one.confidence for one in found.before)
    assert sum(one.clips * one.accuracy for one in found.after) == pytest.approx(3)


def test_equally_sure_clips_are_answered_together_and_points_are_few() -> None:
    same = measure_reliability({"rgb": torch.full((6, 2), 0.5)}, torch.tensor([0, 0, 0, 1, 1, 1]), {})["rgb"]
    assert same.coverage == ((1.0, 0.5),)
    many = torch.rand(5000, 2, generator=torch.Generator().manual_seed(1)).softmax(1)
    assert len(measure_reliability({"rgb": many}, torch.zeros(5000).long(), {})["rgb"].coverage) <= MOST_POINTS
