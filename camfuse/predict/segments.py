"""When something is signed: stretches of a recording in which a hand is away from its rest.

Found from keypoints alone, without a model. A hand rests where it hangs, lies in the lap or stands still low for a
while, and where it is not seen; it also rests where it stands perfectly still for very long, as under a chin. What
lies between is taken to be signed. Movement that is no sign, such as a hand through the hair, is a segment too: whether
it is a known sign is the recogniser's to say. Signs that follow each other without a rest are one segment.

T frames of a recording. Places are in units of the distance of the shoulders, from their middle, x to the image's
right and y down.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camfuse.skeleton import LEFT_HAND, NUM_KEYPOINTS, RIGHT_HAND

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SHOULDERS = (5, 6)
ARMS = ((9, LEFT_HAND), (10, RIGHT_HAND))
"""Of each side the wrist as the body's part, and the hand, whose first point is the wrist too."""


@dataclass(frozen=True)
class Segment:
    """A stretch of a recording.

    Attributes
    ----------
    first, stop
        Its frames, from 0: the first, and the one after the last.
    fps
        Frames per second of the recording.
    """

    first: int
    stop: int
    fps: float

    @property
    def start(self) -> float:
        """When it begins, in seconds from the recording's beginning."""
        return self.first / self.fps

    @property
    def end(self) -> float:
        """When it ends, likewise."""
        return self.stop / self.fps


@dataclass(frozen=True)
class Activity:
    """What counts as active; how the numbers were found, `benchmarks/results/segments.md` says.

    Attributes
    ----------
    rise
        How far above its rest a hand has to be at least once in a segment.
    leave
        How far above its rest a hand is in all of a segment.
    rest
        y of a hand at rest where the recording shows none.
    low
        Least y of a place in which a hand can rest: what stands still higher up is a sign's hold.
    still
        Fastest speed of a hand that stands still, in units per second.
    settled
        Shortest rest in seconds.
    hold
        Longest time in seconds that a raised hand stands still within a sign.
    gap
        Longest time in seconds between two parts of one sign.
    shortest
        Shortest sign in seconds.
    """

    rise: float = 0.45
    leave: float = 0.25
    rest: float = 1.25
    low: float = 0.6
    still: float = 0.3
    settled: float = 0.4
    hold: float = 3.0
    gap: float = 0.4
    shortest: float = 0.25


def find_segments(keypoints: NDArray[np.floating], fps: float, activity: Activity = Activity()) -> list[Segment]:
    """Return the stretches of a recording in which something is signed, in their order; none where nothing is.

    Parameters
    ----------
    keypoints
        (T, 133, 3) x, y (any pixels) and score; NaN or score 0: not seen. It is not changed.
    fps
        Frames per second.
    activity
        What counts as active.

    Raises
    ------
    ValueError
        If the shape is another, or `fps` is not positive.
    """
    if keypoints.ndim != 3 or keypoints.shape[1:] != (NUM_KEYPOINTS, 3):
        raise ValueError(f"expected keypoints (T, {NUM_KEYPOINTS}, 3), found {keypoints.shape}")
    if not (np.isfinite(fps) and fps > 0):
        raise ValueError(f"expected frames per second above 0, found {fps}")
    if len(keypoints) == 0:
        return []
    seen = np.isfinite(keypoints).all(-1) & (keypoints[..., 2] > 0)
    places = _in_body_units(np.where(seen[..., None], keypoints[..., :2], np.nan).astype(np.float64), fps)
    far = [_distance_from_rest(_hand_place(places, arm, hand, fps), fps, activity) for arm, hand in ARMS]
    distance = np.maximum(*far)
    return [
        Segment(first, stop, fps)
        for first, stop in _closed(distance > activity.leave, round(activity.gap * fps))
        if stop - first >= activity.shortest * fps and distance[first:stop].max() > activity.rise
    ]


