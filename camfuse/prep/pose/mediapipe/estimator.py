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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip
from camfuse.config.estimators import MediapipePose
from camfuse.errors import ClipError, MissingToolError, WeightsError
from camfuse.prep.arrays import ClipFrames, Image
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
PROTOBUF = ("3", "4")
"""Releases of protobuf with which it runs."""
PARTS = {
    "pose_landmarks": 33,
    "face_landmarks": 478,
    "left_hand_landmarks": 21,
    "right_hand_landmarks": 21,
}
"""Fields of Holistic's answer, and their numbers of points. Left and right are the signer's."""
BODY_MODELS = {
    0: ("pose_landmark/pose_landmark_lite.tflite", "f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61"),
    2: ("pose_landmark/pose_landmark_heavy.tflite", "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe"),
}
"""By complexity, the models of the body that are not in the wheel, and the sha256 of those of `@mediapipe/holistic`."""
Landmarks = tuple[NDArray[np.float32], ...]
"""What is seen in one frame: each of `PARTS` as (points, 3); NaN where not found."""
BOX_MIN_SCORE = 0.1
WINDOW = 5
"""Frames around a frame, itself in the middle, over which presence is averaged; fewer at the ends of the clip."""


class MediapipeEstimator:
    """Runs MediaPipe Holistic on a clip's frames, in order."""

    def __init__(self, config: MediapipePose) -> None:
        self._config = config
        self._body = require_body_model(config)

    def __enter__(self) -> Self:
        """Nothing to load: each clip gets its own graph."""
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to free."""

    def provenance(self) -> Mapping[str, object]:
        """Return the version and the sha256 of each model file."""
        modules = Path(str(require_mediapipe().__file__)).parent / "modules"
        models = [*MODELS, *([self._body] if self._body not in MODELS else [])]
        hashes = {name: hashlib.sha256((modules / name).read_bytes()).hexdigest() for name in models}
        return {"estimator": "mediapipe", "mediapipe": VERSION, "sha256": hashes}

    def estimate(self, clip: Clip, frames: ClipFrames) -> Poses:
        """Estimate the pose in every frame.

        Raises
        ------
        ClipError
            If MediaPipe gives up on a frame.
        """
        with _quiet(), self._holistic() as holistic:
            seen = [_look(holistic, image, clip.clip_id, position) for position, image in enumerate(frames)]
        return self.poses(seen, frames.height, frames.width)

    def poses(self, seen: Sequence[Landmarks], height: int, width: int) -> Poses:
        """Return the poses of frames that follow each other.

        Parameters
        ----------
        seen
            Of each frame, each of `PARTS` as (points, 3): x and y from 0 to 1 in the image, score; NaN where not found.
        height, width
            Size of the frames in pixels.
        """
        size = np.array([width, height, 1], np.float32)
        half = np.array([0.5, 0.5, 0], np.float32)  # its 0 is the image's edge, ours the first pixel's centre
        body, *others = [np.stack(rows) * size - half for rows in zip(*seen, strict=True)]
        found = to_wholebody(body, *(scored_by_presence(part) for part in others))
        keypoints, filled = fill_gaps(found, self._config.fill)
        return Poses(keypoints, tight_boxes(keypoints, BOX_MIN_SCORE), filled)

    def stream(self) -> "MediapipeStream":
        """Return a stream of frames, which has a graph of its own."""
        return MediapipeStream(self)

    def _holistic(self) -> Any:
        return require_mediapipe().solutions.holistic.Holistic(
            static_image_mode=False,
            model_complexity=1 if self._config.complexity is None else self._config.complexity,
            refine_face_landmarks=True,  # the irises
            min_detection_confidence=self._config.detection_confidence,
            min_tracking_confidence=self._config.tracking_confidence,
        )


class MediapipeStream:
    """One graph for the frames of a camera; it tracks from frame to frame, as in a clip."""

    def __init__(self, estimator: MediapipeEstimator) -> None:
        self._estimator = estimator
        self._holistic: Any = None
        self._count = 0

    def __enter__(self) -> Self:
        """Make the graph."""
        with _quiet():
            self._holistic = self._estimator._holistic()
        return self

    def __exit__(self, *error: object) -> None:
        """Free the graph."""
        with _quiet():
            self._holistic.close()

    def see(self, image: Image) -> Landmarks:
        """Look at the next frame; raises `ClipError` if MediaPipe gives up on it."""
        position, self._count = self._count, self._count + 1
        with _quiet() if position == 0 else nullcontext():  # what it says, it says at the beginning
            return _look(self._holistic, image, "camera", position)

    def poses(self, seen: Sequence[Landmarks], height: int, width: int) -> Poses:
        """Return the poses of frames that follow each other, as `estimate` would."""
        return self._estimator.poses(seen, height, width)


def _look(holistic: Any, image: Image, clip_id: str, position: int) -> Landmarks:
    try:
        answer = holistic.process(image)
    except (RuntimeError, ValueError) as error:
        first_line = str(error).partition("\n")[0]
        raise ClipError(clip_id, f"MediaPipe fails in frame {position}: {first_line}") from error
    found = tuple(np.full((points, 3), np.nan, np.float32) for points in PARTS.values())
    for name, rows in zip(PARTS, found, strict=True):
        _copy(getattr(answer, name), rows, visibility=name == "pose_landmarks")
    return found


def require_body_model(section: MediapipePose) -> str:
    """Return the file of the body's model below ``mediapipe/modules``.

    Raises
    ------
    MissingToolError
        If the package is not installed, or the model of this complexity is not there: it is not in the wheel.
    WeightsError
        If it is another file than that of `@mediapipe/holistic`.
    """
    modules = Path(str(require_mediapipe().__file__)).parent / "modules"
    if section.complexity not in BODY_MODELS:
        return MODELS[1]
    name, expected = BODY_MODELS[section.complexity]
    path = modules / name
    if not path.is_file():
        raise MissingToolError(
            f"pose.mediapipe.complexity {section.complexity} needs {path}, which is not in MediaPipe's wheel: run "
            f"`npm pack @mediapipe/holistic`, unpack the file, and copy package/{path.name} there"
        )
    if (found := hashlib.sha256(path.read_bytes()).hexdigest()) != expected:
        raise WeightsError(f"{path}: expected sha256 {expected}, found {found}: copy @mediapipe/holistic's file there")
    return name


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
        If it is not installed, or in a version that carries no models, or beside a protobuf that it does not run with.
    """
    how = PACKAGE.install
    try:
        found = version("mediapipe")
    except PackageNotFoundError as error:
        raise MissingToolError(f"pose.mediapipe needs mediapipe {VERSION}, which is not installed: {how}") from error
    if found != VERSION:
        raise MissingToolError(f"pose.mediapipe needs mediapipe {VERSION}, found {found}, which has no models: {how}")
    _check_protobuf()
    try:
        import mediapipe  # here, because it is optional and takes 0.8 s
    except ImportError as error:
        raise MissingToolError(f"mediapipe {VERSION} cannot be imported ({error}): {how}") from error
    return mediapipe  # type: ignore[no-any-return]


def _check_protobuf() -> None:
    """Refuse a protobuf with which MediaPipe breaks in the middle of its work; other packages bring later ones."""
    try:
        found = version("protobuf")
    except PackageNotFoundError:
        return  # the import says so
    if found.partition(".")[0] not in PROTOBUF:
        raise MissingToolError(
            f"mediapipe {VERSION} does not run with protobuf {found}: pip install 'protobuf>=4.25.3,<5' (for "
            "`camfuse export` with pip install onnx onnxscript 'protobuf<5')"
        )


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
