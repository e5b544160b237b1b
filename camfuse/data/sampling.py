"""Which frames of a clip are seen.

Source: UniformSampleFrames of PYSKL / MMAction2 (``pyskl/datasets/pipelines/sampling.py``), but the two streams are
aligned here: RGB takes one of each group of pose frames, so that cross-attention knows which frames belong together.

T frames of the clip, or of its part that is sampled, L frames wanted.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camfuse.config import Sampling
from camfuse.data.sequence import active_part, body_units
from camfuse.geometry import Floats

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class FrameChoice:
    """Frame indices of one sampling: `rgb` (R,) and `pose` (P,); group g of P / R pose frames contains RGB frame g."""

    rgb: Indices
    pose: Indices


def uniform_frames(total: int, wanted: int, rng: np.random.Generator, *, start: int | None = None) -> Indices:
    """Draw frame indices that cover the whole clip.

    * T < L: L frames in a row from a random one on (or from `start`), going round to the first after the last;
    * L <= T < 2 L: all frames in order but T - L random ones;
    * T >= 2 L: one random frame of each of L equal bins.

    Parameters
    ----------
    total
        T, at least 1.
    wanted
        L.
    rng
        Source of the random numbers.
    start
        First frame where T < L; drawn if None.

    Returns
    -------
    Indices
        (L,) int64 in 0..T-1; increasing unless T < L.
    """
    if total < 1:
        raise ValueError(f"expected a clip of at least one frame, found {total}")
    if total < wanted:
        first = int(rng.integers(total)) if start is None else start
        return (first + np.arange(wanted)) % total
    if total < 2 * wanted:
        gaps = np.zeros(wanted + 1, np.int64)  # before each frame and after the last: skip one there?
        gaps[rng.choice(wanted + 1, total - wanted, replace=False)] = 1
        return np.arange(wanted) + np.cumsum(gaps)[:-1]
    edges = np.arange(wanted + 1) * total // wanted
    return edges[:-1] + rng.integers(np.diff(edges))


def sampled_part(keypoints: Floats, sampling: Sampling) -> range:
    """Return the frames of a clip that samplings are drawn from.

    Parameters
    ----------
    keypoints
        (T, 133, 3) in pixels of the crops, of the whole clip, T at least 1.
    sampling
        Whether all are, or those in which a hand is raised (`camfuse.data.sequence.active_part`).

    Returns
    -------
    range
        Within 0..T-1, never empty.
    """
    frames = range(len(keypoints))
    return frames if sampling.part is None else frames[active_part(body_units(keypoints))]


def training_frames(
    total: int, sampling: Sampling, span: float, rng: np.random.Generator, *, first: int = 0
) -> FrameChoice:
    """Draw frames for training: of a random part of the clip, RGB a random one of each group.

    Parameters
    ----------
    total
        Frames of the clip, or of the part of it that is sampled.
    sampling
        Frames of each stream.
    span
        Shortest share of them to draw from, 0..1.
    rng
        Source of the random numbers.
    first
        First frame of the part.
    """
    length = max(1, round(total * rng.uniform(span, 1)))
    begin = first + int(rng.integers(total - length + 1))
    pose = begin + uniform_frames(length, sampling.pose_frames, rng)
    return _grouped(pose, sampling, lambda ratio: rng.integers(ratio, size=sampling.rgb_frames))


def evaluation_frames(
    total: int,
    sampling: Sampling,
    rng: np.random.Generator,
    *,
    number: int = 0,
    samplings: int = 1,
    first: int = 0,
) -> FrameChoice:
    """Choose the frames of test sampling `number` of `samplings`: of the whole clip, RGB the middle of each group.

    Clips shorter than a sampling start at evenly spaced frames, one for each sampling. Where a part of the clip is
    sampled, it has `total` frames from `first` on.
    """
    pose = first + uniform_frames(total, sampling.pose_frames, rng, start=number * total // samplings)
    return _grouped(pose, sampling, lambda ratio: np.full(sampling.rgb_frames, ratio // 2))


def clip_choices(clip_id: str, part: range, sampling: Sampling, samplings: int) -> list[FrameChoice]:
    """Choose the frames of every test sampling of a clip: the same for the same id and part, on any machine.

    Parameters
    ----------
    clip_id
        What the random numbers depend on.
    part
        The frames to draw from, `sampled_part`.
    sampling
        Frames of each stream.
    samplings
        How many.
    """
    total, first = len(part), part.start
    return [
        evaluation_frames(total, sampling, _test_rng(clip_id, number), number=number, samplings=samplings, first=first)
        for number in range(samplings)
    ]


def _test_rng(clip_id: str, number: int) -> np.random.Generator:
    digest = hashlib.sha256(clip_id.encode()).digest()
    return np.random.default_rng([int.from_bytes(digest[:8], "big"), number])


def _grouped(pose: Indices, sampling: Sampling, choose: Any) -> FrameChoice:
    ratio = sampling.pose_frames // sampling.rgb_frames
    groups = pose.reshape(sampling.rgb_frames, ratio)
    return FrameChoice(rgb=groups[np.arange(sampling.rgb_frames), choose(ratio)], pose=pose)
