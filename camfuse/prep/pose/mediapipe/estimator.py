"""Estimator `mediapipe`: MediaPipe Holistic 0.10.21, whose weights are inside its wheel.

One person per image. Every clip gets a graph of its own, so that tracking never reaches from one clip into the
next and the same clip gives the same numbers in any order.

Scores: body and feet have MediaPipe's visibility. It gives none for hands, face, and the nose and eyes that are
taken from the face mesh: their score is the share of the frames around (`WINDOW`) in which that part was found, so
that a hand that flickers counts less than one that is there. Points outside the image (legs below it) are kept
where MediaPipe puts them, with their low visibility. Up to `fill` frames in a row without anybody are interpolated.
"""

import hashlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip
from camfuse.config.estimators import MediapipePose
from camfuse.errors import ClipError, MissingToolError
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.estimator import Poses, tight_boxes
from camfuse.prep.pose.holistic import to_wholebody
from camfuse.prep.pose.mediapipe import PACKAGE, VERSION
from camfuse.prep.pose.signer import fill_gaps

log = logging.getLogger(__name__)

MODELS = (
    "pose_detection/pose_detection.tflite",
    "pose_landmark/pose_landmark_full.tflite",
    "face_detection/face_detection_short_range.tflite",
    "face_landmark/face_landmark_with_attention.tflite",
    "holistic_landmark/hand_recrop.tflite",
    "hand_landmark/hand_landmark_full.tflite",
)
"""What Holistic runs, below ``mediapipe/modules``."""
PARTS = {
    "pose_landmarks": 33,
    "face_landmarks": 478,
    "left_hand_landmarks": 21,
    "right_hand_landmarks": 21,
}
"""Fields of Holistic's answer, and their numbers of points. Left and right are the signer's."""
BOX_MIN_SCORE = 0.1
WINDOW = 5
"""Frames around a frame, itself in the middle, over which presence is averaged; fewer at the ends of the clip."""


class MediapipeEstimator:
    """Runs MediaPipe Holistic on a clip's frames, in order."""

    def __init__(self, config: MediapipePose) -> None:
        self._config = config
        require_mediapipe()

    def __enter__(self) -> Self:
        """Nothing to load: each clip gets its own graph."""
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to free."""

    def provenance(self) -> Mapping[str, object]:
        """Return the version and the sha256 of each model file."""
        modules = Path(str(require_mediapipe().__file__)).parent / "modules"
        hashes = {name: hashlib.sha256((modules / name).read_bytes()).hexdigest() for name in MODELS}
        return {"estimator": "mediapipe", "mediapipe": VERSION, "sha256": hashes}

    def estimate(self, clip: Clip, frames: ClipFrames) -> Poses:
        """Estimate the pose in every frame.

        Raises
        ------
        ClipError
            If MediaPipe gives up on a frame.
        """
        size = np.array([frames.width, frames.height, 1], np.float32)
        half = np.array([0.5, 0.5, 0], np.float32)  # its 0 is the image's edge, ours the first pixel's centre
        body, *others = [part * size - half for part in self._run(clip, frames)]
        found = to_wholebody(body, *(scored_by_presence(part) for part in others))
        keypoints, filled = fill_gaps(found, self._config.fill)
        return Poses(keypoints, tight_boxes(keypoints, BOX_MIN_SCORE), filled)

    def _run(self, clip: Clip, frames: ClipFrames) -> list[NDArray[np.float32]]:
        """Return each of `PARTS` as (T, points, 3): x and y from 0 to 1 in the image, score."""
        found = [np.full((len(frames), points, 3), np.nan, np.float32) for points in PARTS.values()]
        with _quiet(), self._holistic() as holistic:
            for position, image in enumerate(frames):
                try:
                    answer = holistic.process(image)
                except (RuntimeError, ValueError) as error:
                    first_line = str(error).partition("\n")[0]
                    raise ClipError(clip.clip_id, f"MediaPipe fails in frame {position}: {first_line}") from error
                for name, rows in zip(PARTS, found, strict=True):
                    _copy(getattr(answer, name), rows[position], visibility=name == "pose_landmarks")
        return found

    def _holistic(self) -> Any:
        return require_mediapipe().solutions.holistic.Holistic(
            static_image_mode=False,
            model_complexity=1,
            refine_face_landmarks=True,  # the irises
            min_detection_confidence=self._config.detection_confidence,
            min_tracking_confidence=self._config.tracking_confidence,
        )


def scored_by_presence(part: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a part's points (T, points, 3) with the share of the `WINDOW` in which it was found as their score.

    NaN where not found stays.
    """
    found = np.isfinite(part[:, 0, 0]).astype(np.float64)
    kernel = np.ones(WINDOW)
    half = WINDOW // 2
    seen, frames = (np.convolve(rows, kernel)[half : half + len(rows)] for rows in (found, np.ones(len(part))))
    out = part.copy()
    out[found > 0, :, 2] = (seen / frames)[found > 0, None]
    return out


def require_mediapipe() -> ModuleType:
    """Return the package.

    Raises
    ------
    MissingToolError
        If it is not installed, or in a version that carries no models.
    """
    how = PACKAGE.install
    try:
        found = version("mediapipe")
    except PackageNotFoundError as error:
        raise MissingToolError(f"pose.mediapipe needs mediapipe {VERSION}, which is not installed: {how}") from error
    if found != VERSION:
        raise MissingToolError(f"pose.mediapipe needs mediapipe {VERSION}, found {found}, which has no models: {how}")
    try:
        import mediapipe  # here, because it is optional and takes 0.8 s
    except ImportError as error:
        raise MissingToolError(f"mediapipe {VERSION} cannot be imported ({error}): {how}") from error
    return mediapipe  # type: ignore[no-any-return]


def _copy(landmarks: Any, rows: NDArray[np.float32], *, visibility: bool) -> None:
    """Write what was found in a frame; what was not stays NaN."""
    if landmarks is None:
        return
    for row, point in zip(rows, landmarks.landmark, strict=True):
        row[:] = point.x, point.y, point.visibility if visibility else 1.0


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MediaPipe's C++ part, which heeds no log level, from writing to stderr; its errors are logged."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said:
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            said.seek(0)
            for line in said.read().decode(errors="replace").splitlines():
                log.log(logging.WARNING if line.startswith(("E0", "F0")) else logging.DEBUG, "mediapipe: %s", line)
