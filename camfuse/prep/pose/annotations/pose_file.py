"""`.pose` files, the format of the sign-language-processing tools: reading three skeletons, writing one.

Read are MediaPipe Holistic (`recording`), OpenPose (BODY_25, 70 face points, two hands: 137) and COCO-WholeBody 133 as
pose-format writes MMPose's and AlphaPose's answers; the last is what `write_pose` writes. The files name their parts.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from camfuse.errors import ClipError
from camfuse.files import atomic
from camfuse.prep.pose.annotations.recording import BODY as HOLISTIC
from camfuse.prep.pose.annotations.recording import landmarks_of, read_file, recording_of, require_pose_format
from camfuse.prep.pose.annotations.stored import StoredPoses, seen_only
from camfuse.prep.pose.estimator import Floats
from camfuse.prep.pose.holistic import to_wholebody
from camfuse.skeleton import BODY, BONES, FACE, FEET, KEYPOINT_NAMES, LEFT_HAND, NUM_KEYPOINTS, RIGHT_HAND

WHOLEBODY = {"BODY": (*BODY, *FEET), "FACE": FACE, "LEFT_HAND": LEFT_HAND, "RIGHT_HAND": RIGHT_HAND}
"""Parts of a COCO-WholeBody file and their keypoints; AlphaPose's parts have the suffix `_133`."""
OPENPOSE = {
    "pose_keypoints_2d": 25,
    "face_keypoints_2d": 70,
    "hand_left_keypoints_2d": 21,
    "hand_right_keypoints_2d": 21,
}
"""Parts of an OpenPose file and their numbers of points."""
BODY_FROM_OPENPOSE = (0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11, 19, 20, 21, 22, 23, 24)
"""BODY_25 point of each of the keypoints 0-22. Of its 70 face points the first 68 are ours, in the same order."""


def read_pose(path: Path, clip_id: str) -> StoredPoses:
    """Read the poses of a `.pose` file.

    Holistic's places span 0 .. width, those of OpenPose and MMPose count from the centre of the first pixel.

    Raises
    ------
    ClipError
        If the file is missing, damaged, empty or of another skeleton.
    MissingToolError
        If pose-format is not installed.
    """
    pose = read_file(path, clip_id)
    sizes = {part.name.removesuffix("_133"): len(part.points) for part in pose.header.components}
    size = pose.header.dimensions
    if HOLISTIC in sizes:
        recording = recording_of(pose, path, clip_id)
        keypoints = to_wholebody(recording.body, recording.face, recording.left, recording.right)
        keypoints[..., :2] -= 0.5
        return StoredPoses(keypoints[None], recording.width, recording.height, recording.fps)
    parts: dict[str, tuple[Sequence[int], Sequence[int]]]
    if sizes == {name: len(points) for name, points in WHOLEBODY.items()}:
        parts = {name: (points, range(len(points))) for name, points in WHOLEBODY.items()}
    elif "pose_keypoints_2d" in sizes and all(OPENPOSE.get(name) == count for name, count in sizes.items()):
        targets: list[Sequence[int]] = [(*BODY, *FEET), FACE, LEFT_HAND, RIGHT_HAND]
        sources: list[Sequence[int]] = [BODY_FROM_OPENPOSE, range(68), range(21), range(21)]
        parts = dict(zip(OPENPOSE, zip(targets, sources, strict=True), strict=True))
    else:
        found = ", ".join(f"{name} {count}" for name, count in sizes.items())
        raise ClipError(
            clip_id,
            f"{path}: expected MediaPipe Holistic (543 or more), OpenPose 137 or COCO-WholeBody 133, found {found}",
        )
    frames, people = pose.body.data.shape[:2]
    if not frames or not people or size.width <= 0 or size.height <= 0:
        raise ClipError(
            clip_id,
            f"{path}: expected a frame, a person and the image's size, found {frames}, {people}, "
            f"{size.width}x{size.height}",
        )
    landmarks, first = landmarks_of(pose), 0
    keypoints = np.zeros((people, frames, NUM_KEYPOINTS, 3), np.float32)
    for name, count in sizes.items():
        target, source = parts[name]
        rows = landmarks[:, :, first : first + count]
        keypoints[:, :, list(target)] = rows[:, :, list(source)][..., [0, 1, -1]]
        first += count
    return StoredPoses(seen_only(keypoints), int(size.width), int(size.height), float(pose.body.fps))


def write_pose(path: Path, keypoints: Floats, *, width: int, height: int, fps: float) -> None:
    """Write one person's keypoints as a COCO-WholeBody `.pose` file.

    Parameters
    ----------
    keypoints
        (T, 133, 3) x, y, score; NaN where not seen (0 with confidence 0 in the file).
    width, height
        Size of the image in pixels.
    fps
        Frames per second.

    Raises
    ------
    MissingToolError
        If pose-format is not installed.
    """
    pose_class = require_pose_format()
    from pose_format.numpy import NumPyPoseBody
    from pose_format.pose_header import PoseHeader, PoseHeaderDimensions

    header = PoseHeader(0.2, PoseHeaderDimensions(width, height, 0), _components())
    places = np.nan_to_num(keypoints[:, None, :, :2], nan=0.0)
    body = NumPyPoseBody(fps, places, keypoints[:, None, :, 2])
    with atomic(path) as part, part.open("wb") as file:
        pose_class(header, body).write(file)


def _components() -> list[Any]:
    """Return the parts, named as pose-format names them: face-0, hand_0."""
    from pose_format.pose_header import PoseHeaderComponent

    names = [
        *KEYPOINT_NAMES[: FACE[0]],
        *(f"face-{i}" for i in range(len(FACE))),
        *(f"hand_{i}" for i in range(21)),
        *(f"hand_{i}" for i in range(21)),
    ]
    bones = [bone for group in BONES.values() for bone in group]
    return [
        PoseHeaderComponent(
            name,
            [names[k] for k in points],
            [(one - points[0], other - points[0]) for one, other in bones if one in points and other in points],
            [(255, 255, 255)],
            "XYC",
        )
        for name, points in WHOLEBODY.items()
    ]
