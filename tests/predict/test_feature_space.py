"""The space of features: by hand in two dimensions, and on draws whose answer is known."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from camfuse.errors import WeightsError
from camfuse.predict.feature_space import FILE, FeatureSpace

Floats = NDArray[np.float64]
SQUARE = FeatureSpace(
    "f", np.zeros(2, np.float32), np.ones(2, np.float32), np.eye(2, dtype=np.float32), temperature=1.0
)
"""Two trained words, along x and along y."""


def drawn(words: int, clips: int, *, spread: float, seed: int, size: int = 12) -> tuple[Floats, NDArray[np.int64]]:
    """Return features of words whose means are drawn once and for all, far from the origin."""
    means = np.random.default_rng(99).normal(0, 1, (40, size))[:words] + 5
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(words), clips)
    return means[labels] + rng.normal(0, spread, (len(labels), size)), labels


def test_places_are_counted_from_the_middle_in_units_of_the_spread_and_of_length_one() -> None:
    features = np.array([[9.0, 1.0], [11.0, 1.0], [9.0, 3.0], [11.0, 3.0]])
    space = FeatureSpace.of("f", features, np.array([0, 0, 1, 1]), 2)
    np.testing.assert_allclose(space.centre, [10, 2])
    assert space.scale[0] > 5 * space.scale[1] > 0  # x tells nothing, y the word
    np.testing.assert_allclose(space.means, [[0, -1], [0, 1]], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(space.place(features), axis=1), 1)


def test_together_by_hand() -> None:
    found = SQUARE.together(np.array([3.0, 0.0]), np.array([[-1.0, 0.0]]), np.array([0.9, 0.1]))
    new = np.exp(-1) / (np.exp(1) + np.exp(0) + np.exp(-1))
    np.testing.assert_allclose(found, [0.9 * (1 - new), 0.1 * (1 - new), new], rtol=1e-6)
    assert found.sum() == pytest.approx(1)


def test_an_added_word_never_changes_the_order_of_the_trained_ones() -> None:
    trained = np.array([0.2, 0.5])
    for angle in np.linspace(0, 2 * np.pi, 9):
        found = SQUARE.together(np.array([np.cos(angle), np.sin(angle)]), np.array([[0.6, 0.8]]), trained)
        assert found[1] / found[0] == pytest.approx(2.5, rel=1e-5)


def test_a_trained_word_without_clips_is_no_rival() -> None:
    features, labels = drawn(3, 8, spread=0.2, seed=1)
    space = FeatureSpace.of("f", features, labels, 4)
    assert np.isnan(space.means[3]).all()
    found = space.together(features[0], space.place(features[:1]), np.array([0.7, 0.1, 0.1, 0.1]))
    assert np.isfinite(found).all()


def test_added_words_alone_are_weighed_among_themselves() -> None:
    found = SQUARE.added_alone(np.array([0.0, 2.0]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    np.testing.assert_allclose(found, np.exp([1, 0]) / np.exp([1, 0]).sum(), rtol=1e-6)


def test_a_temperature_chosen_on_val_answers_old_and_new_words() -> None:
    """Twelve words are trained; eight others come with three clips each."""
    features, labels = drawn(20, 12, spread=0.5, seed=2)
    old = labels < 12
    space = FeatureSpace.of("f", features[old], labels[old], 12)
    val, val_labels = drawn(12, 4, spread=0.5, seed=3)
    fitted = space.fitted(features[old], labels[old], val, val_labels)
    assert fitted.temperature != space.temperature
    placed = space.place(features)
    added = np.stack([placed[np.flatnonzero(labels == word)[:3]].mean(0) for word in range(12, 20)])
    test, test_labels = drawn(20, 10, spread=0.5, seed=4)
    truth = np.eye(12)[np.minimum(test_labels, 11)]
    trained = np.where(test_labels[:, None] < 12, 0.9 * truth + 0.1 / 12, 1 / 12)
    found = np.stack([fitted.together(one, added, own) for one, own in zip(test, trained, strict=True)])
    right = found.argmax(1) == test_labels
    assert right[test_labels < 12].mean() > 0.95
    assert right[test_labels >= 12].mean() > 0.95
    assert fitted.fitted(features[old], labels[old], val[:0], val_labels[:0]) is fitted


def test_it_is_read_back_and_belongs_to_one_checkpoint(tmp_path: Path) -> None:
    checkpoint = tmp_path / "best.ckpt"
    assert FeatureSpace.beside(checkpoint, "f") is None
    SQUARE.save(tmp_path)
    again = FeatureSpace.beside(checkpoint, "f")
    assert again is not None
    assert (again.temperature, again.weights) == (1.0, "f")
    np.testing.assert_array_equal(again.means, SQUARE.means)
    assert FeatureSpace.beside(checkpoint, "other") is None
    before = (tmp_path / FILE).read_bytes()
    for damaged in (b"", b"no archive", before[: len(before) // 2]):
        (tmp_path / FILE).write_bytes(damaged)
        with pytest.raises(WeightsError, match="enroll the words again"):
            FeatureSpace.beside(checkpoint, "f")


@pytest.mark.parametrize(
    "wrong", [{"centre": np.zeros(3)}, {"scale": np.zeros(2)}, {"temperature": -1.0}, {"means": 1}]
)
def test_arrays_that_do_not_belong_together_are_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    values = {name: getattr(SQUARE, name) for name in ("weights", "centre", "scale", "means", "temperature")}
    np.savez(tmp_path / FILE, **values | wrong)
    with pytest.raises(WeightsError, match="found otherwise; delete it and enroll again"):
        FeatureSpace.beside(tmp_path / "best.ckpt", "f")


def test_no_clips_are_no_space() -> None:
    with pytest.raises(ValueError, match="at least one clip"):
        FeatureSpace.of("f", np.zeros((0, 2)), np.zeros(0, np.int64), 2)
