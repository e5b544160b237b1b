"""Poses frame by frame, by any estimator."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from camfuse.clips.table import Clip
from camfuse.jpeg import encode_jpeg
from camfuse.prep.arrays import ClipFrames, Image
from camfuse.prep.pose.estimator import Estimator, Poses, PoseStream, Streaming

_CLIP = Clip("camera", Path("camera"), 0.0, float("inf"), None, "camera")


def open_stream(estimator: Estimator) -> PoseStream:
    """Return a stream of an estimator that was entered: its own, or one that takes each frame for a clip."""
    return estimator.stream() if isinstance(estimator, Streaming) else FrameByFrame(estimator)


class FrameByFrame:
    """Takes each frame for a clip of its own: no tracking, no choice of a signer over time."""

    def __init__(self, estimator: Estimator) -> None:
        self._estimator = estimator

    def __enter__(self) -> Self:
        """Do nothing: the estimator is entered already."""
        return self

    def __exit__(self, *error: object) -> None:
        """Do nothing: whoever entered the estimator leaves it."""

    def see(self, image: Image) -> Poses:
        """Look at the next frame; raises as the estimator does."""
        frame = ClipFrames([encode_jpeg(image, 95)], np.zeros(1), image.shape[0], image.shape[1], 0.0)
        return self._estimator.estimate(_CLIP, frame)

    def poses(self, seen: Sequence[Poses], height: int, width: int) -> Poses:
        """Return them one after the other."""
        return Poses(
            *(np.concatenate([getattr(one, name) for one in seen]) for name in ("keypoints", "boxes", "filled"))
        )
