"""Poses out of any file: what counts as seen, and whose they are."""

import numpy as np

from camfuse.geometry import UNSEEN, unseen_points
from camfuse.prep.pose.annotations.stored import StoredPoses, seen_only


def person(x: float, y: float, size: float, count: int = 6) -> np.ndarray:
    """A grid of 133 points that grows and shrinks."""
    grid = np.stack(np.meshgrid(np.arange(7) / 6, np.arange(19) / 18), -1).reshape(133, 2)
    points = np.ones((count, 133, 3), np.float32)
    sizes = size * (1 + 0.2 * (np.arange(count) % 2))
    points[..., :2] = grid * sizes[:, None, None] + (x, y)
    return points


def test_scores_are_cut_and_what_is_not_finite_is_unseen() -> None:
    points = np.array([[1, 2, 3], [1, 2, 0], [np.inf, 2, 1], [1, 2, np.nan], [1, 2, 0.5]])
    expected = np.array([[1, 2, 1], UNSEEN, UNSEEN, UNSEEN, [1, 2, 0.5]], np.float32)
    np.testing.assert_array_equal(seen_only(points), expected)  # type: ignore[arg-type]
    assert points[0, 2] == 3


def test_the_only_person_is_the_signer_and_a_copy() -> None:
    poses = StoredPoses(person(10, 10, 50)[None], 100, 100, 25.0)
    assert len(poses) == 6
    signer = poses.signer()
    np.testing.assert_array_equal(signer, poses.keypoints[0])
    signer[:] = 0
    assert poses.keypoints.any()


def test_the_signer_is_one_person_though_the_order_changes() -> None:
    large, small = person(40, 10, 80), person(5, 5, 15)
    both = np.stack([large, small])
    both[:, 3] = both[::-1, 3]
    np.testing.assert_array_equal(StoredPoses(both, 200, 200, 0.0).signer(), large)


def test_where_nobody_is_seen_the_signer_is_missing() -> None:
    large = person(40, 10, 80)
    large[2] = UNSEEN
    both = np.stack([large, unseen_points(6, 133)])
    np.testing.assert_array_equal(StoredPoses(both, 200, 200, 0.0).signer(), large)
