"""Keypoint files with known numbers, and what the estimator reads out of them."""

from pathlib import Path
from typing import Any

import numpy as np

from camfuse.clips.table import Clip
from camfuse.config.estimators import AnnotationsPose
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.annotations.estimator import AnnotationsEstimator
from camfuse.prep.pose.estimator import Poses, check_poses

HEIGHT, WIDTH, FPS = 480, 640, 25.0
PARTS = {
    "POSE_LANDMARKS": 33,
    "FACE_LANDMARKS": 468,
    "LEFT_HAND_LANDMARKS": 21,
    "RIGHT_HAND_LANDMARKS": 21,
    "POSE_WORLD_LANDMARKS": 33,
}


def write_pose(
    path: Path, frames: int = 10, *, fps: float = 25, people: int = 1, size: tuple[int, int] = (500, 500), **parts: int
) -> Path:
    """Write a file in which, in frame t, landmark i of the file lies at x = 100 + i / 10, y = 10 t."""
    import pose_format
    from pose_format.numpy import NumPyPoseBody
    from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

    components = [
        PoseHeaderComponent(name, [f"p{i}" for i in range(count)], [], [], "XYZC")
        for name, count in (parts or PARTS).items()
    ]
    points = sum(len(component.points) for component in components)
    data = np.zeros((frames, people, points, 3), np.float32)
    data[..., 0] = 100 + np.arange(points) / 10
    data[..., 1] = 10 * np.arange(frames)[:, None, None]
    score = np.ones((frames, people, points), np.float32)
    score[0, :, -33 - 42 : -33 - 21] = 0  # the left hand is not seen in the first frame
    header = PoseHeader(0.2, PoseHeaderDimensions(*size, 1000), components)
    with path.open("wb") as file:
        pose_format.Pose(header, NumPyPoseBody(fps, data, score)).write(file)
    return path


def clip(path: Path | None, end: float = float("inf")) -> Clip:
    return Clip("one", Path("one.mp4"), 0.0, end, path, "identity")


def frames(count: int, *, fps: float = 25, start: float = 0, size: tuple[int, int] = (500, 500)) -> ClipFrames:
    return ClipFrames([b""] * count, start + np.arange(count) / fps, size[1], size[0], fps)


def estimate(clip: Clip, frames: ClipFrames, **config: Any) -> Poses:
    with AnnotationsEstimator(AnnotationsPose(**config)) as estimator:
        poses = estimator.estimate(clip, frames)
    check_poses(poses, len(frames), clip=clip, estimator="annotations")
    return poses


def recorded_rows(poses: Poses) -> list[int]:
    """Which recorded frame each row came from, by the right shoulder's y."""
    return np.round((poses.keypoints[:, 6, 1] + 0.5) / 10).astype(int).tolist()


def read_back(annotation: Path | None, clip_id: str, count: int, **config: Any) -> Poses:
    clip = Clip(clip_id, Path(f"{clip_id}.mp4"), 0.0, float("inf"), annotation, "x")
    frames = ClipFrames([b""] * count, np.arange(count) / FPS, HEIGHT, WIDTH, FPS)
    with AnnotationsEstimator(AnnotationsPose(**config)) as estimator:
        poses = estimator.estimate(clip, frames)
    check_poses(poses, count, clip=clip, estimator="annotations")
    return poses


def entry(count: int = 17, persons: int = 1, frames: int = 10, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    made = {
        "frame_dir": "one",
        "total_frames": frames,
        "img_shape": (HEIGHT, WIDTH),
        "label": 3,
        "keypoint": rng.uniform(10, 400, (persons, frames, count, 2)).astype(np.float16),
        "keypoint_score": np.full((persons, frames, count), 0.5, np.float16),
    }
    return {key: value for key, value in (made | changes).items() if value is not None}
