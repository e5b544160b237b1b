"""Recordings of MediaPipe Holistic landmarks in `.pose` files, as the sign-language-processing tools write them.

The format names its parts (POSE_LANDMARKS, FACE_LANDMARKS, ...), so files of 543, 553, 576 or 586 points are all read.
It names its points too: files that were reduced to some of them (178, with 8 of the body and the contours of the face)
are read for those, and the others count as not seen.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camfuse.entries import POSE_FORMAT
from camfuse.errors import ClipError, MissingToolError
from camfuse.files import found_instead
from camfuse.prep.pose.holistic import BODY_POINTS, HAND_POINTS, MESH_POINTS

Landmarks = NDArray[np.float32]

BODY, FACE, LEFT, RIGHT = "POSE_LANDMARKS", "FACE_LANDMARKS", "LEFT_HAND_LANDMARKS", "RIGHT_HAND_LANDMARKS"
POINTS = {BODY: (BODY_POINTS,), FACE: MESH_POINTS, LEFT: (HAND_POINTS,), RIGHT: (HAND_POINTS,)}
BODY_NAMES = (
    *("NOSE", "LEFT_EYE_INNER", "LEFT_EYE", "LEFT_EYE_OUTER", "RIGHT_EYE_INNER", "RIGHT_EYE", "RIGHT_EYE_OUTER"),
    *("LEFT_EAR", "RIGHT_EAR", "MOUTH_LEFT", "MOUTH_RIGHT", "LEFT_SHOULDER", "RIGHT_SHOULDER", "LEFT_ELBOW"),
    *("RIGHT_ELBOW", "LEFT_WRIST", "RIGHT_WRIST", "LEFT_PINKY", "RIGHT_PINKY", "LEFT_INDEX", "RIGHT_INDEX"),
    *("LEFT_THUMB", "RIGHT_THUMB", "LEFT_HIP", "RIGHT_HIP", "LEFT_KNEE", "RIGHT_KNEE", "LEFT_ANKLE", "RIGHT_ANKLE"),
    *("LEFT_HEEL", "RIGHT_HEEL", "LEFT_FOOT_INDEX", "RIGHT_FOOT_INDEX"),
)
NAMES = {BODY: BODY_NAMES, FACE: tuple(str(number) for number in range(MESH_POINTS[1]))}
"""What the points are called, in MediaPipe's order."""


@dataclass(frozen=True)
class Recording:
    """Landmarks of one person over T frames.

    The landmark arrays hold x, y (pixels, the image spans 0 .. width), z (pixels, smaller is nearer) and the score;
    a score of 0 means not seen.

    Attributes
    ----------
    width, height
        Size of the recorded image in pixels.
    fps
        Frames per second.
    body
        (T, 33, 4).
    face
        (T, 468 or 478, 4), or None where the file has no such part.
    left, right
        The signer's hands (T, 21, 4), or None.
    """

    width: int
    height: int
    fps: float
    body: Landmarks
    face: Landmarks | None
    left: Landmarks | None
    right: Landmarks | None

    def __len__(self) -> int:
        """Return the number of frames T."""
        return len(self.body)


def require_pose_format() -> Any:
    """Return the class `pose_format.Pose`.

    Raises
    ------
    MissingToolError
        If pose-format is not installed.
    """
    try:
        from pose_format import Pose
    except ModuleNotFoundError as error:
        raise MissingToolError(f"`.pose` files need the package {error.name}: {POSE_FORMAT.install}") from error
    return Pose


def read_file(path: Path, clip_id: str) -> Any:
    """Read a `.pose` file of any skeleton.

    Raises
    ------
    ClipError
        If the file is missing or damaged.
    MissingToolError
        If pose-format is not installed.
    """
    reader = require_pose_format()
    try:
        return reader.read(path.read_bytes())
    except OSError as error:
        raise ClipError(clip_id, f"{path}: cannot read the keypoints: {error.strerror}") from error
    except (ValueError, TypeError, IndexError, KeyError, EOFError, NotImplementedError, struct.error) as error:
        instead = found_instead(path)
        said = f"found {instead}" if instead else error
        raise ClipError(clip_id, f"{path}: not a whole `.pose` file: {said}") from error


def read_recording(path: Path, clip_id: str) -> Recording:
    """Read a `.pose` file of MediaPipe Holistic landmarks.

    Raises
    ------
    ClipError
        If the file is missing, damaged, empty, of another skeleton, or shows several people.
    MissingToolError
        If pose-format is not installed.
    """
    return recording_of(read_file(path, clip_id), path, clip_id)


def recording_of(pose: Any, path: Path, clip_id: str) -> Recording:
    """Return the Holistic landmarks of a file that was read; raises as `read_recording`."""
    _check(pose, path, clip_id)
    size, sizes = pose.header.dimensions, {part.name: len(part.points) for part in pose.header.components}
    landmarks = np.split(landmarks_of(pose)[0], np.cumsum(list(sizes.values()))[:-1], axis=1)
    parts = {
        part.name: _whole(part.name, part.points, rows)
        for part, rows in zip(pose.header.components, landmarks, strict=True)
    }
    return Recording(
        width=int(size.width),
        height=int(size.height),
        fps=float(pose.body.fps),
        body=parts[BODY],
        face=parts.get(FACE),
        left=parts.get(LEFT),
        right=parts.get(RIGHT),
    )


def _whole(part: str, names: list[str], rows: Landmarks) -> Landmarks:
    """Put the points (T, N, 4) of a reduced part where they belong; the others get score 0, not seen."""
    if part not in NAMES or len(names) in POINTS[part]:
        return rows
    places = [NAMES[part].index(name) for name in names]
    count = next(count for count in POINTS[part] if count > max(places))
    out = np.zeros((len(rows), count, rows.shape[2]), np.float32)
    out[:, places] = rows
    return out


def _known(part: str, names: list[str]) -> bool:
    """Whether a part is whole, or its points are some of Holistic's, each once."""
    if part not in POINTS or len(names) in POINTS[part]:
        return True
    return part in NAMES and 0 < len(names) == len(set(names)) and set(names) <= set(NAMES[part])


def _check(pose: Any, path: Path, clip_id: str) -> None:
    sizes = {part.name: len(part.points) for part in pose.header.components}
    known = all(_known(part.name, part.points) for part in pose.header.components)
    frames, people, _, columns = pose.body.data.shape
    if BODY not in sizes or columns != 3 or not known:
        parts = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise ClipError(clip_id, f"{path}: expected MediaPipe Holistic's x, y, z landmarks, found {parts}, {columns}D")
    if people != 1 or frames == 0:
        raise ClipError(clip_id, f"{path}: expected 1 person, 1 frame or more; found {people} and {frames}")
    size = pose.header.dimensions
    if size.width <= 0 or size.height <= 0:
        raise ClipError(clip_id, f"{path}: expected the size of the image, found {size.width}x{size.height}")


def landmarks_of(pose: Any) -> Landmarks:
    """Return x, y, (z,) score (people, T, points, 3 or 4); what is masked, infinite or without a score is 0."""
    places = np.ma.filled(pose.body.data, np.nan).astype(np.float32)
    score = np.clip(np.ma.filled(pose.body.confidence, 0), 0, 1).astype(np.float32)
    landmarks = np.concatenate([places, score[..., None]], axis=-1).swapaxes(0, 1)
    landmarks[~(score.swapaxes(0, 1) > 0) | ~np.isfinite(landmarks).all(-1)] = 0
    return landmarks
