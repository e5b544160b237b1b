"""The contract that every pose estimator keeps, and the check at the border.

An estimator gets a clip's frames (`ClipFrames`) and gives the signer's keypoints in every frame (`Poses`). It
may take the frames one by one, in batches, or, when it reads keypoints from files, not at all: images are
decoded only when they are asked for. Which person is the signer is the estimator's business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip
from camfuse.errors import ClipError
from camfuse.geometry import unseen_points
from camfuse.prep.arrays import ClipFrames, Image
from camfuse.skeleton import NUM_KEYPOINTS

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Poses:
    """The signer's keypoints in every frame of a clip, in pixels of the frame (0 = centre of the first pixel).

    Attributes
    ----------
    keypoints
        (T, 133, 3) float32: x, y, score. Not seen: NaN, NaN, 0. A seen point may lie outside the image.
    boxes
        (T, 5) float32: x0, y0, x1, y1, score of the signer. Nobody seen: NaN four times, 0.
    filled
        (T,) bool: the row is interpolated, not seen.
    """

    keypoints: Floats
    boxes: Floats
    filled: NDArray[np.bool_]


class Estimator(Protocol):
    """What estimates poses. A context manager: leaving it frees models and graphs.

    The poses of a clip depend on that clip alone, never on the clips before.
    """

    def __enter__(self) -> Self:
        """Get ready."""

    def __exit__(self, *error: object) -> None:
        """Free what it holds."""

    def provenance(self) -> Mapping[str, object]:
        """Return what the keypoints rest on besides the config: names, versions, sha256 of weights.

        JSON values only, the same in every run on every machine.
        """
        ...

    def estimate(self, clip: Clip, frames: ClipFrames) -> Poses:
        """Estimate the signer's pose in every frame.

        Raises
        ------
        ClipError
            If this clip cannot be done (its keypoint file is missing, frame counts disagree, ...). Nobody in the
            image is no error: the keypoints are then NaN.
        """
        ...


class PoseStream(Protocol):
    """Estimates poses frame by frame, as a camera gives them; a context manager like the estimator.

    What is seen in one frame may be anything: only `poses` makes keypoints of it, with the frames around at hand.
    """

    def __enter__(self) -> Self:
        """Get ready."""

    def __exit__(self, *error: object) -> None:
        """Free what it holds."""

    def see(self, image: Image) -> Any:
        """Look at the next frame (H, W, 3) uint8, RGB.

        Raises
        ------
        ClipError
            If the estimator gives up on it.
        """
        ...

    def poses(self, seen: Sequence[Any], height: int, width: int) -> Poses:
        """Return the poses of frames that follow each other, as `see` gave them, in pixels of a frame of this size."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """An estimator that has a stream of its own; the others look at each frame as a clip (`camfuse.prep.pose.live`)."""

    def stream(self) -> PoseStream:
        """Return a new stream."""
        ...


def missing_poses(count: int) -> Poses:
    """Return poses of `count` frames in which nobody is seen."""
    boxes = np.full((count, 5), np.nan, np.float32)
    boxes[:, 4] = 0
    return Poses(unseen_points(count, NUM_KEYPOINTS), boxes, np.zeros(count, np.bool_))


def tight_boxes(keypoints: Floats, min_score: float = 0.0) -> Floats:
    """Return the tight box around the seen points of each frame.

    Parameters
    ----------
    keypoints
        (T, K, 3) x, y, score; NaN where not seen.
    min_score
        Points below this score are guesses (legs below the image) and do not widen the box.

    Returns
    -------
    (T, 5) float32: x0, y0, x1, y1 and the mean score of the seen points; NaN four times and 0 where none is seen.
    """
    boxes = missing_poses(len(keypoints)).boxes
    for box, points in zip(boxes, keypoints, strict=True):
        seen = points[~np.isnan(points[:, 0]) & (points[:, 2] >= min_score)]
        if len(seen):
            box[:2], box[2:4], box[4] = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0), seen[:, 2].mean()
    return boxes


def check_poses(poses: Poses, count: int, *, clip: Clip, estimator: str) -> None:
    """Check what an estimator gave, and name every fault at once.

    Raises
    ------
    ClipError
        If shapes or types differ from `Poses`, a point is half missing or infinite, or a score is not in 0..1 or
        not 0 at a missing point.
    """
    problems = [
        *_array_problems("keypoints", poses.keypoints, np.float32, (count, NUM_KEYPOINTS, 3)),
        *_array_problems("boxes", poses.boxes, np.float32, (count, 5)),
        *_array_problems("filled", poses.filled, np.bool_, (count,)),
    ]
    if not problems:
        problems = _value_problems("keypoints", poses.keypoints) + _value_problems("boxes", poses.boxes)
    if problems:
        raise ClipError(clip.clip_id, f"estimator {estimator}: {'; '.join(problems)}")


def _array_problems(name: str, array: NDArray[Any], dtype: type[np.generic], shape: tuple[int, ...]) -> list[str]:
    if array.shape == shape and array.dtype == dtype:
        return []
    return [f"{name}: expected {np.dtype(dtype)} {shape}, found {array.dtype} {array.shape}"]


def _value_problems(name: str, rows: Floats) -> list[str]:
    place, score = rows[..., :-1], rows[..., -1]
    unseen = np.isnan(place).all(axis=-1)
    checks = {
        "coordinates finite or all NaN": ~(unseen | np.isfinite(place).all(axis=-1)),
        "a score of 0 to 1": ~((score >= 0) & (score <= 1)),
        "score 0 where not seen": unseen & (score != 0),
    }
    return [
        f"{name}: expected {expected}, found {rows[wrong][0].tolist()} at {np.argwhere(wrong)[0].tolist()}"
        f" ({int(wrong.sum())} in all)"
        for expected, wrong in checks.items()
        if wrong.any()
    ]
