"""A clip's keypoints as a sequence: from pixels to body units.

The points of a signer are (T, N, 2) float32 in units of the distance of the shoulders, from their middle, x to the
image's right and y down; a point that is not seen is NaN, NaN. What is done to a clip in training
(`camfuse.data.sequence_augment`) is done to these; `camfuse.data.sequence_channels` makes of them what a network sees.

T frames of a clip, N points (`KEYPOINTS`).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from camfuse.skeleton import LEFT_HAND, MIRROR, NUM_KEYPOINTS, RIGHT_HAND

Array = NDArray[np.float32]
Flags = NDArray[np.bool_]

BODY = tuple(range(11))
"""Head, shoulders and arms."""
FACE = (31, 42, 47, 71, 74, 77, 80)
"""Chin, the middle of each brow, and the outer lips' corners and middles."""
KEYPOINTS = (*BODY, *FACE, *LEFT_HAND, *RIGHT_HAND)
"""Which of the 133 keypoints are used, in the order of the N points."""
NUM_POINTS = len(KEYPOINTS)
POINTS: Mapping[str, slice] = {
    "body": slice(0, 11),
    "face": slice(11, 18),
    "left": slice(18, 39),
    "right": slice(39, 60),
}
"""Where a part's points stand among the N."""
MIRRORED = tuple(KEYPOINTS.index(MIRROR[keypoint]) for keypoint in KEYPOINTS)
"""``points[:, MIRRORED]`` swaps the signer's sides."""
LEFT_SHOULDER, RIGHT_SHOULDER = 5, 6
WRISTS, SIDES = (9, 10), ("left", "right")
PALM_OF_SHOULDERS = 0.25
"""Length of a palm (wrist to knuckle) in units of the shoulders' distance, for clips that show no shoulders."""
GAP = 0.15
"""Longest gap that is filled by interpolation, as a share of the clip."""
MARGIN = 0.05
"""What is kept before and after the sign, as a share of the clip."""
RAISED = 0.35
"""Share of the way up from which a hand counts as raised."""
LEAST_RISE = 0.5
"""Least way up for that, in units of the shoulders' distance."""


def normalise(keypoints: NDArray[np.floating]) -> Array:
    """Return the points of a clip, cut to the part in which a hand is seen.

    Parameters
    ----------
    keypoints
        (T, 133, 3) x, y (any pixels) and score; NaN or score 0: not seen. It is not changed.

    Returns
    -------
    points
        (T', N, 2), as `body_units` gives them.

    Raises
    ------
    ValueError
        If the shape is another.
    """
    points = body_units(keypoints)
    return points[active_part(points)]


def body_units(keypoints: NDArray[np.floating]) -> Array:
    """Return the points of a whole clip: (T, N, 2), see the module; parameters and errors as `normalise` has them.

    Without shoulders the unit is four palms, and the origin the middle of the hands.
    """
    if keypoints.ndim != 3 or keypoints.shape[1:] != (NUM_KEYPOINTS, 3) or len(keypoints) == 0:
        raise ValueError(f"expected keypoints (T, {NUM_KEYPOINTS}, 3) of one frame or more, found {keypoints.shape}")
    chosen = keypoints[:, KEYPOINTS].astype(np.float64)
    seen = np.isfinite(chosen).all(-1) & (chosen[..., 2] > 0)
    places = np.where(seen[..., None], chosen[..., :2], np.nan)
    centre, unit = _frame(places)
    return fill_gaps(((places - centre) / unit).astype(np.float32), int(GAP * len(places)))


