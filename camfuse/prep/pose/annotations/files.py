"""The keypoint files that clips name, each pickle read once."""

from pathlib import Path

from camfuse.clips.table import Clip
from camfuse.config.estimators import PICKLES, unknown_keypoints
from camfuse.errors import ClipError
from camfuse.prep.pose.annotations.pose_file import read_pose
from camfuse.prep.pose.annotations.pyskl import AnnotationPickle
from camfuse.prep.pose.annotations.safe_pickle import UnsafePickleError
from camfuse.prep.pose.annotations.stored import StoredPoses


class KeypointFiles:
    """Reads keypoint files; the pickles stay in memory, for they hold many clips."""

    def __init__(self) -> None:
        self._pickles: dict[Path, AnnotationPickle] = {}

    def read(self, path: Path, clip: Clip) -> StoredPoses:
        """Return what a file holds of a clip, by the reader that its suffix says.

        Raises
        ------
        ClipError
            If the file is of an unknown kind, or cannot be read, or does not hold the clip.
        MissingToolError
            If the file is a `.pose` file and pose-format is not installed.
        """
        if problem := unknown_keypoints(path):
            raise ClipError(clip.clip_id, problem)
        many = path.suffix.lower() in PICKLES
        return self._pickle(path, clip).poses(clip) if many else read_pose(path, clip.clip_id)

    def clear(self) -> None:
        """Free the pickles."""
        self._pickles.clear()

    def _pickle(self, path: Path, clip: Clip) -> AnnotationPickle:
        """Return a pickle, read when the first clip names it."""
        try:
            if path not in self._pickles:
                self._pickles[path] = AnnotationPickle(path)
        except UnsafePickleError as error:
            raise ClipError(clip.clip_id, f"{path}: {error}") from error
        except OSError as error:
            raise ClipError(clip.clip_id, f"{path}: cannot read the keypoints: {error.strerror}") from error
        return self._pickles[path]
