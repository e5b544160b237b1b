"""What the sequence stream sees of a clip: random versions in training, the same few in every test.

In numpy alone: exported models need no torch.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from camfuse.config import SequenceAugment, SequenceStream
from camfuse.data.sequence import Array, evenly, mirror, normalise
from camfuse.data.sequence_augment import augmented
from camfuse.data.sequence_channels import features

SPANS = ((0.0, 1.0), (0.0, 0.9), (0.1, 1.0), (0.05, 0.95), (0.08, 0.92))
"""Parts of a clip, as shares of its length, that its test samplings see in turn."""
KEPT = 2000
"""Clips whose normalised points are kept in memory (about 30 kB each); of larger sets the others are read again."""


def view(points: Array, frames: int, number: int, *, mirrored: bool) -> Array:
    """Return what test sampling `number` sees of a clip: (frames, N, 2).

    The first is the whole clip; then come its other `SPANS`. Where signers are mirrored in training, each span is seen
    twice in a row, as it is and mirrored.
    """
    turned, span = (number % 2 == 1, number // 2) if mirrored else (False, number)
    start, end = SPANS[span % len(SPANS)]
    return evenly(mirror(points) if turned else points, frames, start=start, end=end)


class SequenceViews:
    """Makes the sequence stream's input of clips that are known by their row.

    Channels are (V, F, L) float32: samplings, `camfuse.data.sequence_channels.features`, moments.

    Parameters
    ----------
    section
        ``model.sequence``.
    augment
        ``train.sequence_augment``.
    keypoints
        Gives a row's keypoints (T, 133, 3) in pixels.
    """

    def __init__(
        self, section: SequenceStream, augment: SequenceAugment, keypoints: Callable[[int], NDArray[np.floating]]
    ) -> None:
        self._frames = section.frames
        self._augment = augment
        self._keypoints = keypoints
        self._points: dict[int, Array] = {}

    def random(self, row: int, samplings: int, rng: np.random.Generator) -> Array:
        """Return new versions (V, F, L) of a clip."""
        points = self._of(row)
        return _channels([augmented(points, self._frames, self._augment, rng) for _ in range(samplings)])

    def plain(self, row: int, samplings: int) -> Array:
        """Return the views (V, F, L) that a test sees."""
        return plain_channels(self._of(row), self._frames, self._augment, samplings)

    def _of(self, row: int) -> Array:
        if row in self._points:
            return self._points[row]
        points = normalise(self._keypoints(row))
        if len(self._points) < KEPT:
            self._points[row] = points
        return points


def plain_channels(points: Array, frames: int, augment: SequenceAugment, samplings: int) -> Array:
    """Return the channels (V, F, L) of the test samplings of a clip's normalised points."""
    mirrored = augment.mirror > 0
    return _channels([view(points, frames, number, mirrored=mirrored) for number in range(samplings)])


def _channels(views: list[Array]) -> Array:
    return features(np.stack(views))
