"""Two real clips in one image, and the persons that MediaPipe finds in it: real boxes, real scores, real losses."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

LOST = {0: slice(14, 17), 1: slice(33, 35)}
"""Frames in which one person's side is so dark that the detector loses the person: left, right."""


@dataclass(frozen=True)
class Scene:
    """Frames (H, W, 3) with two persons, and the columns in which each of them is: left, right."""

    frames: list[np.ndarray]
    columns: tuple[slice, slice]


def read(path: Path, count: int) -> list[np.ndarray]:
    """Read the frames (RGB) of `count` frames around the middle of a clip, scaled to 240 lines."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        there, frame = capture.read()
        if not there:
            break
        height, width = frame.shape[:2]
        frames.append(cv2.resize(frame[..., ::-1], (round(width * 240 / height), 240), interpolation=cv2.INTER_AREA))
    first = max(0, (len(frames) - count) // 2)
    return frames[first : first + count]


def still(frames: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
    """One frame for the whole time, with the sensor's noise."""
    noise = np.random.default_rng(4)
    return [np.clip(frames[0] + noise.normal(0, 3, frames[0].shape), 0, 255).astype(np.uint8) for _ in range(count)]


def looped(frames: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
    """The first eight frames, forth and back: a person who hardly does anything."""
    turn = [*frames[:8], *frames[6:0:-1]]
    return [turn[time % len(turn)] for time in range(count)]


def slower(frames: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
    """At a quarter of the speed."""
    return [frames[time // 4] for time in range(count)]


def beside(left: Sequence[np.ndarray], right: Sequence[np.ndarray], overlap: float = 0.0) -> Scene:
    """Place two clips side by side, the right one over the left one's edge by a share of the narrower's width.

    Where `LOST` says so, a side is nearly black.
    """
    height = max(left[0].shape[0], right[0].shape[0])
    hidden = round(overlap * min(left[0].shape[1], right[0].shape[1]))
    start = left[0].shape[1] - hidden
    columns = slice(0, left[0].shape[1]), slice(start, start + right[0].shape[1])
    frames = []
    for time, (one, other) in enumerate(zip(left, right, strict=True)):
        frame = np.zeros((height, columns[1].stop, 3), np.uint8)
        for image, place, lost in ((one, columns[0], LOST[0]), (other, columns[1], LOST[1])):
            dark = lost.start <= time < lost.stop
            frame[height - image.shape[0] :, place] = image // 40 if dark else image
        frames.append(frame)
    return Scene(frames, columns)


def scaled(frames: Sequence[np.ndarray], factor: float) -> list[np.ndarray]:
    """Return the frames larger or smaller."""
    return [cv2.resize(frame, None, fx=factor, fy=factor) for frame in frames]


def find_persons(scene: Scene, confidence: float = 0.5) -> tuple[list[np.ndarray], list[tuple[int, int]]]:
    """Let MediaPipe look at each side of each frame, as at an image of its own.

    Returns
    -------
    persons
        For each frame (N, 5) x0, y0, x1, y1, score of who was found, in any order.
    rows
        For each frame which of the rows is the left person and which the right one; -1: not found.
    """
    boxes = np.stack([_boxes(scene, side, confidence) for side in scene.columns])
    order = np.random.default_rng(2)
    persons, rows = [], []
    for time in range(len(scene.frames)):
        sides = [side for side in order.permutation(2) if not np.isnan(boxes[side, time, 0])]
        persons.append(boxes[sides, time].reshape(-1, 5))
        left, right = (sides.index(side) if side in sides else -1 for side in (0, 1))
        rows.append((left, right))
    return persons, rows


def _boxes(scene: Scene, columns: slice, confidence: float) -> np.ndarray:
    """Return the box around the visible points of the person in some columns (T, 5); NaN where nobody is found."""
    from mediapipe import solutions

    out = np.full((len(scene.frames), 5), np.nan, np.float32)
    with solutions.pose.Pose(
        static_image_mode=True, model_complexity=1, min_detection_confidence=confidence
    ) as detector:
        for row, frame in zip(out, scene.frames, strict=True):
            part = np.ascontiguousarray(frame[:, columns])
            answer = detector.process(part)
            if answer.pose_landmarks is None:
                continue
            points = np.array([(one.x, one.y, one.visibility) for one in answer.pose_landmarks.landmark])
            visible = np.clip(points[points[:, 2] > 0.5, :2], 0, 1)
            if len(visible) >= 4:
                size = np.array([part.shape[1], part.shape[0]])
                row[:2], row[2:4] = visible.min(axis=0) * size, visible.max(axis=0) * size
                row[[0, 2]] += columns.start
                row[4] = points[:25, 2].mean()
    return out
