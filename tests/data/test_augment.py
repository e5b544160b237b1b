"""One affine for images and keypoints, colours, mirroring."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from camfuse.config import Augment
from camfuse.data.augment import (
    Augmentation,
    affine_matrix,
    colour_matrix,
    draw_augmentation,
    move_images,
    move_keypoints,
)
from camfuse.skeleton import MIRROR, NUM_KEYPOINTS

SIZE = 64
NONE_HIDDEN = np.zeros(NUM_KEYPOINTS, bool)
SAME = colour_matrix(1, 1, 1)


def only(affine: NDArray[np.float64], *, mirrored: bool = False) -> Augmentation:
    return Augmentation(affine=affine, mirrored=mirrored, colour=SAME, hidden=NONE_HIDDEN)


def keypoints_at(x: float, y: float, index: int = 91) -> NDArray[np.float32]:
    keypoints = np.full((1, NUM_KEYPOINTS, 3), np.nan, np.float32)
    keypoints[..., 2] = 0
    keypoints[0, index] = (x, y, 0.9)
    return keypoints


def centre_of(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    grey = image[..., 0].astype(float)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return np.array([(grey * columns).sum(), (grey * rows).sum()]) / grey.sum()


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), x=st.floats(22, 41), y=st.floats(22, 41))
def test_a_dot_stays_on_its_keypoint(seed: int, x: float, y: float) -> None:
    config = Augment(scale=(0.8, 1.2), rotate=30, shift=0.15, mirror=0.5, colour=0)
    augmentation = draw_augmentation(config, SIZE, NUM_KEYPOINTS, np.random.default_rng(seed))
    shift = 8  # cv2.circle takes fixed point coordinates
    dot = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    at = (round(x * 2**shift), round(y * 2**shift))
    cv2.circle(dot[0], at, 3 << shift, (255, 255, 255), -1, cv2.LINE_AA, shift)
    before = centre_of(dot[0])
    moved = move_keypoints(keypoints_at(*before), augmentation)
    index = MIRROR[91] if augmentation.mirrored else 91
    assert np.abs(centre_of(move_images(dot, augmentation)[0]) - moved[0, index, :2]).max() < 0.1


def test_affine_by_hand() -> None:
    # zoom by 2 about the centre 31.5: pixel 31.5 stays, 32.5 goes to 33.5; then 3 to the right, 4 down
    affine = affine_matrix(SIZE, scale=2, degrees=0, shift=(3, 4), mirror=False)
    np.testing.assert_allclose(affine @ [32.5, 31.5, 1], [36.5, 35.5])
    # 90 degrees take the point right of the centre to below it (y points down)
    turned = affine_matrix(SIZE, scale=1, degrees=90, shift=(0, 0), mirror=False)
    np.testing.assert_allclose(turned @ [33.5, 31.5, 1], [31.5, 33.5], atol=1e-12)


def test_mirroring_is_exact_and_its_own_inverse() -> None:
    augmentation = only(affine_matrix(SIZE, scale=1, degrees=0, shift=(0, 0), mirror=True), mirrored=True)
    images = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    once = move_images(images, augmentation)
    np.testing.assert_array_equal(once, images[:, :, ::-1])
    np.testing.assert_array_equal(move_images(once, augmentation), images)
    keypoints = np.random.default_rng(1).uniform(0, 63, (2, NUM_KEYPOINTS, 3)).astype(np.float32)
    moved = move_keypoints(keypoints, augmentation)
    np.testing.assert_allclose(moved[:, 112, 0], 63 - keypoints[:, 91, 0], atol=1e-5)
    np.testing.assert_allclose(move_keypoints(moved, augmentation), keypoints, atol=1e-5)


def test_nothing_drawn_changes_nothing() -> None:
    config = Augment(scale=(1, 1), rotate=0, shift=0, colour=0)
    augmentation = draw_augmentation(config, SIZE, NUM_KEYPOINTS, np.random.default_rng(0))
    images = np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3), np.uint8)
    keypoints = keypoints_at(10.25, 20.5)
    np.testing.assert_array_equal(move_images(images, augmentation), images)
    np.testing.assert_array_equal(move_keypoints(keypoints, augmentation), keypoints)


def test_the_callers_arrays_stay_as_they_are() -> None:
    rng = np.random.default_rng(0)
    augmentation = draw_augmentation(Augment(joint_dropout=0.5, mirror=1), SIZE, NUM_KEYPOINTS, rng)
    images, keypoints = rng.integers(0, 256, (1, SIZE, SIZE, 3), np.uint8), keypoints_at(5, 6)
    copies = images.copy(), keypoints.copy()
    move_images(images, augmentation)
    move_keypoints(keypoints, augmentation)
    np.testing.assert_array_equal(images, copies[0])
    np.testing.assert_array_equal(keypoints, copies[1])


def test_missing_stays_missing() -> None:
    affine = affine_matrix(SIZE, scale=1.1, degrees=5, shift=(1, 1), mirror=False)
    moved = move_keypoints(keypoints_at(5, 6), only(affine))
    assert np.isnan(moved[0, 0, :2]).all()
    assert moved[0, 0, 2] == 0 and moved[0, 91, 2] == np.float32(0.9)


def test_joint_dropout_hides_for_the_whole_clip_at_its_rate() -> None:
    config, rng = Augment(joint_dropout=0.25), np.random.default_rng(0)
    keypoints = np.ones((3, NUM_KEYPOINTS, 3), np.float32)
    hidden = [np.isnan(move_keypoints(keypoints, draw_augmentation(config, SIZE, 133, rng))[..., 0]) for _ in range(50)]
    assert all((h == h[0]).all() for h in hidden)
    assert np.mean(hidden) == pytest.approx(0.25, abs=0.03)


def test_draws_stay_in_their_ranges_and_fill_them() -> None:
    config, rng = Augment(scale=(0.5, 2), rotate=20, shift=0.1, mirror=0.5), np.random.default_rng(0)
    drawn = [draw_augmentation(config, SIZE, 1, rng) for _ in range(400)]
    linear = np.stack([a.affine[:, :2] for a in drawn])
    determinant = np.linalg.det(linear)
    zoom = np.sqrt(np.abs(determinant))
    assert (determinant < 0).tolist() == [a.mirrored for a in drawn]
    assert 0.5 <= zoom.min() < 0.55 and 1.8 < zoom.max() <= 2
    degrees = np.degrees(np.arctan2(linear[:, 0, 1] * -1, linear[:, 1, 1]))
    assert -20 <= degrees.min() < -18 and 18 < degrees.max() <= 20
    shift = np.stack([a.affine @ [31.5, 31.5, 1] - 31.5 for a in drawn])
    assert 0.095 * SIZE < np.abs(shift).max() <= 0.1 * SIZE


def test_colours_by_hand() -> None:
    colour = np.array([100, 150, 200])
    grey = 0.299 * 100 + 0.587 * 150 + 0.114 * 200
    for arguments, expected in [
        ((1.1, 1, 1), colour * 1.1),
        ((1, 1.2, 1), (colour - 127.5) * 1.2 + 127.5),
        ((1, 1, 0), [grey] * 3),
        ((1, 1, 1), colour),
    ]:
        np.testing.assert_allclose(colour_matrix(*arguments) @ [*colour, 1], expected)


def test_all_frames_of_a_clip_get_the_same_colour_change() -> None:
    config = Augment(scale=(1, 1), rotate=0, shift=0, colour=0.3)
    augmentation = draw_augmentation(config, SIZE, NUM_KEYPOINTS, np.random.default_rng(3))
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    moved = move_images(np.stack([image, image]), augmentation)
    np.testing.assert_array_equal(moved[0], moved[1])
    assert (moved[0] != image).any()