def _frame(places: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the origin (2) and the unit in pixels: the clip's medians, which a turn of the body does not move.

    Points that lie at one place give no unit: who fills up what is missing with zeros gives no length either.
    """
    left, right = places[:, LEFT_SHOULDER], places[:, RIGHT_SHOULDER]
    width = _lengths(left - right)
    if np.isfinite(width).any():
        return np.nanmedian((left + right) / 2, axis=0), float(np.nanmedian(width))
    hands = [places[:, POINTS[side]] for side in ("left", "right")]
    palms = np.concatenate([_lengths(hand[:, 9] - hand[:, 0]) for hand in hands])
    wrists = np.concatenate([hand[:, 0] for hand in hands])
    if np.isfinite(palms).any():
        return np.nanmedian(wrists, axis=0), float(np.nanmedian(palms)) / PALM_OF_SHOULDERS
    return np.zeros(2), 1.0


def _lengths(apart: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lengths of vectors (n, 2); NaN where there is none."""
    lengths = np.linalg.norm(apart, axis=1)
    return np.where(lengths > 0, lengths, np.nan)


def fill_gaps(points: Array, longest: int) -> Array:
    """Return (T, N, 2) with gaps of at most `longest` frames, between frames that show the point, interpolated."""
    seen, times = np.isfinite(points[..., 0]), np.arange(len(points))[:, None]
    before = np.maximum.accumulate(np.where(seen, times, -1))
    after = np.minimum.accumulate(np.where(seen, times, len(points))[::-1])[::-1]
    fillable = ~seen & (before >= 0) & (after < len(points)) & (after - before <= longest + 1)
    frames, columns = np.nonzero(fillable)
    first, last = before[frames, columns], after[frames, columns]
    share = ((frames - first) / (last - first)).astype(np.float32)[:, None]
    filled = points.copy()
    filled[frames, columns] = points[first, columns] * (1 - share) + points[last, columns] * share
    return filled


def active_part(points: Array) -> slice:
    """Return the frames of the sign, with a margin: hands that hang, or lie in the lap, are before and after it.

    First what lies before and after the frames that show a hand is cut, then what lies before and after the frames in
    which a hand is raised: by more than `RAISED` of the way from the clip's lowest place of the higher hand to its
    highest. A clip whose hands stay at one height is only cut by the first rule.
    """
    seen = np.isfinite(points[:, POINTS["left"].start :, 0])
    shown = _span(np.asarray(seen.any(1)), len(points))
    cut = points[shown]
    height = -np.fmin(*(_wrist(cut, arm, POINTS[side].start)[:, 1] for arm, side in zip(WRISTS, SIDES, strict=True)))
    if not np.isfinite(height).any():
        return shown
    low, high = np.nanpercentile(height, (2, 95))
    if high - low < LEAST_RISE:
        return shown
    raised = _span(height > low + RAISED * (high - low), len(cut))
    return slice(shown.start + raised.start, shown.start + raised.stop)


def _wrist(points: Array, arm: int, hand: int) -> Array:
    """Return the wrist (T, 2) of the arm, or where it is not seen the hand's own."""
    return np.where(np.isfinite(points[:, arm]), points[:, arm], points[:, hand])


def _span(wanted: Flags, total: int) -> slice:
    """Return the frames from the first to the last wanted one with a margin, all where none is."""
    frames = np.flatnonzero(wanted)
    if len(frames) == 0:
        return slice(0, total)
    margin = 1 + int(MARGIN * total)
    return slice(max(0, int(frames[0]) - margin), min(total, int(frames[-1]) + 1 + margin))


def resample(points: Array, times: NDArray[np.floating] | Sequence[float]) -> Array:
    """Return the points (len(times), N, 2) at `times`, in frames from 0 to T - 1, by linear interpolation.

    Between a frame that shows a point and one that does not, the nearer of the two counts.
    """
    at = np.clip(np.asarray(times, np.float64), 0, len(points) - 1)
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, len(points) - 1)
    share = (at - low).astype(np.float32)[:, None, None]
    before, after = points[low], points[high]
    mixed = before + (after - before) * share
    nearer = np.where(share < 0.5, before, after)
    return np.where(np.isfinite(mixed), mixed, nearer)


def evenly(points: Array, frames: int, *, start: float = 0.0, end: float = 1.0) -> Array:
    """Return `frames` frames, evenly from `start` to `end` (shares of the clip's length)."""
    last = len(points) - 1
    return resample(points, np.linspace(start * last, end * last, frames))


def mirror(points: Array) -> Array:
    """Return what the mirrored video would give: x changes sign, and the signer's sides change places."""
    return points[..., MIRRORED, :] * np.array([-1, 1], np.float32)
