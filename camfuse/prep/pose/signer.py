"""Which of the persons in a clip is the signer, and what to do where the signer was lost."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from camfuse.prep.pose.estimator import Floats, missing_poses

LEAST_OVERLAP = 0.3
"""Intersection over union from which on two boxes, one frame after the other, show the same person."""
FARTHEST_STEP = 0.5
"""How far a person may have moved while lost, in sides of the box; farther off, it is another person."""
LARGEST_GROWTH = 2.0
"""How much larger or smaller the box of a person may have become while lost, in area."""
LIVELY = 0.2
"""How far width and height of a signing person's box range together, in sides of the box. Seen with MediaPipe on 16
WLASL signers: 0.15 to 1 in 13 of them, 0.04 to 0.07 in 3 with the hands before the body; in a still person below 0.02,
but up to 0.13 where the detector now and then loses the hips."""
STILL = 0.5
"""What the size of a person counts who does not move at all: up to twice as large, it is not the signer."""

Track = dict[int, int]
"""One person: the frames, and which of the frame's boxes it is."""


def choose_signer(persons: Sequence[Floats]) -> NDArray[np.int64]:
    """Choose one person for the whole clip: the one who is large, sure, there most of the time, and moves.

    From frame to frame, boxes that overlap most are the same person. The signer is the person with the largest sum of
    score x size; the size is the root of the area, lest a box around everything in one frame outweigh a person. A
    person whose box hardly changes its shape, since the arms are still, counts less, down to `STILL`. Nobody
    takes the signer's place in frames where the signer was lost, but for a person who is there only then, at the
    signer's place and of the signer's size: that is the signer, found again.

    Parameters
    ----------
    persons
        For each of T frames (N, 5) x0, y0, x1, y1, score.

    Returns
    -------
    (T,) which of the frame's boxes is the signer; -1 where none is.
    """
    tracks = _tracks(persons)
    chosen = np.full(len(persons), -1, np.int64)
    if tracks:
        tracks.sort(key=lambda track: -_weight(np.stack([persons[time][row] for time, row in track.items()])))
        signer = _joined(tracks, persons)
        chosen[list(signer)] = list(signer.values())
    return chosen


def follow_signer(persons: Sequence[Floats]) -> Floats:
    """Return the signer's box (T, 5) in each frame, by `choose_signer`; NaN four times and 0 where none is."""
    boxes = missing_poses(len(persons)).boxes
    for time, row in enumerate(choose_signer(persons)):
        if row >= 0:
            boxes[time] = persons[time][row]
    return boxes


def fill_gaps(rows: Floats, longest: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Interpolate in time where nothing was seen for a few frames; longer gaps and those at the ends stay.

    Parameters
    ----------
    rows
        Boxes (T, 5) or keypoints (T, K, 3), the score last: NaN and 0 where not seen.
    longest
        Frames that a gap may have.

    Returns
    -------
    rows, filled
        The rows, and which of the T were filled. A keypoint is filled if it was seen at both ends of the gap.
    """
    out, filled = rows.copy(), np.zeros(len(rows), np.bool_)
    seen = np.flatnonzero(_seen(rows)).tolist()
    for before, after in pairwise(seen):
        if 1 < after - before <= longest + 1:
            for time in range(before + 1, after):
                share = np.float32((time - before) / (after - before))
                out[time] = rows[before] + share * (rows[after] - rows[before])
            gap = slice(before + 1, after)
            out[gap][np.isnan(out[gap][..., 0]), -1] = 0
            filled[gap] = _seen(out[gap])
    return out, filled


def _seen(rows: Floats) -> NDArray[np.bool_]:
    """Return, for each frame, whether anything was seen."""
    seen = ~np.isnan(rows[..., 0])
    return np.asarray(seen.reshape(len(rows), int(np.prod(seen.shape[1:]))).any(axis=1))


def _tracks(persons: Sequence[Floats]) -> list[Track]:
    """Part the boxes into persons; the pairs that overlap most are joined first."""
    tracks: list[Track] = []
    last = np.zeros((0, 5), np.float32)
    for time, boxes in enumerate(persons):
        overlaps = _overlaps(last, boxes)
        owner = np.full(len(boxes), -1)
        for flat in np.argsort(-overlaps, axis=None, kind="stable"):
            track, row = divmod(int(flat), len(boxes))
            if overlaps[track, row] < LEAST_OVERLAP:
                break
            if owner[row] < 0 and time not in tracks[track]:
                owner[row] = track
                tracks[track][time] = row
        tracks += [{time: int(row)} for row in np.flatnonzero(owner < 0)]
        last = np.array([persons[max(track)][track[max(track)]] for track in tracks], np.float32).reshape(-1, 5)
    return tracks


def _joined(tracks: Sequence[Track], persons: Sequence[Floats]) -> Track:
    """Return the first track, and those of the others that continue it where it breaks off."""
    signer = dict(tracks[0])
    waiting = list(tracks[1:])
    while True:
        for track in waiting:
            if not track.keys() & signer.keys() and _goes_on(track, signer, persons):
                break
        else:
            return signer
        signer |= track
        waiting.remove(track)


def _goes_on(track: Track, signer: Track, persons: Sequence[Floats]) -> bool:
    """Whether a track is where the signer was last, or is next, and of that size."""
    time, near = min(
        ((time, near) for time in (min(track), max(track)) for near in signer), key=lambda pair: abs(pair[0] - pair[1])
    )
    one, other = persons[time][track[time]], persons[near][signer[near]]
    sides = (one[2:4] - one[:2] + other[2:4] - other[:2]) / 2
    step = np.abs(one[:2] + one[2:4] - other[:2] - other[2:4]) / 2
    areas = sorted((_area(one), _area(other)))
    return bool((step <= FARTHEST_STEP * sides).all()) and areas[1] <= LARGEST_GROWTH * areas[0]


def _area(box: Floats) -> float:
    return max(float(box[2] - box[0]), 0.0) * max(float(box[3] - box[1]), 0.0)


def _weight(boxes: Floats) -> float:
    """Return how much speaks for one person, whose boxes (N, 5) these are, being the signer."""
    shape = np.maximum(boxes[:, 2:4] - boxes[:, :2], 0).astype(np.float64)
    sizes = np.sqrt(shape.prod(axis=1))
    low, high = np.percentile(shape, [10, 90], axis=0)  # not the extremes: one wrong box is no movement
    moved = float((high - low).sum()) / max(float(sizes.mean()), 1e-9)
    return float(boxes[:, 4] @ sizes) * min(max(moved / LIVELY, STILL), 1.0)


def _overlaps(one: Floats, other: Floats) -> Floats:
    """Return intersection over union of each pair of boxes (N, M)."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:4], other[None, :, 2:4])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = [np.prod(np.maximum(boxes[:, 2:4] - boxes[:, :2], 0), axis=-1) for boxes in (one, other)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), np.float32)
