"""The way of every top-down estimator: persons in each frame, the signer among them, the keypoints of the signer."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from camfuse.prep.pose.estimator import ClipFrames, Floats, Poses, missing_poses
from camfuse.prep.pose.signer import fill_gaps, follow_signer

Images = Sequence[NDArray[np.uint8]]


class Detector(Protocol):
    """Finds persons in batches of frames."""

    def detect(self, frames: Images, least: float) -> list[Floats]:
        """Return, for each frame (RGB), (N, 5) x0, y0, x1, y1, score of the persons of score `least` and more."""
        ...


class Keypoints(Protocol):
    """Estimates one person's keypoints in each of some frames."""

    def keypoints(self, frames: Images, boxes: Floats) -> Floats:
        """Return (B, 133, 3) x, y, score in pixels of the frames (RGB); `boxes` (B, 4) are the persons'."""
        ...


def signer_poses(
    frames: ClipFrames, detector: Detector, network: Keypoints, *, batch: int, least: float, fill: int
) -> Poses:
    """Estimate the signer's pose in every frame in which the signer was detected, or lost for a few frames only.

    In those (`filled`) the box is interpolated and the keypoints are estimated in it.

    Parameters
    ----------
    batch
        Frames that are decoded and run at once.
    least
        Persons below this score are not seen.
    fill
        Frames that a gap may have.
    """
    persons = [found for images in frames.batches(batch) for found in detector.detect(images, least)]
    boxes, filled = fill_gaps(follow_signer(persons), fill)
    keypoints = missing_poses(len(frames)).keypoints
    seen = np.flatnonzero(~np.isnan(boxes[:, 0]))
    for rows in (seen[start : start + batch] for start in range(0, len(seen), batch)):
        keypoints[rows] = seen_points(network.keypoints([frames[row] for row in rows], boxes[rows, :4]))
    return Poses(keypoints, boxes, filled)


def seen_points(keypoints: Floats) -> Floats:
    """Return keypoints (..., 3) with scores in 0..1; where the network's peak is not above 0, NaN, NaN, 0."""
    out = keypoints.copy()
    out[..., 2] = np.clip(keypoints[..., 2], 0, 1)
    out[keypoints[..., 2] <= 0] = (np.nan, np.nan, 0)
    return out
