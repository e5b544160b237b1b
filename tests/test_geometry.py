"""Pixel centres, affines, unseen points."""

import numpy as np
import pytest

from camfuse.geometry import UNSEEN, hide_points, rescale, rescale_points, transform_points, unseen_points


def test_edges_stay_edges_and_centres_stay_centres() -> None:
    width = 40
    assert rescale(-0.5, 0.25) == -0.5
    assert rescale(width - 0.5, 0.25) == 10 - 0.5
    assert rescale((width - 1) / 2, 0.25) == (10 - 1) / 2
    assert rescale(rescale(3.0, 4.0), 0.25) == 3.0


def test_x_and_y_may_have_scales_of_their_own() -> None:
    points = np.array([[-0.5, 1.5, 0.7], [np.nan, np.nan, 0]], np.float32)
    moved = rescale_points(points, np.array([2, 0.5], np.float32))
    np.testing.assert_array_equal(moved, np.array([[-0.5, 0.5, 0.7], UNSEEN], np.float32))
    assert moved.dtype == np.float32
    assert points[0, 1] == 1.5  # the caller's array stays


def test_tensors_are_rescaled_too() -> None:
    torch = pytest.importorskip("torch")
    assert torch.equal(rescale(torch.tensor([-0.5, 1.5]), 0.5), torch.tensor([-0.5, 0.5]))


def test_an_affine_moves_places_and_nothing_else() -> None:
    turn = np.array([[0.0, -1, 5], [1, 0, 7]])
    points = np.array([[[1, 2, 0.5], [np.nan, np.nan, 0]]], np.float32)
    moved = transform_points(points, turn)
    np.testing.assert_array_equal(moved, np.array([[[3, 8, 0.5], UNSEEN]], np.float32))
    assert moved.dtype == np.float32
    np.testing.assert_array_equal(transform_points(np.array([[1.0, 2.0]]), turn), [[3, 8]])


def test_a_shift_of_half_a_pixel_agrees_with_rescaling() -> None:
    scale = 0.25
    affine = np.array([[scale, 0, 0.5 * scale - 0.5], [0, scale, 0.5 * scale - 0.5]])
    points = np.random.default_rng(1).uniform(0, 100, (5, 2))
    np.testing.assert_allclose(transform_points(points, affine), rescale_points(points, scale), rtol=1e-12)


def test_unseen_points() -> None:
    points = unseen_points(2, 3)
    assert (points.shape, points.dtype) == ((2, 3, 3), np.float32)
    assert np.isnan(points[..., :2]).all() and not points[..., 2].any()
    seen = np.ones((2, 3, 3), np.float32)
    mask = np.array([[True, False, False], [False, False, True]])
    hidden = hide_points(seen, mask)
    np.testing.assert_array_equal(np.isnan(hidden[..., 0]), mask)
    assert (hidden[mask][:, 2] == 0).all() and (seen == 1).all()
