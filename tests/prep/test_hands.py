"""Hands about their own middle, larger: by hand, and what a hand's place and size must not change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_training import MakeConfig
from numpy.typing import NDArray

from camfuse.geometry import UNSEEN, unseen_points
from camfuse.prep.hands import hand_zoom, zoom_hands
from camfuse.prep.heatmaps import drawn_keypoints, render, render_clip
from camfuse.skeleton import LEFT_HAND, NUM_KEYPOINTS, RIGHT_HAND

SIZE = 128
LEFT, RIGHT = list(LEFT_HAND), list(RIGHT_HAND)
Points = NDArray[np.float32]


def hand(width: float, height: float, at: tuple[float, float] = (50, 60)) -> Points:
    """Return 21 points of which the first two are the corners of their box, the others within."""
    shares = np.random.default_rng(3).uniform(0, 1, (21, 2))
    shares[0], shares[1] = 0, 1
    return np.column_stack([shares * (width, height) + at, np.full(21, 0.9)]).astype(np.float32)


def clip(*hands: dict[str, Points]) -> Points:
    """Return one frame each, with a nose at 30, 20."""
    keypoints = unseen_points(len(hands), NUM_KEYPOINTS)
    keypoints[:, 0] = 30, 20, 1
    for frame, points in enumerate(hands):
        for name, place in (("left", LEFT), ("right", RIGHT)):
            if name in points:
                keypoints[frame, place] = points[name]
    return keypoints


def test_the_factor_by_hand() -> None:
    """Longer sides 10, 20, 30, 40 of hands in two frames: the 0.8-quantile is 34, and the hand fills half of 128."""
    keypoints = clip({"left": hand(10, 5), "right": hand(3, 20)}, {"left": hand(30, 30), "right": hand(40, 1)})
    assert hand_zoom(keypoints, SIZE) == pytest.approx(128 / (2 * 34))
    assert hand_zoom(keypoints, 256) == pytest.approx(256 / (2 * 34))


def test_a_tiny_hand_is_noise_and_no_hand_is_no_zoom() -> None:
    assert hand_zoom(clip({"left": hand(1, 2)}), SIZE) == SIZE / 8
    assert hand_zoom(clip({}), SIZE) == 1
    zeroed = clip({"left": np.zeros((21, 3), np.float32)})  # as a crop around other keypoints leaves it
    assert hand_zoom(zeroed, SIZE) == 1
    part = clip({"left": hand(20, 20)})
    part[0, LEFT[5]] = UNSEEN
    assert hand_zoom(part, SIZE) == 1  # its box may be too small


def test_places_by_hand() -> None:
    keypoints = clip({"left": hand(10, 20, at=(50, 60)), "right": hand(8, 8, at=(100, 7))})
    before = keypoints.copy()
    drawn = zoom_hands(keypoints, SIZE, 3.0)
    np.testing.assert_array_equal(keypoints, before)
    assert drawn.dtype == np.float32
    # the corners of the left hand's box lie 5 and 10 from its middle (55, 70), then 15 and 30 from the crop's, 63.5
    np.testing.assert_allclose(drawn[0, LEFT[:2], :2], [[48.5, 33.5], [78.5, 93.5]])
    np.testing.assert_allclose(drawn[0, RIGHT[:2], :2], [[51.5, 51.5], [75.5, 75.5]])
    np.testing.assert_array_equal(drawn[..., 2], keypoints[..., 2])
    others = [k for k in range(NUM_KEYPOINTS) if k not in {*LEFT, *RIGHT}]
    np.testing.assert_array_equal(drawn[:, others], keypoints[:, others])


def test_points_that_were_not_seen_move_nothing_and_stay_empty() -> None:
    keypoints = clip({"left": hand(10, 20)}, {"left": hand(10, 20)}, {})
    keypoints[0, LEFT[2:]] = UNSEEN  # the box is of the two corners, as before
    keypoints[1, LEFT[2:]] = 0, 0, 0
    keypoints[:, RIGHT] = 0  # zeroed with score 0
    drawn = zoom_hands(keypoints, SIZE, 3.0)
    np.testing.assert_allclose(drawn[:2, LEFT[:2], :2], [[[48.5, 33.5], [78.5, 93.5]]] * 2)
    maps = render(drawn, SIZE // 4, 0.7)
    assert maps[:, LEFT[2:]].max() == maps[:, RIGHT].max() == maps[2, LEFT].max() == 0
    assert maps[:2, LEFT[:2]].reshape(4, -1).max(1).min() > 100


shifts = st.tuples(st.floats(-60, 60), st.floats(-60, 60))


@settings(deadline=None, max_examples=50)
@given(shifts, st.floats(0.3, 3))
def test_place_and_size_of_the_hands_do_not_change_their_maps(shift: tuple[float, float], scale: float) -> None:
    keypoints = clip({"left": hand(20, 30, at=(40, 40))}, {"left": hand(30, 24, at=(60, 30)), "right": hand(16, 22)})
    other = keypoints.copy()
    for place in (LEFT, RIGHT):
        other[:, place, :2] = keypoints[:, place, :2] * scale + shift
    here, there = (zoom_hands(one, SIZE, hand_zoom(one, SIZE)) for one in (keypoints, other))
    np.testing.assert_allclose(here, there, atol=1e-2)


def test_the_default_draws_in_place(make_config: MakeConfig) -> None:
    config = make_config(crops={"size": SIZE})
    keypoints = clip({"left": hand(20, 30)})
    assert drawn_keypoints(keypoints, config) is keypoints
    np.testing.assert_array_equal(render_clip(keypoints, config), render(keypoints, SIZE // 4, 0.7))


def test_a_zoomed_hand_fills_half_of_its_map(make_config: MakeConfig) -> None:
    config = make_config(crops={"size": SIZE}, heatmaps={"hands": "zoomed"})
    keypoints = clip({"left": hand(12, 18)}, {"left": hand(12, 18, at=(90, 20))})
    maps = render_clip(keypoints, config)
    rows, columns = np.nonzero(maps[0, LEFT].max(0) > 127)
    assert (rows.min(), rows.max()) == (7, 24)  # its first and last point lie between pixels, at 7.5 and 23.5 of 32
    assert columns.max() - columns.min() == pytest.approx(16 * 12 / 18, abs=1)
    np.testing.assert_array_equal(maps[0, LEFT], maps[1, LEFT])
    np.testing.assert_array_equal(maps[:, 0], render(keypoints, SIZE // 4, 0.7)[:, 0])
