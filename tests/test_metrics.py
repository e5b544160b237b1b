from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_calibration_error,
    multiclass_confusion_matrix,
)

from camfuse.errors import ConfigError
from camfuse.metrics import (
    auroc,
    calibration_error,
    class_accuracy,
    class_top_k_accuracy,
    confusion_matrix,
    coverage_accuracy,
    likely_weights,
    log_loss,
    mean_class_accuracy,
    shown_ks,
    top_k_accuracy,
    top_k_hits,
    tuned_weights,
    weighted_mean,
    wilson_interval,
)

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


@pytest.mark.parametrize(("k", "expected"), [(1, 2 / 4), (2, 3 / 4), (3, 3 / 4), (4, 1.0)])
def test_top_k_by_hand(k: int, expected: float) -> None:
    assert top_k_accuracy(PROBABILITIES, LABELS, k) == pytest.approx(expected)


@pytest.mark.parametrize(("k", "expected"), [(1, 0.5), (2, 2 / 3), (3, 2 / 3), (4, 1.0)])
def test_top_k_per_class_by_hand(k: int, expected: float) -> None:
    # class 0: 1 of 2, then 2 of 2; class 1: always; class 2: only among all four; class 3 has no clip
    assert class_top_k_accuracy(PROBABILITIES, LABELS, k) == pytest.approx(expected)


def test_top_k_is_that_of_torchmetrics() -> None:
    generator = torch.Generator().manual_seed(1)
    probabilities = torch.rand(60, 20, generator=generator).softmax(1)
    labels = torch.arange(60) % 20  # each class has clips, so that both conventions agree
    for k in (1, 5, 10):
        peer = multiclass_accuracy(probabilities, labels, 20, top_k=k, average="micro")
        assert top_k_accuracy(probabilities, labels, k) == pytest.approx(float(peer))
        peer = multiclass_accuracy(probabilities, labels, 20, top_k=k, average="macro")
        assert class_top_k_accuracy(probabilities, labels, k) == pytest.approx(float(peer))


def test_top_k_refuses_more_than_there_are_classes() -> None:
    with pytest.raises(ValueError, match="at least 5 classes for top-5, found 4"):
        top_k_accuracy(PROBABILITIES, LABELS, 5)


