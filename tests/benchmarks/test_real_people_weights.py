"""Weights of late fusion from a handful of clips."""

import numpy as np
import pytest

pytest.importorskip("torch")
from benchmarks.real_people_answers import Answer
from benchmarks.real_people_weights import compared, together


def made(variant: str, probabilities: np.ndarray, group: str = "a") -> Answer:
    labels = np.arange(40) % 4
    return Answer("s", group, 1, variant, variant, tuple(range(40)), labels, {variant: probabilities}, {})


@pytest.mark.slow
def test_a_head_that_is_surely_wrong_loses_its_weight() -> None:
    labels = np.arange(40) % 4
    good = np.full((40, 4), 0.15)
    good[np.arange(40), labels] = 0.55
    wrong = np.full((40, 4), 0.01)
    wrong[np.arange(40), (labels + 1) % 4] = 0.97
    equal, likely = compared([made("good", good), made("wrong", wrong)], 8)
    assert (equal, likely) == (0, 1)


def test_only_folds_that_all_streams_have_answered_count() -> None:
    flat = np.full((40, 4), 0.25)
    found = together([made("y", flat), made("x", flat), made("x", flat, "b")], ["x", "y"])
    assert {place: [one.variant for one in some] for place, some in found.items()} == {("s", "a", 1): ["x", "y"]}
