"""What is done to the points of a clip in training: (T, N, 2) as `camfuse.data.sequence` says, new numbers each time.

Signers differ in hand, build, speed and camera; each of them is drawn here, and nothing that tells signs apart. How
much, says the config's section ``train.sequence_augment``; every value 0 leaves the points as they are.
"""

import numpy as np
from numpy.typing import NDArray

from camfuse.config import SequenceAugment
from camfuse.data.sequence import NUM_POINTS, POINTS, mirror, resample

Array = NDArray[np.float32]
SIDES = (POINTS["left"], POINTS["right"])


def augmented(points: Array, frames: int, augment: SequenceAugment, rng: np.random.Generator) -> Array:
    """Return a new version (frames, N, 2) of a clip's points; random numbers come from `rng` alone."""
    times = draw_times(len(points), frames, augment, rng)
    moved = resample(mirror(points) if rng.random() < augment.mirror else points, times)
    for side in SIDES:
        moved[:, side] = _turn_hand(moved[:, side], augment, rng)
    moved = moved @ _draw_linear(augment, rng).T + rng.normal(0, augment.shift, 2).astype(np.float32)
    moved = moved + rng.normal(0, augment.jitter, moved.shape).astype(np.float32)
    return _hide(moved, augment, rng)


def draw_times(total: int, frames: int, augment: SequenceAugment, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return which moments of a clip of `total` frames are seen, in frames, in order."""
    begin, end = rng.uniform(0, augment.cut), 1 - rng.uniform(0, augment.cut)
    even = np.linspace(0, 1, frames)
    # a monotone bend of [0, 1]: its slope stays between 1 - warp and 1 + warp
    waves = rng.integers(1, 3)
    bent = even + augment.warp * rng.uniform(-1, 1) * np.sin(np.pi * waves * even) / (np.pi * waves)
    return (begin + (end - begin) * bent) * (total - 1)


def _draw_linear(augment: SequenceAugment, rng: np.random.Generator) -> Array:
    scale, stretch = np.exp(rng.uniform(-augment.scale, augment.scale)), rng.uniform(-augment.stretch, augment.stretch)
    turn = _rotation(rng.uniform(-augment.rotate, augment.rotate))
    linear: NDArray[np.float64] = scale * turn @ np.diag([np.exp(stretch / 2), np.exp(-stretch / 2)])
    return linear.astype(np.float32)


def _turn_hand(hand: Array, augment: SequenceAugment, rng: np.random.Generator) -> Array:
    turn = _rotation(rng.uniform(-augment.hand_rotate, augment.hand_rotate)).astype(np.float32)
    wrist = hand[:, :1]
    shift = rng.normal(0, augment.hand_shift, 2)
    return ((hand - wrist) @ turn.T + wrist + shift).astype(np.float32)


def _rotation(degrees: float) -> NDArray[np.float64]:
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _hide(points: Array, augment: SequenceAugment, rng: np.random.Generator) -> Array:
    hidden = np.zeros(points.shape[:2], bool)
    for side in SIDES:
        if rng.random() < augment.hide:
            start, length = rng.integers(0, len(points)), rng.integers(1, len(points) // 4 + 2)
            hidden[start : start + length, side] = True
    hidden |= rng.random(NUM_POINTS) < augment.drop
    return np.where(hidden[..., None], np.float32(np.nan), points)
