"""Poses that came out of a file, of whatever format: one or more persons over time."""

from dataclasses import dataclass

import numpy as np

from camfuse.geometry import hide_points, unseen_points
from camfuse.prep.pose.estimator import Floats, tight_boxes
from camfuse.prep.pose.signer import choose_signer
from camfuse.skeleton import NUM_KEYPOINTS


@dataclass(frozen=True)
class StoredPoses:
    """Keypoints of M persons over T frames.

    Attributes
    ----------
    keypoints
        (M, T, 133, 3) x, y, score in pixels (0 = centre of the first pixel); NaN, NaN, 0 where not seen.
    width, height
        Size of the image in pixels.
    fps
        Frames per second; 0 where the file does not say.
    """

    keypoints: Floats
    width: int
    height: int
    fps: float

    def __len__(self) -> int:
        """Return the number of frames T."""
        return int(self.keypoints.shape[1])

    def signer(self) -> Floats:
        """Return the keypoints (T, 133, 3) of one person: the only one, or the signer among several.

        The persons of a file need not be in the same order in every frame.
        """
        if len(self.keypoints) == 1:
            return np.array(self.keypoints[0])
        boxes = np.stack([tight_boxes(person) for person in self.keypoints], axis=1)
        seen = [np.flatnonzero(boxes[time, :, 4] > 0) for time in range(len(self))]
        chosen = choose_signer([boxes[time, rows] for time, rows in enumerate(seen)])
        out = unseen_points(len(self), NUM_KEYPOINTS)
        for time, row in enumerate(chosen):
            if row >= 0:
                out[time] = self.keypoints[seen[time][row], time]
        return out


def seen_only(keypoints: Floats) -> Floats:
    """Return x, y, score (..., 3), scores in 0..1; NaN, NaN, 0 where a score is not above 0 or a number infinite."""
    out = keypoints.astype(np.float32)
    unseen = ~(out[..., 2] > 0) | ~np.isfinite(out).all(axis=-1)
    out[..., 2] = np.minimum(out[..., 2], 1)
    return hide_points(out, unseen)
