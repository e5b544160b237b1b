"""Points of a signer: units, sides, what is not seen, time, and the channels, against answers worked out by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from camfuse.data.sequence import (
    KEYPOINTS,
    MIRRORED,
    NUM_POINTS,
    POINTS,
    active_part,
    body_units,
    evenly,
    fill_gaps,
    mirror,
    normalise,
    resample,
)
from camfuse.data.sequence_channels import NUM_CHANNELS, features
from camfuse.skeleton import LEFT_HAND, RIGHT_HAND

NAN = np.float32(np.nan)


def signer(frames: int = 10) -> np.ndarray:
    """Return keypoints of a signer at (320, 200) whose shoulders are 100 px apart; hands on a grid, all seen."""
    keypoints = np.zeros((frames, 133, 3), np.float32)
    keypoints[..., :2] = (320, 200)
    keypoints[..., 2] = 1
    keypoints[:, 5, :2], keypoints[:, 6, :2] = (370, 200), (270, 200)
    keypoints[:, 0, :2] = (320, 150)
    for hand, x in ((LEFT_HAND, 380), (RIGHT_HAND, 260)):
        for number, keypoint in enumerate(hand):
            keypoints[:, keypoint, :2] = (x + number % 5, 300 - number)
    return keypoints


def random_points(frames: int = 12, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(frames, NUM_POINTS, 2)).astype(np.float32)


def test_normalise_counts_from_the_middle_of_the_shoulders_in_their_distance() -> None:
    points = normalise(signer())
    assert points.shape == (10, NUM_POINTS, 2)
    assert points.dtype == np.float32
    assert_allclose(points[0, 5], (0.5, 0), atol=1e-6)
    assert_allclose(points[0, 0], (0, -0.5), atol=1e-6)
    assert_allclose(points[0, POINTS["left"].start], (0.6, 1.0), atol=1e-6)


def test_normalise_does_not_depend_on_size_and_place_in_the_image() -> None:
    moved = signer()
    moved[..., :2] = moved[..., :2] * 3 + (17, -40)
    assert_allclose(normalise(moved), normalise(signer()), atol=1e-5)


def test_normalise_leaves_its_input_alone_and_refuses_other_shapes() -> None:
    keypoints = signer()
    before = keypoints.copy()
    normalise(keypoints)
    assert_array_equal(keypoints, before)
    for shape in ((3, 21, 3), (3, 133, 2), (0, 133, 3)):
        with pytest.raises(ValueError, match="expected keypoints"):
            normalise(np.zeros(shape, np.float32))


def test_what_has_no_score_or_no_place_is_not_seen() -> None:
    keypoints = signer()
    keypoints[:, 0, 2] = 0
    keypoints[:, 7, :2] = np.nan
    points = normalise(keypoints)
    assert np.isnan(points[:, [0, 7]]).all()
    assert np.isfinite(points[:, 5]).all()


def test_without_shoulders_the_unit_is_four_palms_about_the_hands() -> None:
    keypoints = signer()
    keypoints[:, :91, 2] = 0
    keypoints[:, RIGHT_HAND, 2] = 0
    points = normalise(keypoints)
    left = points[0, POINTS["left"]]
    assert_allclose(left[0], (0, 0), atol=1e-6)
    assert_allclose(np.linalg.norm(left[9] - left[0]), 0.25, atol=1e-6)


def test_shoulders_at_one_place_give_no_unit() -> None:
    keypoints = signer()
    keypoints[1:, 5:7, :2] = 0  # as files have what is missing, though with a score
    assert_allclose(np.linalg.norm(np.diff(body_units(keypoints)[0, 5:7], axis=0)), 1, atol=1e-6)
    keypoints[0, 5:7, :2] = 0
    left = body_units(keypoints)[0, POINTS["left"]]
    assert_allclose(np.linalg.norm(left[9] - left[0]), 0.25, atol=1e-6)


def test_a_clip_in_which_nothing_is_seen_has_no_points_and_only_zero_channels() -> None:
    points = normalise(np.zeros((4, 133, 3), np.float32))
    assert np.isnan(points).all()
    assert_array_equal(features(points), np.zeros((NUM_CHANNELS, 4)))


def test_short_gaps_are_filled_and_long_ones_and_the_ends_are_not() -> None:
    points = np.full((9, NUM_POINTS, 2), NAN, np.float32)
    points[[1, 3, 7], 20] = [(0, 0), (2, 4), (3, 3)]
    filled = fill_gaps(points, 2)
    assert_allclose(filled[2, 20], (1, 2))
    assert np.isnan(filled[[0, 4, 5, 6, 8], 20]).all()
    assert np.isnan(points[2, 20]).all()


def test_the_active_part_is_where_a_hand_is_seen_with_a_margin() -> None:
    points = np.full((40, NUM_POINTS, 2), NAN, np.float32)
    assert active_part(points) == slice(0, 40)
    points[10:21, POINTS["right"]] = 0
    assert active_part(points) == slice(7, 24)


def test_the_active_part_begins_and_ends_where_a_hand_is_raised() -> None:
    points = np.zeros((40, NUM_POINTS, 2), np.float32)
    points[:, 9:11, 1] = 2  # both wrists hang
    assert active_part(points) == slice(0, 40)
    points[12:20, 10, 1] = 0.5
    assert active_part(points) == slice(9, 23)
    points[12:20, 10, 1] = 1.6  # not high enough to tell
    assert active_part(points) == slice(0, 40)


def test_resampling_is_linear_and_takes_the_nearer_frame_beside_a_gap() -> None:
    points = np.full((3, NUM_POINTS, 2), NAN, np.float32)
    points[0], points[1] = 0, 2
    assert_allclose(resample(points, [0.25, 1.0])[:, 0, 0], (0.5, 2))
    between = resample(points, [1.25, 1.75])[:, 0, 0]
    assert between[0] == 2
    assert np.isnan(between[1])
    assert_allclose(evenly(points[:2], 5)[:, 0, 0], (0, 0.5, 1, 1.5, 2))
    assert_array_equal(evenly(points[:1], 3), np.zeros((3, NUM_POINTS, 2)))


def test_mirroring_swaps_the_sides_and_twice_is_nothing() -> None:
    points = random_points()
    mirrored = mirror(points)
    assert_array_equal(mirrored[:, POINTS["left"], 0], -points[:, POINTS["right"], 0])
    assert_array_equal(mirrored[:, 5, 1], points[:, 6, 1])
    assert_array_equal(mirror(mirrored), points)
    assert sorted(MIRRORED) == list(range(NUM_POINTS))
    assert KEYPOINTS[MIRRORED[KEYPOINTS.index(71)]] == 77
