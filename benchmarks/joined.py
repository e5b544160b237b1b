"""Recordings with known signs: real clips' keypoints joined by rests, all in one frame and at one rate.

Rests are made, as most clips show none: the body of the frame before, the arms taken down to a place of rest, with the
jitter and the small movements that keypoints of a resting person have. The way from the rest to the clip and back takes
`WAY` seconds and belongs to neither.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camfuse.predict.segments import ARMS, SHOULDERS

Array = NDArray[np.float32]
FPS = 30.0
WAY = 0.35
UNIT, MIDDLE = 180.0, (320.0, 260.0)
"""Distance of the shoulders and their middle, in the pixels of the recording."""
JITTER = 0.012
RESTS = {"hang": 1.4, "lap": 1.15, "folded": 0.85, "out of sight": np.nan}
"""Height of the wrists at rest, in units of the shoulders' distance below them."""


@dataclass(frozen=True)
class Piece:
    """A clip: keypoints (T, 133, 3), its rate, and where in it is signed, from `first` to before `stop`."""

    keypoints: Array
    fps: float
    first: int
    stop: int


@dataclass(frozen=True)
class Recording:
    """Keypoints (T, 133, 3) at `FPS`, and the frames in which is signed."""

    keypoints: Array
    signs: tuple[tuple[int, int], ...]


def join(pieces: list[Piece], rng: np.random.Generator) -> Recording:
    """Return the clips one after the other with a rest of 0.8 to 3 seconds before and after each."""
    rest, parts, signs, length = _any_rest(rng), [], [], 0
    for piece in pieces:
        clip, first, stop = _at_rate(piece)
        before, after = _rest(clip[0], rest, rng), _rest(clip[-1], rest, rng)
        for part in (before, _way(before[-1], clip[0]), clip, _way(clip[-1], after[0]), after):
            if part is clip:
                signs.append((length + first, length + stop))
            parts.append(part)
            length += len(part)
        rest = _any_rest(rng) if rng.random() < 0.2 else rest
    return Recording(np.concatenate(parts), tuple(signs))


def resting(clip: Array, seconds: float, rng: np.random.Generator) -> Recording:
    """Return a recording of the clip's person who signs nothing."""
    frame, parts = _in_place(clip)[0], []
    while sum(map(len, parts)) < seconds * FPS:
        parts.append(_rest(frame, _any_rest(rng), rng))
        following = _rest(frame, _any_rest(rng), rng)
        parts += [_way(parts[-1][-1], following[0]), following]
    return Recording(np.concatenate(parts), ())


def _any_rest(rng: np.random.Generator) -> str:
    return str(rng.choice(list(RESTS), p=(0.4, 0.25, 0.15, 0.2)))


def _at_rate(piece: Piece) -> tuple[Array, int, int]:
    """Return the clip in the recording's place and at its rate, and its sign's frames there."""
    times = np.arange(round(len(piece.keypoints) * FPS / piece.fps)) * piece.fps / FPS
    clip = _in_place(piece.keypoints)[np.minimum(times.astype(int), len(piece.keypoints) - 1)]
    return clip, round(piece.first * FPS / piece.fps), round(piece.stop * FPS / piece.fps)


def _in_place(keypoints: Array) -> Array:
    left, right = (keypoints[:, shoulder, :2] for shoulder in SHOULDERS)
    moved = keypoints.copy()
    scale = UNIT / np.nanmedian(np.linalg.norm(left - right, axis=1))
    moved[..., :2] = (keypoints[..., :2] - np.nanmedian((left + right) / 2, axis=0)) * scale + MIDDLE
    return moved


def _rest(frame: Array, kind: str, rng: np.random.Generator) -> Array:
    """Return the person of the frame at rest for 0.8 to 3 seconds, fidgeting now and then."""
    frames = int(rng.uniform(0.8, 3.0) * FPS)
    rest = np.repeat(frame[None], frames, 0)
    fidget = np.convolve(rng.normal(0, 1, frames + 14), np.hanning(15) / 15, "valid") * 0.15 * (rng.random() < 0.3)
    height = RESTS[kind] + rng.normal(0, 0.05)
    for side, (arm, hand) in zip((0.25, -0.25), ARMS, strict=True):
        wrist = np.array(MIDDLE) + UNIT * np.array([side * (3 if kind == "hang" else 1), height])
        moving = wrist + UNIT * fidget[:, None] * rng.normal(0, 1, 2)
        shown = kind in ("lap", "folded") and np.isfinite(frame[hand[0], 0])
        if shown:
            rest[:, list(hand), :2] += (moving - frame[hand[0], :2])[:, None]
        else:
            rest[:, list(hand)] = (np.nan, np.nan, 0)
        rest[:, arm, :2] = moving
        rest[:, arm, 2] = 0 if kind == "out of sight" else 0.6
    rest[..., :2] += rng.normal(0, JITTER * UNIT, rest[..., :2].shape)
    return rest


def _way(start: Array, end: Array) -> Array:
    """Return the frames from one to the other; a hand that is not seen in both is not seen on the way."""
    share = np.linspace(0, 1, round(WAY * FPS) + 2, dtype=np.float32)[1:-1, None, None]
    way = start + (end - start) * share
    for arm, _ in ARMS:  # of an arm that appears or goes only that half shows
        for number, at in enumerate(share[:, 0, 0]):
            if not np.isfinite(way[number, arm, 0]):
                way[number, arm] = end[arm] if at > 0.5 else start[arm]
    way[~np.isfinite(way[..., 0]), 2] = 0
    return way
