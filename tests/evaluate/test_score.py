import pytest
import torch

from camfuse.evaluate.score import score
from camfuse.metrics import wilson_interval

# Four clips of classes 0, 0, 1, 2 of four; the last is taken for class 3, which has no clip.
PROBABILITIES = torch.tensor(
    [
        [0.7, 0.2, 0.1, 0.0],  # 0: right
        [0.3, 0.4, 0.2, 0.1],  # 0: second
        [0.1, 0.8, 0.1, 0.0],  # 1: right
        [0.2, 0.3, 0.1, 0.4],  # 2: last
    ]
)
LABELS = torch.tensor([0, 0, 1, 2])


def test_score_names_what_it_measured() -> None:
    numbers = score(PROBABILITIES, LABELS).numbers()
    assert numbers["n"] == 4
    assert numbers["top1"] == 0.5
    assert numbers["top4"] == 1.0
    assert "top5" not in numbers
    assert (numbers["top1_low"], numbers["top1_high"]) == pytest.approx(wilson_interval(2, 4))


def test_all_right_of_few_clips_is_not_certainty() -> None:
    """By hand, 4 of 4: Wilson's lower end is 1 / (1 + z^2 / 4) = 0.5101."""
    found = score(torch.eye(4), torch.arange(4))
    assert found.interval == pytest.approx((0.5101, 1.0), abs=1e-4)


def test_score_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one clip"):
        score(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long))


def test_without_missing_clips_both_scores_are_one() -> None:
    found = score(PROBABILITIES, LABELS, missing={})
    assert (found.top_of_all, found.class_top_of_all) == (found.top, found.class_top)


def test_missing_clips_count_as_wrong() -> None:
    """Two clips of class 1 and one of class 3 are missing: 2 of 7 are right; by class 1/2, 1/3, 0/1, 0/1."""
    found = score(PROBABILITIES, LABELS, missing={1: 2, 3: 1})
    assert found.clips == 4 and found.top[1] == 0.5
    assert found.top_of_all[1] == pytest.approx(2 / 7)
    assert found.top_of_all[4] == pytest.approx(4 / 7)
    assert found.class_top_of_all[1] == pytest.approx((1 / 2 + 1 / 3 + 0 + 0) / 4)
