"""The channels of a signer's points, against answers worked out by hand."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from camfuse.data.sequence import NUM_POINTS, POINTS, mirror
from camfuse.data.sequence_channels import CHANNELS, HAND_BONES, NUM_CHANNELS, TOUCHED, directions, features, nearness

NAN = np.float32(np.nan)


def random_points(frames: int = 12, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(frames, NUM_POINTS, 2)).astype(np.float32)


def test_mirroring_swaps_the_channels_of_the_hands() -> None:
    points = random_points()
    plain, mirrored = features(points), features(mirror(points))
    assert_allclose(mirrored[CHANNELS["left"]], plain[CHANNELS["right"]], atol=1e-6)
    assert_allclose(mirrored[CHANNELS["right"]], plain[CHANNELS["left"]], atol=1e-6)


def test_channels_are_places_differences_and_zero_where_not_seen() -> None:
    points = np.full((3, NUM_POINTS, 2), NAN, np.float32)
    points[1:, 9] = [(1, 2), (1.5, 2)]  # the left wrist, two frames
    body = features(points)[CHANNELS["body"]]
    assert_array_equal(body[18], (0, 1, 1.5))
    assert_array_equal(body[19], (0, 2, 2))
    assert_array_equal(body[30 + 18], (0, 0, 2))  # 4 times the difference; none at the first sight
    assert np.count_nonzero(body) == 5


def test_a_hands_shape_has_the_same_size_near_and_far() -> None:
    points = random_points()
    larger = points.copy()
    hand = larger[:, POINTS["left"]]
    larger[:, POINTS["left"]] = hand[:, :1] + 3 * (hand - hand[:, :1])
    shape = slice(CHANNELS["left"].start + 12, CHANNELS["left"].start + 64)  # after six places of two numbers
    assert_allclose(features(larger)[shape], features(points)[shape], rtol=1e-4, atol=1e-5)


def test_channels_of_many_clips_are_those_of_each() -> None:
    clips = np.stack([random_points(seed=1), random_points(seed=2)])
    together = features(clips)
    assert together.shape == (2, NUM_CHANNELS, 12)
    assert_allclose(together[1], features(clips[1]), atol=1e-6)


def test_directions_have_length_one_and_point_away_from_the_wrist() -> None:
    assert HAND_BONES[:6] == ((0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 6))
    hand = np.full((1, 21, 2), NAN, np.float32)
    hand[0, [0, 1, 2]] = [(1, 1), (4, 5), (4, 5)]  # 3 to the right and 4 down, then no way at all
    found = directions(hand, HAND_BONES).reshape(20, 2)
    assert_allclose(found[:2], [(0.6, 0.8), (0, 0)], atol=1e-6)
    assert np.isnan(found[2:]).all()


def test_directions_do_not_depend_on_a_bones_length() -> None:
    points = random_points()
    assert_allclose(directions(3 * points + 1, HAND_BONES), directions(points, HAND_BONES), atol=1e-4)


def test_nearness_is_one_at_a_point_and_falls_with_its_distance() -> None:
    hand, nose = np.full((1, 21, 2), NAN, np.float32), np.zeros((1, 1, 2), np.float32)
    hand[0, 0], hand[0, 8] = (0, 0), (0.3, 0.4)  # wrist at the nose, index finger half a shoulder's width from it
    found = nearness(hand, nose).reshape(2, 6)
    assert_allclose(found[:, 0], 1)
    assert_allclose(found[:, 2], np.exp([-4, -((0.5 / 0.7) ** 2)]), rtol=1e-5)
    assert not found[:, [1, 3, 4, 5]].any()  # not seen


def test_a_hand_is_near_to_the_other_hand_and_knows_the_sides_of_the_face() -> None:
    points = np.full((1, NUM_POINTS, 2), NAN, np.float32)
    points[0, [1, 2]] = [(0.2, 0), (-0.2, 0)]  # the eyes: the left one to the image's right
    points[0, POINTS["left"].start + 8] = points[0, 1]
    points[0, POINTS["right"].start + 8] = points[0, 1]
    found = features(points)
    near = {
        side: found[CHANNELS[side], 0][-2 * 6 * len(TOUCHED) :].reshape(2, 6, -1)[0, 2] for side in ("left", "right")
    }
    assert near["left"][2] == 1 and near["right"][1] == 1  # the eye of the own side comes third
    assert near["left"][-3] == 1 and near["right"][-3] == 1  # the other's index finger
    assert (near["left"][[0, 3, 4]] == 0).all()


def test_what_is_not_seen_is_zero() -> None:
    points = np.full((4, NUM_POINTS, 2), NAN, np.float32)
    assert_array_equal(features(points), np.zeros((NUM_CHANNELS, 4)))
