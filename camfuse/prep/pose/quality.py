"""How well a clip's pose was found: figures for the report."""

import numpy as np
from numpy.typing import NDArray

from camfuse.skeleton import BODY, FACE, LEFT_HAND, RIGHT_HAND

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
