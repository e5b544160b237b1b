"""How well a clip's pose was found: figures for the report."""

import numpy as np
from numpy.typing import NDArray

from camfuse.skeleton import BODY, FACE, LEFT_HAND, LOWER_BODY, RIGHT_HAND

UPPER_BODY = [point for point in BODY if point not in LOWER_BODY]
SHOULDERS = [5, 6]

PARTS: dict[str, tuple[int, ...]] = {"body": BODY, "face": FACE, "left_hand": LEFT_HAND, "right_hand": RIGHT_HAND}
"""The parts that a detection rate is given for, and their keypoints."""


def detection_rates(keypoints: NDArray[np.float32]) -> dict[str, float]:
    """Return, for each of `PARTS`, the share of frames in which any of its points was seen.

    Parameters
    ----------
    keypoints
        (T, 133, 3) x, y, score; NaN where not seen. T >= 1.
    """
    seen = ~np.isnan(keypoints[..., 0])
    return {part: float(seen[:, list(points)].any(axis=1).mean()) for part, points in PARTS.items()}


def longest_gap(keypoints: NDArray[np.float32]) -> int:
    """Return the largest number of frames in a row in which nothing of the body was seen.

    Parameters
    ----------
    keypoints
        (T, 133, 3) x, y, score; NaN where not seen.
    """
    lost = np.isnan(keypoints[:, list(BODY), 0]).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def jitter(keypoints: NDArray[np.float32]) -> float:
    """Return how much the upper body trembles: the median step that a frame makes off the middle of its neighbours.

    A steady movement has none, whatever its speed.

    Parameters
    ----------
    keypoints
        (T, 133, 3) x, y, score; NaN where not seen.

    Returns
    -------
    float
        As a fraction of the distance between the shoulders; NaN where no point was seen in three frames in a row.
    """
    places = keypoints[:, UPPER_BODY, :2].astype(np.float64)
    off = np.linalg.norm(places[1:-1] - (places[:-2] + places[2:]) / 2, axis=-1)
    left, right = (keypoints[:, point, :2].astype(np.float64) for point in SHOULDERS)
    widths = np.linalg.norm(left - right, axis=-1)
    off, widths = off[np.isfinite(off)], widths[np.isfinite(widths)]
    if not len(off) or not len(widths) or not np.median(widths) > 0:
        return float("nan")
    return float(np.median(off) / np.median(widths))