def _in_body_units(places: Floats, fps: float) -> Floats:
    """Return (T, 133, 2) from the middle of the shoulders, which may move slowly, in units of their distance.

    Without shoulders nobody's hands can be placed: all is NaN.
    """
    left, right = (places[:, shoulder] for shoulder in SHOULDERS)
    widths = np.linalg.norm(left - right, axis=1)
    widths = np.where(widths > 0, widths, np.nan)  # shoulders at one place are none
    if np.isnan(widths).all():
        return np.full_like(places, np.nan)
    middle = _smooth(_without_gaps((left + right) / 2, len(places)), round(fps))
    width = _smooth(_without_gaps(widths[:, None], len(places)), round(2 * fps))
    return (places - middle[:, None]) / width[:, None]


def _hand_place(places: Floats, arm: int, hand: tuple[int, ...], fps: float) -> Floats:
    """Return where a hand's wrist is (T, 2): the hand's own, which is more exact, or else the arm's; NaN if neither."""
    own = places[:, hand[0]]
    wrist = np.where(np.isfinite(own), own, places[:, arm])
    return _smooth(_without_gaps(wrist, round(0.3 * fps)), round(0.15 * fps))


def _distance_from_rest(place: Floats, fps: float, activity: Activity) -> Floats:
    """Return how far above its rest a hand is (T): 0 where it is not seen, rests, or stands still for very long."""
    still = _speed(place, fps) < activity.still  # not where it is NaN
    rests = [run for run in _runs(still & (place[:, 1] > activity.low)) if run[1] - run[0] >= activity.settled * fps]
    distance = np.nan_to_num(np.maximum(_rest_height(place[:, 1], rests, activity.rest) - place[:, 1], 0))
    for first, stop in [*rests, *(run for run in _runs(still) if run[1] - run[0] > activity.hold * fps)]:
        distance[first:stop] = 0
    return distance


def _speed(place: Floats, fps: float) -> Floats:
    """Return the speed (T) over about a fifth of a second."""
    half = max(1, round(0.1 * fps))
    padded = np.pad(place, ((half, half), (0, 0)), mode="edge")
    speed: Floats = np.linalg.norm(padded[2 * half :] - padded[: -2 * half], axis=1) * fps / (2 * half)
    return speed


def _rest_height(y: Floats, rests: list[tuple[int, int]], otherwise: float) -> Floats:
    """Return y of the rest (T): the higher one of the rests before and after, so that the way between them is none."""
    if not rests:
        return np.full(len(y), otherwise)
    levels = np.array([np.inf, *(np.median(y[slice(*run)]) for run in rests), np.inf])
    before = np.searchsorted([first for first, _ in rests], np.arange(len(y)), side="right")
    heights: Floats = np.minimum(levels[before], levels[before + 1])
    return heights


def _closed(active: Flags, gap: int) -> list[tuple[int, int]]:
    """Return first and stop of each run of active frames; runs that at most `gap` frames part are one."""
    joined: list[tuple[int, int]] = []
    for first, stop in _runs(active):
        if joined and first - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((first, stop))
    return joined


def _runs(flags: Flags) -> list[tuple[int, int]]:
    """Return first and stop of each run of true frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]


def _without_gaps(values: Floats, longest: int) -> Floats:
    """Return (T, D) with what is missing interpolated, where at most `longest` frames in a row are missing."""
    missing = np.asarray(np.isnan(values).any(axis=1))
    if missing.all():
        return values
    times = np.arange(len(values))
    filled = np.stack([np.interp(times, times[~missing], column[~missing]) for column in values.T], 1)
    for first, stop in _runs(missing):
        if stop - first > longest:
            filled[first:stop] = np.nan
    return filled


def _smooth(values: Floats, frames: int) -> Floats:
    """Return (T, D) as running medians of an odd number of frames, about `frames`; at the ends of those there are."""
    half = frames // 2
    if half == 0:
        return values
    padded = np.pad(values, ((half, half), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0)
    medians: Floats = np.median(windows, axis=-1)
    return medians
