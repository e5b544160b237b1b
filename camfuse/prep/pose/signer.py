"""Which of the persons in a clip is the signer."""

from collections.abc import Sequence

import numpy as np

from camfuse.prep.pose.estimator import Floats, missing_poses

LEAST_OVERLAP = 0.3
"""Intersection over union above which two boxes show the same person."""


def follow_signer(persons: Sequence[Floats]) -> Floats:
    """Choose one person for the whole clip: the one who is large, sure and there most of the time.

    Going through the frames, each box joins the person whose last box it overlaps most, or begins a new person.
    The signer is the person with the largest sum of score x area.

    Parameters
    ----------
    persons
        For each of T frames (N, 5) x0, y0, x1, y1, score, best first.

    Returns
    -------
    (T, 5) float32: the signer's box in each frame; NaN four times and 0 where the signer was not found.
    """
    tracks: list[dict[int, Floats]] = []
    for time, boxes in enumerate(persons):
        for box in boxes:
            free = [track for track in tracks if time not in track]
            overlaps = [_overlap(box, track[max(track)]) for track in free]
            if overlaps and max(overlaps) >= LEAST_OVERLAP:
                free[int(np.argmax(overlaps))][time] = box
            else:
                tracks.append({time: box})
    chosen = missing_poses(len(persons)).boxes
    if tracks:
        signer = max(tracks, key=lambda track: sum(float(box[4]) * _area(box) for box in track.values()))
        chosen[list(signer)] = list(signer.values())
    return chosen


def _area(box: Floats) -> float:
    return max(float(box[2] - box[0]), 0.0) * max(float(box[3] - box[1]), 0.0)


def _overlap(one: Floats, other: Floats) -> float:
    """Return intersection over union of two boxes."""
    shared = _area(np.concatenate([np.maximum(one[:2], other[:2]), np.minimum(one[2:4], other[2:4])]))
    union = _area(one) + _area(other) - shared
    return shared / union if union > 0 else 0.0
