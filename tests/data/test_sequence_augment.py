"""Augmentation of a signer's points: nothing at 0, the same for the same numbers, and what each setting does."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from camfuse.config import SequenceAugment
from camfuse.data.sequence import NUM_POINTS, POINTS, evenly, mirror
from camfuse.data.sequence_augment import augmented, draw_times

NOTHING = SequenceAugment(**dict.fromkeys(SequenceAugment.model_fields, 0.0))


def points(frames: int = 20) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(frames, NUM_POINTS, 2)).astype(np.float32)


def one(name: str, value: float, seed: int = 0) -> np.ndarray:
    augment = NOTHING.model_copy(update={name: value})
    return augmented(points(), 20, augment, np.random.default_rng(seed))


def test_with_all_at_zero_nothing_changes() -> None:
    assert_allclose(augmented(points(), 20, NOTHING, np.random.default_rng(0)), points(), atol=1e-5)


def test_the_same_numbers_give_the_same_clip_and_the_input_is_left_alone() -> None:
    clip = points()
    first, second, other = (augmented(clip, 32, SequenceAugment(), np.random.default_rng(s)) for s in (1, 1, 2))
    assert first.shape == (32, NUM_POINTS, 2)
    assert first.dtype == np.float32
    assert_array_equal(first, second)
    assert not np.array_equal(first, other, equal_nan=True)
    assert_array_equal(clip, points())


def test_mirror_is_the_mirrored_clip() -> None:
    assert_allclose(one("mirror", 1.0), mirror(points()), atol=1e-5)


@pytest.mark.parametrize("name", ["rotate", "scale", "shift"])
def test_the_whole_signer_moves_as_one(name: str) -> None:
    moved, before = one(name, 0.3), points()
    scale = np.linalg.norm(moved[0, 1] - moved[0, 0]) / np.linalg.norm(before[0, 1] - before[0, 0])
    assert_allclose(
        np.linalg.norm(moved[:, 7] - moved[:, 3], axis=-1),
        scale * np.linalg.norm(before[:, 7] - before[:, 3], axis=-1),
        rtol=1e-3,
    )
    assert (scale == pytest.approx(1, abs=1e-4)) == (name != "scale")
    assert not np.allclose(moved, before)


def test_a_hand_turns_about_its_wrist() -> None:
    moved, before = one("hand_rotate", 30.0), points()
    wrist = POINTS["left"].start
    assert_allclose(moved[:, wrist], before[:, wrist], atol=1e-5)
    assert_allclose(moved[:, :18], before[:, :18], atol=1e-5)
    reach = [np.linalg.norm(clip[:, wrist + 8] - clip[:, wrist], axis=-1) for clip in (moved, before)]
    assert_allclose(reach[0], reach[1], rtol=1e-3)
    assert not np.allclose(moved[:, wrist + 8], before[:, wrist + 8])


def test_hidden_hands_and_dropped_points_are_not_seen() -> None:
    hidden = np.isnan(one("hide", 1.0)[..., 0])
    assert hidden[:, POINTS["left"]].any()
    assert not hidden[:, : POINTS["left"].start].any()
    assert_array_equal(hidden[:, POINTS["left"]].any(1), hidden[:, POINTS["left"]].all(1))
    dropped = np.isnan(one("drop", 0.5)[..., 0])
    assert_array_equal(dropped.any(0), dropped.all(0))
    assert 0 < dropped.any(0).sum() < NUM_POINTS


def test_time_runs_forward_from_end_to_end() -> None:
    augment = SequenceAugment(cut=0.2, warp=0.9)
    for seed in range(20):
        times = draw_times(50, 32, augment, np.random.default_rng(seed))
        assert (np.diff(times) > 0).all()
        assert 0 <= times[0] <= 0.2 * 49
        assert 0.8 * 49 <= times[-1] <= 49


def test_an_even_clip_of_one_frame_stays_that_frame() -> None:
    clip = points(1)
    assert_allclose(augmented(clip, 4, NOTHING, np.random.default_rng(0)), evenly(clip, 4), atol=1e-6)
