"""Landmarks of MediaPipe Holistic as the 133 keypoints, with numbers that tell where each came from."""

import numpy as np
import pytest

from camfuse.prep.pose.holistic import FACE_FROM_MESH, to_wholebody
from camfuse.skeleton import FACE, LEFT_HAND, RIGHT_HAND


def numbered(points: int, offset: float, columns: int = 3) -> np.ndarray:
    """Landmark i lies at x = offset + i, y = 2 x; score 0.5; depth, where there is one, 999."""
    out = np.full((2, points, columns), 999, np.float32)
    out[..., 0] = offset + np.arange(points)
    out[..., 1] = 2 * out[..., 0]
    out[..., -1] = 0.5
    return out


@pytest.mark.parametrize("columns", [3, 4])
def test_each_keypoint_comes_from_its_landmark(columns: int) -> None:
    keypoints = to_wholebody(
        numbered(33, 1000, columns),
        numbered(478, 2000, columns),
        numbered(21, 3000, columns),
        numbered(21, 4000, columns),
    )
    assert keypoints.shape == (2, 133, 3)
    assert keypoints.dtype == np.float32
    x = keypoints[0, :, 0]
    assert x[:3].tolist() == [2004, 2473, 2468]  # nose and irises of the mesh, not of the body
    assert x[[5, 6, 9, 10, 15, 16]].tolist() == [1011, 1012, 1015, 1016, 1027, 1028]
    assert x[17:23].tolist() == [1031, 1031, 1029, 1032, 1032, 1030]
    assert x[[23, 31, 39]].tolist() == [2127, 2152, 2356]  # ear to chin to ear
    assert x[list(LEFT_HAND)].tolist() == list(range(3000, 3021))
    assert x[list(RIGHT_HAND)].tolist() == list(range(4000, 4021))
    np.testing.assert_array_equal(keypoints[..., 1], 2 * keypoints[..., 0])
    assert (keypoints[..., 2] == 0.5).all()


def test_without_face_the_body_gives_nose_and_eyes() -> None:
    keypoints = to_wholebody(numbered(33, 1000), None, None, None)
    assert keypoints[0, :3, 0].tolist() == [1000, 1002, 1005]
    assert np.isnan(keypoints[:, 23:, :2]).all()
    assert (keypoints[:, 23:, 2] == 0).all()


def test_mesh_without_irises_takes_the_middle_of_the_corners() -> None:
    keypoints = to_wholebody(numbered(33, 1000), numbered(468, 2000), None, None)
    assert keypoints[0, 1, 0] == pytest.approx(2000 + (362 + 263) / 2)
    assert keypoints[0, 2, 0] == pytest.approx(2000 + (33 + 133) / 2)


def test_unseen_is_nan_with_score_zero_and_the_input_is_untouched() -> None:
    body, face, hand = numbered(33, 1000), numbered(478, 2000), numbered(21, 3000)
    body[0, 11, 2] = 0
    face[1, :, 2] = 0
    hand[0, 4, 0] = np.nan
    before = hand.copy()
    keypoints = to_wholebody(body, face, hand, None)
    for place in (keypoints[0, 5], keypoints[1, 40], keypoints[0, 95]):
        assert np.isnan(place[:2]).all()
        assert place[2] == 0
    assert keypoints[1, 0, 0] == 1000  # this frame has no mesh: the body's nose
    assert keypoints[1, 5, 0] == 1011
    np.testing.assert_array_equal(hand, before)


def test_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"face: expected .T, 468 or 478"):
        to_wholebody(numbered(33, 0), numbered(70, 0), None, None)


def test_each_face_keypoint_has_its_own_landmark() -> None:
    assert len(FACE_FROM_MESH) == len(set(FACE_FROM_MESH)) == len(FACE) == 68
