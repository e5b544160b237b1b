"""Clips whose keypoints are nearly the same though their bytes differ: a re-encoded copy of one recording, say.

A clip is described by `MOMENTS` moments of its sign (`camfuse.data.sequence.normalise`: in units of the shoulders'
distance, cut to where a hand is raised), so that size, place, frame rate and what was cut off at the ends do not count.
Every held-out clip is compared with all clips of earlier splits, by a few coarse numbers (one matrix product a block),
and with the nearest of them point by point.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camfuse.data.sequence import POINTS, evenly, normalise

Array = NDArray[np.float32]

MOMENTS = 12
NEAR = 0.025
"""Distances up to this, in units of the shoulders' distance, are called nearly the same. Chosen on 15 real clips
(MediaPipe) that were encoded again, much smaller or at half the size, of which 12 or 13 are found; most copies at
another frame rate or cut at the start are not. Of other takes of words and letters about one in a hundred is called so,
of letters of a signer whose arms rest, one in twenty."""
FARTHEST = 0.1
"""Share of the points that does not count, those that are farthest apart."""
CANDIDATES = 5
"""Clips that are compared point by point, those that are nearest in the coarse numbers."""
LEAST_SEEN = 0.4
"""Share of the points that two clips have to show both."""
BLOCK = 1024
_USED = [*range(POINTS["body"].start, POINTS["body"].stop), *range(POINTS["left"].start, POINTS["right"].stop)]
_COARSE = [_USED.index(point) for point in (0, 7, 8, 9, 10, 18 + 8, 18 + 20, 39 + 8, 39 + 20)]
"""Nose, elbows, wrists, and of each hand the ends of index and little finger."""


@dataclass(frozen=True)
class Alike:
    """A held-out clip and the clip of an earlier split that is nearly the same, as positions; their distance."""

    clip: int
    other: int
    distance: float


def describe(keypoints: NDArray[np.floating]) -> Array:
    """Return a clip's points (M, P, 2) at M moments of its sign, NaN where not seen.

    Parameters
    ----------
    keypoints
        (T, 133, 3) x, y in any pixels, score.
    """
    return evenly(normalise(keypoints), MOMENTS)[:, _USED]


def undescribed(clips: int) -> Array:
    """Return room for what `describe` gives of so many clips."""
    return np.empty((clips, MOMENTS, len(_USED), 2), np.float32)


def find_alike(clips: Array | Sequence[Array], rank: Sequence[int], near: float = NEAR) -> list[Alike]:
    """Find, for each clip, the nearest one of a lower rank that is nearly the same.

    Parameters
    ----------
    clips
        As `describe` gives them.
    rank
        Of each clip's split: 0 train, 1 val, 2 test.
    near
        Largest distance.
    """
    if not len(clips):
        return []
    points, ranks = np.asarray(clips), np.asarray(rank)
    coarse = _coarse(points)
    found = []
    for held in range(1, int(ranks.max(initial=0)) + 1):
        mine, others = np.flatnonzero(ranks == held), np.flatnonzero(ranks < held)
        if len(mine) and len(others):
            found += [one for one in _nearest(points, coarse, mine, others) if one.distance <= near]
    return sorted(found, key=lambda one: one.clip)


def _coarse(points: Array) -> Array:
    """Return a few numbers of each clip (n, D); what is not seen is as in the mean of all clips."""
    few = points[:, :, _COARSE].reshape(len(points), -1)
    seen = np.isfinite(few)
    mean = np.where(seen, few, 0).sum(0) / np.maximum(seen.sum(0), 1)
    return np.where(seen, few - mean, np.float32(0)).astype(np.float32)


def _nearest(points: Array, coarse: Array, mine: NDArray[np.intp], others: NDArray[np.intp]) -> Iterator[Alike]:
    theirs = coarse[others]
    squares = np.square(theirs).sum(1)
    kept = min(CANDIDATES, len(others))
    for start in range(0, len(mine), BLOCK):
        block = mine[start : start + BLOCK]
        # of |a - b|^2 the part that differs between the others
        distance = squares - 2 * (coarse[block] @ theirs.T)
        candidates = others[np.argpartition(distance, kept - 1, axis=1)[:, :kept]]
        exact = np.stack([between(points[block], points[candidates[:, rank]]) for rank in range(kept)], axis=1)
        best = exact.argmin(1)
        for row, clip in enumerate(block.tolist()):
            yield Alike(clip, int(candidates[row, best[row]]), float(exact[row, best[row]]))


def between(one: Array, other: Array) -> Array:
    """Return the distance of clips (n, M, P, 2): root mean square over what both show, without the farthest tenth.

    A hand that an estimator has found in one of them only, or elsewhere for a moment, so does not count. Infinite where
    both show too little.
    """
    apart = np.square(one - other).sum(-1).reshape(len(other), -1)
    shown = [np.isfinite(clips[..., 0]).sum((-2, -1)) for clips in (one, other)]
    count = np.isfinite(apart).sum(1)
    kept = np.ceil(count * (1 - FARTHEST)).astype(np.intp)
    ordered = np.sort(apart, axis=1)  # NaN comes last
    total = np.cumsum(np.where(np.isfinite(ordered), ordered, 0), axis=1)
    mean = total[np.arange(len(total)), np.maximum(kept, 1) - 1] / np.maximum(kept, 1)
    enough = (count > 0) & (count >= LEAST_SEEN * np.maximum(*shown))
    return np.where(enough, np.sqrt(mean), np.inf).astype(np.float32)
