"""Calibration and "no known sign": worked by hand, and on draws whose answer is known."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from camfuse.evaluate.confidence import COLDEST, FEWEST, Confidence, Strangers, calibrate, measure
from camfuse.predict.calibration import Calibration


def drawn(clips: int, temperature: float, *, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return probabilities that are sharper by `temperature` than the labels, which are drawn, deserve."""
    rng = np.random.default_rng(seed)
    true = rng.dirichlet([0.4] * 5, clips)
    labels = np.array([rng.choice(5, p=p) for p in true])
    sharp = torch.from_numpy(true).clamp_min(1e-12).log() * temperature
    return sharp.softmax(1).float(), torch.from_numpy(labels)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_was_put_in_is_found(temperature: float) -> None:
    found = calibrate(*drawn(4000, temperature), false_accepts=0.1)
    assert found.temperature == pytest.approx(temperature, rel=0.05)
    assert found.false_accepts == 0.1


def test_calibration_makes_the_tested_clips_better_calibrated_and_no_answer_another() -> None:
    calibration = calibrate(*drawn(500, 3.0), false_accepts=0.2)
    probabilities, labels = drawn(500, 3.0, seed=1)
    found = measure(calibration, probabilities, labels)
    assert found.calibration[1] < found.calibration[0] / 2
    assert found.loss[1] < found.loss[0]
    assert (calibration.apply(probabilities.numpy()).argmax(1) == probabilities.numpy().argmax(1)).all()
    assert found.strangers is None


def test_a_val_that_is_all_right_does_not_make_the_model_sure_of_everything() -> None:
    probabilities = torch.full((12, 3), 0.15)
    probabilities[torch.arange(12), torch.arange(12) % 3] = 0.7
    found = calibrate(probabilities, torch.arange(12) % 3, false_accepts=0.1)
    assert found.temperature > COLDEST
    assert 0.85 < found.apply(probabilities.numpy()).max() < 0.97


def test_the_threshold_lets_the_stated_share_of_strangers_pass() -> None:
    probabilities, labels = drawn(100, 1.0)
    strangers = torch.stack([torch.linspace(0.51, 0.99, 20), 1 - torch.linspace(0.51, 0.99, 20)], 1)
    strangers = torch.cat([strangers, torch.zeros(20, 3)], 1)
    chosen = calibrate(probabilities, labels, false_accepts=0.25, strangers=strangers)
    assert sum(chosen.known(row) for row in chosen.apply(strangers.numpy())) == 5
    none = calibrate(probabilities, labels, false_accepts=0.01, strangers=strangers.repeat(5, 1))
    assert not any(none.known(row) for row in none.apply(strangers.numpy()))


def test_without_strangers_each_clip_stands_for_one_without_its_word() -> None:
    probabilities = torch.tensor([[0.8, 0.15, 0.05], [0.6, 0.3, 0.1], [0.5, 0.25, 0.25]])
    chosen = calibrate(probabilities.repeat(3, 1), torch.zeros(9, dtype=torch.int64), false_accepts=0.34)
    plain = replace(chosen, threshold=0.0)
    others = plain.apply(np.array([[0.0, 0.75, 0.25]] * 2))[0, 1]  # the surest two are as sure of another word
    assert chosen.threshold == pytest.approx(others, abs=1e-5)
    assert chosen.threshold >= others


@pytest.mark.parametrize(
    ("clips", "share"), [(3, 0.1), (9, 0.1), (10, 0.1), (3, 0.3), (4, 0.3), (199, 0.005), (200, 0.005)]
)
def test_too_few_clips_choose_no_threshold(clips: int, share: float) -> None:
    """A threshold takes so many that one of them may pass, of known words three; below that every sign is known."""
    probabilities, labels = drawn(clips, 1.0)
    enough = clips * share >= 1
    by_strangers = calibrate(*drawn(300, 1.0), false_accepts=share, strangers=probabilities)
    by_known = calibrate(probabilities, labels, false_accepts=share)
    by_more = calibrate(probabilities.repeat(3, 1), labels.repeat(3), false_accepts=share)
    assert (by_strangers.threshold > 0, by_known.threshold > 0, by_more.threshold > 0) == (enough, False, enough)
    assert by_known.false_accepts == share
    if not enough:
        found = measure(by_known, probabilities, labels)
        assert (found.threshold, found.answered) == (0.0, 1.0)
        assert found.answered_right == float((probabilities.argmax(1) == labels).double().mean())


@pytest.mark.parametrize("clips", [1, FEWEST - 1])
def test_too_few_clips_leave_the_probabilities_as_they_are(clips: int) -> None:
    assert calibrate(*drawn(clips, 3.0), false_accepts=0.1).temperature == 1
    assert calibrate(*drawn(FEWEST, 3.0), false_accepts=0.1).temperature != 1


def test_what_became_of_the_tested_clips_by_hand() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    labels = torch.tensor([0, 1, 1, 0])
    strangers = torch.tensor([[0.75, 0.25], [0.5, 0.5]])
    found = measure(Calibration(1.0, 0.72, 0.1), probabilities, labels, strangers)
    assert found.answered == 0.5
    assert found.answered_right == 0.5
    assert found.coverage_area == pytest.approx((1 + 1 / 2 + 2 / 3 + 3 / 4) / 4)
    # 0.75 is below two of four, 0.5 below all
    assert found.strangers == Strangers(2, (2 + 4) / 8, 0.5)
    assert found.loss[0] == pytest.approx(-np.log([0.9, 0.2, 0.7, 0.6]).mean(), rel=1e-5)
    nobody = measure(Calibration(1.0, 1.0, 0.1), probabilities, labels, strangers[:0])
    assert (nobody.answered, nobody.answered_right, nobody.strangers) == (0.0, None, None)


def test_no_clip_is_no_calibration() -> None:
    with pytest.raises(ValueError, match="at least one clip to calibrate on"):
        calibrate(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), false_accepts=0.1)


def test_it_is_the_same_after_a_file() -> None:
    probabilities, labels = drawn(30, 2.0)
    for strangers in (None, probabilities[:5]):
        found = measure(calibrate(probabilities, labels, false_accepts=0.1), probabilities, labels, strangers)
        assert Confidence.parse(json.loads(json.dumps(found.content()))) == found


def test_given_tensors_stay() -> None:
    probabilities, labels = drawn(30, 2.0)
    probabilities = probabilities.double()
    before = probabilities.clone()
    calibrate(probabilities, labels, false_accepts=0.1)
    assert torch.equal(probabilities, before)
