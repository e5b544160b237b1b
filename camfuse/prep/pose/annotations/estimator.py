"""Keypoints that exist already, in files that the clip table's column `annotation` names.

A `.pose` file holds one clip (`pose_file`), a `.pkl` or `.pickle` of PYSKL's form many (`pyskl`): the clip's entry is
the one whose `frame_dir` is the clip's id or the name of its video. Where several persons are in the image, one of
them is the signer (`signer`).

Every frame of the clip gets the keypoints of its own recorded frame. Where the numbers of frames differ, time
stamps decide; where those do not fit either, the clip is refused, since shifted keypoints would train in silence. A
pickle has no time stamps: there only up to `SLACK` frames may be over or lack at the end.
"""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip
from camfuse.config.estimators import AnnotationsPose
from camfuse.errors import ClipError
from camfuse.geometry import rescale_points
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.annotations.files import KeypointFiles
from camfuse.prep.pose.annotations.stored import StoredPoses
from camfuse.prep.pose.estimator import Floats, Poses, missing_poses, tight_boxes

SLACK = 2
"""Recorded frames that may lack, or be over, at the end of a clip; containers and decoders differ by that much."""
ASPECT_TOLERANCE = 0.02


class AnnotationsEstimator:
    """Reads keypoints instead of estimating them; never decodes an image."""

    def __init__(self, config: AnnotationsPose) -> None:
        self._config = config
        self._files = KeypointFiles()

    def __enter__(self) -> Self:
        """Nothing to load: files are read when a clip names them."""
        return self

    def __exit__(self, *error: object) -> None:
        """Free the pickles."""
        self._files.clear()

    def provenance(self) -> Mapping[str, object]:
        """Return the estimator's name and the version of the reader of `.pose` files, where it is installed."""
        try:
            reader = version("pose-format")
        except PackageNotFoundError:
            return {"estimator": "annotations"}
        return {"estimator": "annotations", "pose-format": reader}

    def estimate(self, clip: Clip, frames: ClipFrames) -> Poses:
        """Read the clip's keypoints, one row per frame, in pixels of the frames.

        Raises
        ------
        ClipError
            If the clip names no file or one of an unknown kind, the file cannot be read, or it does not fit the frames
            in number or shape.
        MissingToolError
            If the file is a `.pose` file and pose-format is not installed.
        """
        named = clip.annotation or self._config.file
        if named is None:
            raise ClipError(clip.clip_id, "pose.annotations needs the column `annotation`; it is empty for this clip")
        path = self._config.folder / named
        stored = self._files.read(path, clip)
        rows = _rows(stored, clip, frames, path)
        filled = rows >= len(stored)
        keypoints = _scaled(stored, clip, frames, path)[np.minimum(rows, len(stored) - 1)]
        return Poses(keypoints, tight_boxes(keypoints), filled) if len(keypoints) else missing_poses(0)


def _rows(stored: StoredPoses, clip: Clip, frames: ClipFrames, path: Path) -> NDArray[np.int64]:
    """Return the recorded frame of each frame; numbers past the recording's end are at most `SLACK` over."""
    if len(frames) == len(stored):
        return np.arange(len(frames))
    if stored.fps > 0 and len(frames):
        rows = np.floor(frames.time * stored.fps + 0.5).astype(np.int64)
        over = int(rows[-1]) - (len(stored) - 1)
        to_the_end = np.isinf(clip.end)
        if over <= SLACK and (over >= -SLACK or not to_the_end):
            return rows
    elif not stored.fps and abs(len(frames) - len(stored)) <= SLACK:
        return np.arange(len(frames))
    raise ClipError(
        clip.clip_id,
        f"{path}: expected keypoints of {len(frames)} frames ({_span(frames)}), "
        f"found {len(stored)} frames" + (f" at {stored.fps:g} fps" if stored.fps else ""),
    )


def _span(frames: ClipFrames) -> str:
    return f"{frames.time[0]:.2f} to {frames.time[-1]:.2f} s" if len(frames) else "none"


def _scaled(stored: StoredPoses, clip: Clip, frames: ClipFrames, path: Path) -> Floats:
    """Return the signer's keypoints, moved from pixels of the recorded image to the frame's."""
    across, down = frames.width / stored.width, frames.height / stored.height
    if abs(across / down - 1) > ASPECT_TOLERANCE:
        raise ClipError(
            clip.clip_id,
            f"{path}: expected keypoints of a {frames.width}x{frames.height} image or one of that shape, "
            f"found {stored.width}x{stored.height}",
        )
    keypoints = stored.signer()
    return keypoints if (across, down) == (1, 1) else rescale_points(keypoints, np.array([across, down], np.float32))
