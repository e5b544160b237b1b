"""Words beside a model: kept, read back, refused where they are of another training; and answered."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_training import MadeRun
from numpy.typing import NDArray

from camfuse.errors import WeightsError
from camfuse.predict.calibration import Calibration
from camfuse.predict.enrolled import (
    FILE,
    EnrolledNetwork,
    EnrolledWords,
    added_of,
    added_values,
    check_word,
    with_enrolled,
)
from camfuse.predict.facts import ModelFacts
from camfuse.predict.feature_space import FeatureSpace
from camfuse.predict.network import open_network

WEIGHTS = hashlib.sha256(b"weights").hexdigest()[:16]
SPACE = FeatureSpace(WEIGHTS, np.zeros(3, np.float32), np.ones(3, np.float32), np.eye(3, dtype=np.float32)[:2], 0.1)


class Pointer:
    """A model of two words whose input is its feature."""

    def __init__(self, facts: ModelFacts) -> None:
        self.facts = replace(facts, classes=("red", "blue"), heads={"rgb": 1.0}, calibration=Calibration(2.0, 0.5, 0.1))

    def probabilities(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        return {"rgb": np.array([[0.8, 0.2]], np.float32)}

    def features(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        return inputs["rgb"].astype(np.float32)


@pytest.fixture
def pointer(trained: MadeRun) -> Pointer:
    return Pointer(open_network(trained.config.output / "train" / "rgb" / "best.ckpt").facts)


def words(*given: str) -> EnrolledWords:
    added = EnrolledWords(WEIGHTS)
    for word in given:
        added = added.with_clips(word, np.array([[0.0, 0.0, 1.0]], np.float32))
    return added


def test_clips_of_a_word_are_added_and_taken_out_again() -> None:
    some = words("green", "tea", "green")
    assert some.labels == ("green", "tea")
    assert some.words == ("green", "tea", "green")
    assert some.without("green").words == ("tea",)
    assert len(some.without("green").features) == 1


def test_the_place_of_a_word_is_the_mean_of_its_clips() -> None:
    two = EnrolledWords(WEIGHTS).with_clips("green", np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 4.0]], np.float32))
    np.testing.assert_allclose(two.places(SPACE), [[0.5**0.5, 0, 0.5**0.5]])


def test_old_and_new_words_are_answered(pointer: Pointer) -> None:
    model = EnrolledNetwork(pointer, SPACE, words("green"), only=False)
    assert model.facts.classes == ("red", "blue", "green")
    towards = {"rgb": np.array([[0.0, 0.0, 3.0]])}
    found = model.facts.combined(model.probabilities(towards))
    assert model.facts.classes[int(found.argmax())] == "green"
    away = model.facts.combined(model.probabilities({"rgb": np.array([[3.0, 0.0, -3.0]])}))
    # the model's own calibrated answer, once
    np.testing.assert_allclose(away[:2], pointer.facts.combined(pointer.probabilities({})), rtol=1e-3)
    assert model.facts.calibration == Calibration(1.0, 0.5, 0.1)


def test_added_words_alone(pointer: Pointer) -> None:
    model = EnrolledNetwork(pointer, FeatureSpace.empty(WEIGHTS, 3), words("green"), only=True)
    assert model.facts.classes == ("green",)
    assert model.facts.combined(model.probabilities({"rgb": np.ones((1, 3))})).tolist() == [1.0]
    with pytest.raises(WeightsError, match=r"green: enrolled without the run's clips.*--only-enrolled"):
        EnrolledNetwork(pointer, FeatureSpace.empty(WEIGHTS, 3), words("green"), only=False)


def test_a_model_without_words_is_as_it_was(pointer: Pointer, tmp_path: Path) -> None:
    checkpoint = tmp_path / "best.ckpt"
    assert with_enrolled(pointer, checkpoint) is pointer
    with pytest.raises(WeightsError, match="expected enrolled words, found none"):
        with_enrolled(pointer, checkpoint, only=True)


def test_words_are_read_back(pointer: Pointer, tmp_path: Path) -> None:
    checkpoint = tmp_path / "best.ckpt"
    checkpoint.write_bytes(b"weights")
    words("green", "caf\u00e9", "green").save(tmp_path)
    SPACE.save(tmp_path)
    again = EnrolledWords.beside(checkpoint, WEIGHTS)
    assert again.words == ("green", "caf\u00e9", "green")
    assert with_enrolled(pointer, checkpoint).facts.classes == ("red", "blue", "green", "caf\u00e9")
    again.without("green").without("caf\u00e9").save(tmp_path)
    assert not (tmp_path / FILE).exists()


def test_words_of_other_weights_are_said_and_not_answered(
    pointer: Pointer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint = tmp_path / "best.ckpt"
    checkpoint.write_bytes(b"trained again")
    words("green", "tea", "green").save(tmp_path)
    assert with_enrolled(pointer, checkpoint) is pointer
    assert "trained again since green, tea were enrolled: enroll them again" in caplog.text


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no archive")
    with pytest.raises(WeightsError, match="enroll the words again"):
        EnrolledWords.beside(tmp_path / "best.ckpt", WEIGHTS)


def test_words_without_their_features_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / FILE, weights=WEIGHTS, words=np.array(["green", "tea"]), features=np.zeros((1, 3)))
    with pytest.raises(WeightsError, match="a word for each clip's features"):
        EnrolledWords.beside(tmp_path / "best.ckpt", WEIGHTS)


@pytest.mark.parametrize("word", ["", "  ", "a\nb", "red", " red "])
def test_words_that_cannot_be_added(word: str) -> None:
    with pytest.raises(WeightsError):
        check_word(word, ("red", "blue"))


def test_a_word_kept_out_of_training_is_refused_with_the_reason() -> None:
    with pytest.raises(WeightsError, match="blue: among the model's words, though kept out of training"):
        check_word("blue", ("red", "blue"), ("blue",))


@pytest.mark.parametrize(("word", "message"), [("RED ", "word red, .* enroll words"), ("Tea", "word tea, .* as tea")])
def test_a_word_that_only_its_case_tells_from_another_is_refused(word: str, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        check_word(word, ("red", "blue"), enrolled=("tea",))
    assert check_word(" tea", ("red", "blue"), enrolled=("tea",)) == "tea"


def test_which_videos_are_enrolled_is_read_back(tmp_path: Path) -> None:
    some = words("green").with_clips("tea", np.ones((2, 3), np.float32), ["a" * 64, "b" * 64])
    some.save(tmp_path)
    again = EnrolledWords.beside(tmp_path / "best.ckpt", WEIGHTS)
    assert again.clips == ("", "a" * 64, "b" * 64) and again.without("green").clips == again.clips[1:]
    assert again.word_of("b" * 64) == "tea" and again.word_of("c" * 64) is None
    # as earlier versions wrote it
    np.savez(tmp_path / FILE, weights=WEIGHTS, words=np.array(["tea"]), features=np.zeros((1, 3)))
    assert EnrolledWords.beside(tmp_path / "best.ckpt", WEIGHTS).clips == ("",)


def test_a_word_is_written_as_labels_are() -> None:
    assert check_word(" cafe\u0301 ", ("red",)) == "caf\u00e9"


def test_words_beside_single_clips_are_the_same_after_a_file_to_give_away() -> None:
    """Nothing is known of the spread within a word then; a tiny one would be lost in seven digits."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(3, 5)).astype(np.float32)
    space = FeatureSpace.of("w", features, np.arange(3), 3)
    words = EnrolledWords("w").with_clips("green", rng.normal(size=(2, 5)).astype(np.float32))
    other, given = added_of(added_values(space, words))
    np.testing.assert_allclose(given.places(other), words.places(space), atol=1e-5)


