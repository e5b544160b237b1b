"""Hands drawn larger than they lie: every hand's points about its own middle, zoomed by one factor per clip.

On a crop of 128 pixels a hand is a blob of some 20, five of its heatmaps' pixels. Drawn about its own middle so that it
fills half of the map, its fingers stand apart; where it is in the crop, the wrist of the body still says.

T frames; keypoints are x, y in pixels of the crop and score, as `camfuse.prep.crops` gives them. A point that is NaN or
has a score of 0 was not seen: it moves nothing, and its map stays empty.
"""

import numpy as np
from numpy.typing import NDArray

from camfuse.geometry import Floats
from camfuse.skeleton import LEFT_HAND, RIGHT_HAND

HANDS = (LEFT_HAND, RIGHT_HAND)
REACH = 2.0
"""Side of a zoomed hand's map, in units of the clip's hand."""
SMALLEST = 4.0
"""Crop pixels that a clip's hand has at least: a smaller one is an estimate's noise."""
QUANTILE = 0.8
"""Of the sides of a clip's hands: an open hand, seen from the front, but no slip of the estimator."""


def hand_zoom(keypoints: Floats, size: int) -> float:
    """Return by how much a clip's hands are zoomed: one factor for both, so that they keep their sizes to each other.

    Parameters
    ----------
    keypoints
        (T, 133, 3) of the whole clip, before any augmentation.
    size
        Side of the crop in pixels.

    Returns
    -------
    float
        Crop pixels per crop pixel: `size` over `REACH` times the clip's hand, which is the `QUANTILE` of the longer
        sides of the boxes around hands that are seen whole; 1 where none is.
    """
    sides: list[float] = []
    for hand in HANDS:
        points = keypoints[:, list(hand)]
        whole = points[_seen(points).all(1)][..., :2]
        sides += (whole.max(1) - whole.min(1)).max(1).tolist()
    return size / (REACH * max(SMALLEST, float(np.quantile(sides, QUANTILE)))) if sides else 1.0


def zoom_hands(keypoints: Floats, size: int, zoom: float) -> Floats:
    """Return keypoints with each hand's points about the middle of the crop, `zoom` times as far apart.

    Parameters
    ----------
    keypoints
        (T, 133, 3). They are not changed.
    size
        Side of the crop in pixels.
    zoom
        As `hand_zoom` gives it.

    Returns
    -------
    NDArray
        Like `keypoints`. What is moved to the middle is, in each frame, that of the box around the hand's seen points;
        all other points are where they were.
    """
    out = keypoints.copy()
    for hand in HANDS:
        points = keypoints[:, list(hand)]
        seen = _seen(points)[..., None]
        places = np.where(seen, points[..., :2], np.nan)  # (T, 21, 2)
        middle = (np.fmax.reduce(places, axis=1) + np.fmin.reduce(places, axis=1))[:, None] / 2
        out[:, list(hand), :2] = np.where(seen, (size - 1) / 2 + (places - middle) * zoom, points[..., :2])
    return out


def _seen(points: Floats) -> NDArray[np.bool_]:
    """Return which points (..., 3) were seen (...)."""
    return np.asarray(np.isfinite(points).all(-1) & (points[..., 2] > 0))
