"""Keypoints that exist already: `.pose` files named in the clip table's column `annotation`.

Every frame of the clip gets the keypoints of its own recorded frame. Where the numbers of frames differ, time
stamps decide; where those do not fit either, the clip is refused, since shifted keypoints would train in silence.
"""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip
from camfuse.config import AnnotationsPose
from camfuse.errors import ClipError
from camfuse.prep.pose.estimator import ClipFrames, Floats, Poses, missing_poses, tight_boxes
from camfuse.prep.pose.holistic import to_wholebody
from camfuse.prep.pose.recording import Recording, read_recording, require_pose_format

SLACK = 2
"""Recorded frames that may lack, or be over, at the end of a clip; containers and decoders differ by that much."""
ASPECT_TOLERANCE = 0.02


class AnnotationsEstimator:
    """Reads keypoints instead of estimating them; never decodes a picture."""

    def __init__(self, config: AnnotationsPose) -> None:
        self._folder = config.folder

    def __enter__(self) -> Self:
        """Look whether the package is there, before the first clip."""
        require_pose_format()
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to free."""

    def provenance(self) -> Mapping[str, object]:
        """Return the estimator's name and the reader's version."""
        return {"estimator": "annotations", "pose-format": version("pose-format")}

    def estimate(self, clip: Clip, frames: ClipFrames) -> Poses:
        """Read the clip's keypoints, one row per frame, in pixels of the frames.

        Raises
        ------
        ClipError
            If the clip names no file, the file cannot be read, or it does not fit the frames in number or shape.
        """
        if clip.annotation is None:
            raise ClipError(clip.clip_id, "pose.annotations needs the column `annotation`; it is empty for this clip")
        path = self._folder / clip.annotation
        recording = read_recording(path, clip.clip_id)
        rows = _rows(recording, clip, frames, path)
        filled = rows >= len(recording)
        keypoints = _scaled(recording, clip, frames, path)[np.minimum(rows, len(recording) - 1)]
        return Poses(keypoints, tight_boxes(keypoints), filled) if len(keypoints) else missing_poses(0)


def _rows(recording: Recording, clip: Clip, frames: ClipFrames, path: Path) -> NDArray[np.int64]:
    """Return the recorded frame of each frame; numbers past the recording's end are at most `SLACK` over."""
    if len(frames) == len(recording):
        return np.arange(len(frames))
    if recording.fps > 0 and len(frames):
        rows = np.floor(frames.time * recording.fps + 0.5).astype(np.int64)
        over = int(rows[-1]) - (len(recording) - 1)
        to_the_end = np.isinf(clip.end)
        if over <= SLACK and (over >= -SLACK or not to_the_end):
            return rows
    raise ClipError(
        clip.clip_id,
        f"{path}: expected keypoints of {len(frames)} frames ({_span(frames)}), "
        f"found {len(recording)} frames at {recording.fps:g} fps",
    )


def _span(frames: ClipFrames) -> str:
    return f"{frames.time[0]:.2f} to {frames.time[-1]:.2f} s" if len(frames) else "none"


def _scaled(recording: Recording, clip: Clip, frames: ClipFrames, path: Path) -> Floats:
    """Map to the 133 keypoints, and from the recording's picture (spanning 0 .. width) to the frame's pixels."""
    across, down = frames.width / recording.width, frames.height / recording.height
    if abs(across / down - 1) > ASPECT_TOLERANCE:
        raise ClipError(
            clip.clip_id,
            f"{path}: expected keypoints of a {frames.width}x{frames.height} picture or one of that shape, "
            f"found {recording.width}x{recording.height}",
        )
    keypoints = to_wholebody(recording.body, recording.face, recording.left, recording.right)
    keypoints[..., :2] = keypoints[..., :2] * np.array([across, down], np.float32) - 0.5
    return keypoints
