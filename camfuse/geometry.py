"""The conventions of places in images: pixel centres, affines, points that were not seen.

A place is x to the right and y down, in pixels; 0 is the centre of the first pixel, so that an image of W columns spans
-0.5 .. W - 0.5. A keypoint is x, y, score; one that was not seen is NaN, NaN, 0.
"""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Places = TypeVar("Places")

UNSEEN = (np.nan, np.nan, 0.0)
"""x, y, score of a keypoint that was not seen."""


def rescale(places: Places, scale: Any) -> Places:
    """Return places in the pixels of the image resized by a scale: what was its edge, half a pixel out, stays its edge.

    Parameters
    ----------
    places
        An array or a tensor, of any shape, of x or y or both.
    scale
        New pixels per old pixel: a number, or one each for x and y along the last axis.
    """
    moved: Any = places
    rescaled: Places = (moved + 0.5) * scale - 0.5
    return rescaled


def rescale_points(points: Floats, scale: Any) -> Floats:
    """Return (..., 2 or 3) points with x and y rescaled as in `rescale`; the score and the dtype stay."""
    moved = points.copy()
    moved[..., :2] = rescale(points[..., :2], scale)
    return moved


def transform_points(points: Floats, affine: Floats) -> Floats:
    """Return (..., 2 or 3) points moved by an affine (2, 3), computed in float64; scores, NaN and the dtype stay."""
    moved = points.copy()
    moved[..., :2] = points[..., :2].astype(np.float64) @ affine[:, :2].T + affine[:, 2]
    return moved


def unseen_points(*shape: int) -> NDArray[np.float32]:
    """Return keypoints (*shape, 3) float32 of which none was seen."""
    points = np.empty((*shape, 3), np.float32)
    points[:] = UNSEEN
    return points


def hide_points(points: NDArray[np.float32], unseen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return a copy of keypoints (..., 3) in which those of the mask `unseen` (...) were not seen."""
    hidden = points.copy()
    hidden[unseen] = UNSEEN
    return hidden