def test_words_are_the_same_after_a_file_to_give_away() -> None:
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(12, 5)).astype(np.float32), np.arange(12) % 2
    space = replace(FeatureSpace.of("w", features, labels, 3), temperature=0.07)
    words = EnrolledWords("w").with_clips("new", features[:3]).with_clips("newer", features[4:5])
    values = json.loads(json.dumps(added_values(space, words), allow_nan=False))
    again, found = added_of(values)
    assert found.labels == words.labels and len(found.features) == 2
    np.testing.assert_allclose(found.places(again), words.places(space), atol=1e-5)
    np.testing.assert_allclose(again.means, space.means, atol=1e-6)
    trained = np.array([0.5, 0.3, 0.2], np.float32)
    one, other = (s.together(features[7], w.places(s), trained) for s, w in ((space, words), (again, found)))
    np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"words": []},
        {"words": ["new", "new"]},
        {"places": [[1.0]]},
        {"scale": [0.0, 1.0]},
        {"temperature": 0},
        {"temperature": None},
        {"places": [[None, 1.0]]},
        {"means": [[1.0, 2.0, 3.0]]},
    ],
)
def test_damaged_words_of_a_file_are_refused(change: dict[str, Any]) -> None:
    space = FeatureSpace.of("w", np.eye(2, dtype=np.float32), np.arange(2), 2)
    values = added_values(space, EnrolledWords("w").with_clips("new", np.ones((1, 2), np.float32)))
    with pytest.raises((ValueError, TypeError)):
        added_of(values | change)
