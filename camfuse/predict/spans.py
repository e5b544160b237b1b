"""Which frames of a video make a sign, as a trained model wants to see it: like a clip that it was trained on."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from camfuse.predict.segments import SHOULDERS, Segment, find_segments
from camfuse.prep.arrays import ClipFrames, Floats

MOST = 0.4
"""Share of a video from which on its only sign is what the video is about: it is seen whole, as the clips of a training
are, the rest before and after the sign included."""
MARGIN = 0.3
"""Seconds that are seen before and after a sign of a longer recording."""


@dataclass(frozen=True)
class Span:
    """One sign of a video.

    Attributes
    ----------
    first, stop
        The frames that are seen.
    start, end
        When it is signed, in seconds from the first frame.
    """

    first: int
    stop: int
    start: float
    end: float


def whole_video(frames: ClipFrames) -> Span:
    """Return a video that is one sign."""
    return Span(0, len(frames), 0.0, float(_ends(frames)[-1]))


def find_spans(frames: ClipFrames, keypoints: Floats) -> list[Span]:
    """Return the signs of a video in the order of time; none where nobody signs.

    Where no shoulders are seen, as where a video shows a hand alone, nobody can say when a hand rests, and a video too
    short to say is a sign as well.

    Parameters
    ----------
    frames
        T frames.
    keypoints
        (T, 133, 3) in their pixels.
    """
    shoulders = keypoints[:, list(SHOULDERS), 2] > 0
    if frames.fps <= 0 or not shoulders.all(1).any():
        return [whole_video(frames)]
    found = find_segments(keypoints, frames.fps)
    if len(found) == 1 and found[0].stop - found[0].first >= MOST * len(frames):
        start, end = _times(frames, found[0])
        return [Span(0, len(frames), start, end)]
    borders = [0, *((before.stop + after.first) // 2 for before, after in pairwise(found)), len(frames)]
    margin = round(MARGIN * frames.fps)  # which reaches at most half way to the next sign
    return [
        Span(max(one.first - margin, low), min(one.stop + margin, high), *_times(frames, one))
        for one, (low, high) in zip(found, pairwise(borders), strict=False)
    ]


def _times(frames: ClipFrames, segment: Segment) -> tuple[float, float]:
    return float(frames.time[segment.first] - frames.time[0]), float(_ends(frames)[segment.stop - 1])


def _ends(frames: ClipFrames) -> NDArray[np.float64]:
    """Return when each frame ends, in seconds from the first frame."""
    last = frames.time[-1] + (1 / frames.fps if frames.fps > 0 else 0.0)
    return np.asarray(np.append(frames.time[1:], last) - frames.time[0], np.float64)
