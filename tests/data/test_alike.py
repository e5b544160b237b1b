"""Clips that are nearly the same, in made movements."""

import numpy as np
import pytest
from made_movements import again, movement

from camfuse.data.alike import MOMENTS, NEAR, Alike, between, describe, find_alike, undescribed


def test_a_copy_is_near_and_another_movement_is_not() -> None:
    one, copy, other = (describe(kp)[None] for kp in (movement(0), again(movement(0)), movement(1)))
    assert one.shape == (1, MOMENTS, 53, 2)
    assert between(one, one)[0] == 0
    assert between(one, copy)[0] < NEAR < 10 * NEAR < between(one, other)[0]


def test_what_shows_too_little_is_like_nothing() -> None:
    one = describe(movement(0))[None]
    little = np.full_like(one, np.nan)
    assert between(one, little)[0] == np.inf
    little[:, :2] = one[:, :2]
    assert between(one, little)[0] == np.inf


@pytest.mark.parametrize("count", [3, 1500])
def test_copies_are_found_in_later_splits_only(count: int) -> None:
    rng = np.random.default_rng(0)
    clips = [describe(movement(0, 8))] * count
    clips = [clip + rng.normal(0, 1, (1, 53, 2)).astype(np.float32) for clip in clips]  # each with places of its own
    rank = [0] * count
    rank[-1] = 2  # the last, of the test
    clips += [clips[1] + np.float32(0.01), clips[-1] + np.float32(0.01), clips[0]]
    rank += [1, 1, 0]
    found = find_alike(clips, rank)
    assert [(one.clip, one.other) for one in found] == [(count - 1, count + 1), (count, 1)]
    room = undescribed(len(clips))
    room[:] = clips
    assert find_alike(room, rank) == found  # one array is as good as a list
    assert found[0] == Alike(count - 1, count + 1, pytest.approx(0.01 * 2**0.5, abs=1e-3))


def test_no_clips_and_one_split() -> None:
    assert find_alike([], []) == []
    assert find_alike([describe(movement(0))] * 2, [0, 0]) == []
