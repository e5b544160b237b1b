"""What a network sees of the points of a signer: (T, N, 2) as `camfuse.data.sequence` says, to channels over time.

Beside the places there is what differs less from signer to signer: a hand's shape from its own wrist and in its own
size, the directions of fingers and arms, and what a hand is near to. `benchmarks/results/real_people_choices.md` says
what each of them came to.

T frames of a clip, N points, F channels (`CHANNELS`).
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from camfuse.data.sequence import POINTS, mirror
from camfuse.skeleton import BONES, LEFT_HAND

Array = NDArray[np.float32]
NOSE = 0
TIPS = (4, 8, 12, 16, 20)
"""Of a hand: the ends of thumb, index, middle, ring and little finger."""
KNUCKLES = (5, 9, 13, 17)
PLACED = (0, *TIPS)
"""Points of a hand whose place before the body is given too, beside its shape."""
PAIRS = ((4, 8), (4, 12), (4, 16), (4, 20), (8, 12), (12, 16), (16, 20), (0, 8), (0, 12), (0, 16), (0, 20), (0, 4))
"""Points of a hand whose distance is given: what a turned hand keeps."""
HAND_BONES = tuple((first - LEFT_HAND[0], second - LEFT_HAND[0]) for first, second in BONES["left_hand"])
"""From the wrist outwards, among a hand's points; their directions are given."""
ARMS = ((5, 7), (7, 9), (6, 8), (8, 10))
"""Upper arm and forearm, left and right, in the body's points."""
TOUCHING = (0, 4, 8, 12, 20, 9)
"""Points of a hand that come near to something: wrist, four tips, and the middle of the palm."""
TOUCHED = (0, 1, 2, 3, 4, 11, 5, 6, 7, 8, *(POINTS["left"].start + point for point in (0, 8, 9, 12)))
"""What the right hand comes near to, among the N points: nose, eyes, ears, chin, shoulders, elbows, the other hand."""
NEAR = (0.25, 0.7)
"""Distances within which that counts, in shoulders: touching, and before it."""
SPEED = 4.0
"""Factor of the differences between neighbouring frames, so that they are about as large as the places."""

_BODY, _FACE = 2 * (22 + 2 * len(ARMS)), 28
_MOVING = 2 * (2 * len(PLACED) + 2 * 20 + len(PAIRS) + 2 * len(HAND_BONES))
_HAND = _MOVING + 1 + len(NEAR) * len(TOUCHING) * len(TOUCHED)
CHANNELS: Mapping[str, slice] = {
    "body": slice(0, _BODY),
    "face": slice(_BODY, _BODY + _FACE),
    "left": slice(_BODY + _FACE, _BODY + _FACE + _HAND),
    "right": slice(_BODY + _FACE + _HAND, _BODY + _FACE + 2 * _HAND),
}
"""Where a part's channels stand among the F: values, their differences in time, and for a hand whether it is seen and
what it is near to. The left hand's x is mirrored, so that both hands can be read by the same weights."""
NUM_CHANNELS = CHANNELS["right"].stop


def features(points: Array) -> Array:
    """Return the channels (..., F, T) float32 of points (..., T, N, 2); what is not seen is 0."""
    body = points[..., POINTS["body"], :]
    face = points[..., POINTS["face"], :] - points[..., [NOSE], :]
    parts = [_moving(np.concatenate([_flat(body), directions(body, ARMS)], -1)), _moving(_flat(face) * 2)]
    for seen_from in (mirror(points), points):  # the left hand, then the right one
        hand = seen_from[..., POINTS["right"], :]
        seen = np.isfinite(hand[..., 0, :1])  # MediaPipe and its like give a hand's points together
        values = np.concatenate([hand_values(hand), directions(hand, HAND_BONES)], -1)
        parts += [_moving(values), seen, nearness(hand, seen_from[..., TOUCHED, :])]
    return np.ascontiguousarray(np.concatenate(parts, -1).swapaxes(-1, -2), np.float32)


def hand_values(hand: Array) -> Array:
    """Return, for a hand (..., T, 21, 2), its places, its shape and its distances; NaN where not seen.

    The shape is counted from the wrist in units of the clip's palm, so that it is of the same size for near and far
    hands, yet gets smaller where a hand turns to the camera.
    """
    shape = hand - hand[..., :1, :]
    seen = np.isfinite(shape[..., KNUCKLES, :]).all((-2, -1))  # (..., T)
    reach = np.where(seen, np.hypot(shape[..., KNUCKLES, 0], shape[..., KNUCKLES, 1]).max(-1), 0)
    palm = reach.sum(-1) / np.maximum(seen.sum(-1), 1)
    shape = shape / np.where(palm > 0, palm, 1).astype(np.float32)[..., None, None, None]
    first, second = zip(*PAIRS, strict=True)
    between = shape[..., first, :] - shape[..., second, :]
    apart = np.hypot(between[..., 0], between[..., 1])
    return np.concatenate([_flat(hand[..., PLACED, :]), _flat(shape[..., 1:, :]), apart], -1)


def directions(points: Array, bones: tuple[tuple[int, int], ...]) -> Array:
    """Return, for points (..., T, n, 2), the unit vector along each bone, (..., T, 2 bones); NaN where not seen."""
    first, second = zip(*bones, strict=True)
    along = points[..., second, :] - points[..., first, :]
    length = np.hypot(along[..., 0], along[..., 1])[..., None]
    return _flat(along / np.maximum(length, np.float32(1e-3)))


def nearness(hand: Array, others: Array) -> Array:
    """Return how near the points of a hand (..., T, 21, 2) are to others (..., T, m, 2): from 1 (at it) down to 0.

    One number for each of `NEAR`, of `TOUCHING` and of the others, (..., T, 12 m); 0 where one of the two is not seen.
    """
    apart = hand[..., TOUCHING, None, :] - others[..., None, :, :]  # (..., T, 6, m, 2)
    squares = np.square(apart).sum(-1)
    squares = squares.reshape(*squares.shape[:-2], -1)
    found = np.concatenate([np.exp(-squares / np.float32(within**2)) for within in NEAR], -1)
    return np.where(np.isfinite(found), found, np.float32(0))


def _flat(points: Array) -> Array:
    return points.reshape(*points.shape[:-2], -1)


def _moving(values: Array) -> Array:
    """Return (..., T, 2 C): the values and their differences from the frame before; 0 for what is not known."""
    change = np.zeros_like(values)
    change[..., 1:, :] = (values[..., 1:, :] - values[..., :-1, :]) * SPEED
    both = np.concatenate([values, change], -1)
    return np.where(np.isfinite(both), both, np.float32(0))