def test_confusion_rows_are_true_classes() -> None:
    expected = [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert confusion_matrix(PROBABILITIES, LABELS).tolist() == expected


def test_mean_class_accuracy_in_both_conventions() -> None:
    confusion = confusion_matrix(PROBABILITIES, LABELS)
    # class 0: 1/2, class 1: 1/1, class 2: 0/1; class 3 has no clip but was predicted once
    assert mean_class_accuracy(confusion, "true") == pytest.approx((0.5 + 1 + 0) / 3)
    assert mean_class_accuracy(confusion, "union") == pytest.approx((0.5 + 1 + 0 + 0) / 4)
    assert class_accuracy(confusion)[:3].tolist() == [0.5, 1.0, 0.0]
    assert class_accuracy(confusion)[3].isnan()


def test_union_convention_is_that_of_torchmetrics() -> None:
    generator = torch.Generator().manual_seed(0)
    probabilities = torch.rand(50, 30, generator=generator).softmax(1)
    labels = torch.randint(0, 20, (50,), generator=generator)
    peer = multiclass_accuracy(probabilities, labels, 30, average="macro")
    assert mean_class_accuracy(confusion_matrix(probabilities, labels), "union") == pytest.approx(float(peer))


def test_calibration_by_hand() -> None:
    # two clips at confidence 0.9, one right: |0.5 - 0.9|; two at 0.6, both right: |1 - 0.6|
    probabilities = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    assert calibration_error(probabilities, torch.tensor([0, 1, 0, 0])) == pytest.approx(0.4, abs=1e-6)


@pytest.mark.parametrize(("clips", "classes"), [(1, 2), (32, 8), (500, 60), (3000, 2000)])
def test_calibration_and_confusion_are_those_of_torchmetrics(clips: int, classes: int) -> None:
    generator = torch.Generator().manual_seed(clips)
    labels = torch.randint(0, classes, (clips,), generator=generator)
    scores = 3 * torch.randn(clips, classes, generator=generator) + 4 * functional.one_hot(labels, classes)
    probabilities = scores.softmax(1)
    probabilities[0] = functional.one_hot(labels[0], classes)  # a confidence of 1, the last edge
    peer = multiclass_calibration_error(probabilities, labels, classes, n_bins=15, norm="l1")
    assert calibration_error(probabilities, labels) == pytest.approx(float(peer), abs=1e-6)
    expected = multiclass_confusion_matrix(probabilities, labels, classes)
    assert torch.equal(confusion_matrix(probabilities, labels), expected)


@pytest.mark.parametrize(
    ("classes", "ks"), [(2, (1, 2)), (3, (1, 3)), (5, (1, 5)), (10, (1, 5)), (11, (1, 5, 10)), (2000, (1, 5, 10))]
)
def test_fewer_classes_than_k(classes: int, ks: tuple[int, ...]) -> None:
    assert shown_ks(classes) == ks


def test_of_equal_classes_the_first_counts_everywhere() -> None:
    probabilities = torch.tensor([[0.1, 0.3, 0.3, 0.3], [0.25] * 4, [0.0, 0.0, 1.0, 0.0]])
    labels = torch.tensor([2, 0, 3])
    hits = {k: top_k_hits(probabilities, labels, k).tolist() for k in range(1, 5)}
    assert hits[1] == (probabilities.argmax(1) == labels).tolist() == [False, True, False]
    assert (hits[2], hits[3], hits[4]) == ([True, True, False], [True, True, False], [True, True, True])
    assert float(confusion_matrix(probabilities, labels).diagonal().sum()) == sum(hits[1])
    assert not top_k_hits(torch.full((1, 4), torch.nan), labels[:1], 4).any()  # no number is no answer


def test_interval_against_the_normal_approximation() -> None:
    low, high = wilson_interval(700, 1000)
    half = 1.96 * (0.7 * 0.3 / 1000) ** 0.5
    assert low == pytest.approx(0.7 - half, abs=0.003)
    assert high == pytest.approx(0.7 + half, abs=0.003)


@given(st.integers(2, 12), st.integers(1, 30), st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_bounds(classes: int, n: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    probabilities = torch.randn(n, classes, generator=generator).softmax(1)
    labels = torch.randint(0, classes, (n,), generator=generator)
    accuracies = [top_k_accuracy(probabilities, labels, k) for k in range(1, classes + 1)]
    assert accuracies == sorted(accuracies)
    assert accuracies[-1] == 1
    confusion = confusion_matrix(probabilities, labels)
    assert confusion.sum() == n
    assert mean_class_accuracy(confusion, "union") <= mean_class_accuracy(confusion, "true") + 1e-6


def test_weighted_mean_by_hand() -> None:
    heads = {"rgb": torch.tensor([[1.0, 0.0]]), "pose": torch.tensor([[0.0, 1.0]]), "joint": torch.tensor([[0.5, 0.5]])}
    assert weighted_mean(heads, (2, 1, 1)).tolist() == [[0.625, 0.375]]
    assert weighted_mean(heads, (1, 0, 0)).tolist() == [[1.0, 0.0]]


def test_tuned_weights_by_hand() -> None:
    """Of 2 clips rgb knows one, pose the other; joint is always wrong: the two alike, and nothing of joint."""
    heads = {
        "rgb": torch.tensor([[0.9, 0.1], [0.6, 0.4]]),
        "pose": torch.tensor([[0.6, 0.4], [0.1, 0.9]]).flip(0).flip(1),
        "joint": torch.tensor([[0.0, 1.0], [1.0, 0.0]]),
    }
    labels = torch.tensor([0, 1])
    heads["pose"] = torch.tensor([[0.4, 0.6], [0.1, 0.9]])
    assert tuned_weights(heads, labels) == (0.5, 0.5, 0.0)
    assert tuned_weights(dict.fromkeys("abc", heads["rgb"]), labels) == (0.4, 0.3, 0.3)


def test_tuned_weights_are_never_worse_on_their_own_clips() -> None:
    generator = torch.Generator().manual_seed(5)
    labels = torch.randint(0, 6, (40,), generator=generator)
    heads = {name: torch.randn(40, 6, generator=generator).softmax(1) for name in ("rgb", "pose", "joint")}
    chosen = top_k_accuracy(weighted_mean(heads, tuned_weights(heads, labels)), labels, 1)
    for weights in ((1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 1, 2)):
        if weights != (1, 1, 1):  # thirds are not on the grid
            assert chosen >= top_k_accuracy(weighted_mean(heads, weights), labels, 1)


def test_likely_weights_by_hand() -> None:
    """A clip of which a knows 0.8 and b 0.2, and one that both know: w = (0.8 w / (0.6 w + 0.2) + 1/2) / 2."""
    heads = {"a": torch.tensor([[0.8, 0.2]]), "b": torch.tensor([[0.2, 0.8]])}
    first, second = likely_weights(heads, torch.tensor([0]))
    assert first + second == pytest.approx(1, abs=2e-3)
    assert first == pytest.approx((0.8 * first / (0.6 * first + 0.2) + 0.5) / 2, abs=2e-3)
    assert first > 0.5


def test_likely_weights_give_a_useless_head_next_to_nothing_and_equal_heads_the_same() -> None:
    labels = torch.arange(60) % 3
    knows = torch.full((60, 3), 0.1)
    knows[torch.arange(60), labels] = 0.8
    chance = torch.full((60, 3), 1 / 3)
    first, second = likely_weights({"knows": knows, "chance": chance}, labels)
    assert (first, second) == (pytest.approx(0.99, abs=0.01), pytest.approx(0.01, abs=0.01))
    assert likely_weights({"a": knows, "b": knows}, labels) == (0.5, 0.5)


def test_likely_weights_survive_a_head_that_was_sure_and_wrong() -> None:
    sure = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    fair = torch.tensor([[0.6, 0.4], [0.4, 0.6]])
    weights = likely_weights({"sure": sure, "fair": fair}, torch.tensor([0, 1]))
    assert 0 < weights[0] < 0.6


@pytest.mark.parametrize("choose", [tuned_weights, likely_weights])
def test_chosen_weights_need_clips(choose: Callable[[Mapping[str, torch.Tensor], torch.Tensor], object]) -> None:
    with pytest.raises(ValueError, match="at least one clip"):
        choose({"rgb": torch.zeros(0, 2)}, torch.zeros(0, dtype=torch.long))


@pytest.mark.parametrize("weights", [(0.0, 0.0, 0.0), (1.0, -1.0, 1.0)])
def test_weights_without_a_mean(weights: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match=r"evaluate\.weights"):
        weighted_mean(dict.fromkeys("abc", torch.ones(1, 2)), weights)


def test_log_loss_by_hand_and_of_a_sure_mistake() -> None:
    labels = torch.tensor([0, 1])
    assert log_loss(torch.tensor([[0.5, 0.5], [0.75, 0.25]]), labels) == pytest.approx(np.log(8) / 2)
    assert log_loss(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), labels) == pytest.approx(-np.log(1e-12) / 2)


def test_coverage_is_read_from_the_surest_clip_on() -> None:
    probabilities = torch.tensor([[0.6, 0.4], [0.9, 0.1], [0.3, 0.7]])
    assert coverage_accuracy(probabilities, torch.tensor([1, 0, 1])) == pytest.approx((1 + 1 + 2 / 3) / 3)
    assert coverage_accuracy(probabilities, torch.tensor([0, 1, 1])) == pytest.approx((0 + 1 / 2 + 2 / 3) / 3)


def test_auroc_counts_a_tie_half() -> None:
    assert auroc(np.array([0.9, 0.5]), np.array([0.5, 0.1])) == (2 + 1.5) / 4
    assert auroc(np.array([0.1]), np.array([0.5, 0.9])) == 0.0
    with pytest.raises(ValueError, match="of both kinds, found 0 and 1"):
        auroc(np.array([]), np.array([0.5]))


def test_wilson_by_hand() -> None:
    """Brown, Cai and DasGupta (2001): 0 of 10 has 0 to 0.278; its mirror image likewise."""
    assert wilson_interval(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson_interval(10, 10) == pytest.approx((0.7225, 1), abs=1e-4)
    assert wilson_interval(0, 0) == (0, 1)
