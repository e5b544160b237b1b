"""Annotation pickles of PYSKL and MMAction2: the keypoints of many clips in one file.

The form (PYSKL, ``tools/data/README.md``): a dictionary of ``split`` (clip names of each split) and ``annotations``,
one dictionary a clip with ``frame_dir`` (its name), ``total_frames``, ``img_shape`` and ``original_shape`` (height,
width), ``label``, ``keypoint`` (M, T, V, 2) in pixels and ``keypoint_score`` (M, T, V), both fp16; a person who is not
there in a frame has zeros. V is 133 (COCO-WholeBody) or 17 (COCO's body, the first 17 of those).
"""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camfuse.clips.label_files import name_some
from camfuse.clips.names import common_parts, name_parts
from camfuse.clips.splits import clip_id_of
from camfuse.clips.table import Clip
from camfuse.errors import ClipError
from camfuse.geometry import unseen_points
from camfuse.prep.pose.annotations.safe_pickle import StoredArray, UnsafePickleError, read_plain
from camfuse.prep.pose.annotations.stored import StoredPoses, seen_only
from camfuse.skeleton import BODY, NUM_KEYPOINTS

LARGEST_SCORE = 2.0
"""Scores of heatmaps may be a little over 1."""
Entry = Mapping[str, Any]


class AnnotationPickle:
    """One file's entries by name; read once, asked for many clips."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises
        ------
        UnsafePickleError
            If it holds anything but plain data, or is not of the form above.
        OSError
            If it cannot be read.
        """
        self.path = path
        content = read_plain(path)
        entries = content.get("annotations") if isinstance(content, dict) else content
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            found = f"the keys {_keys(content)}" if isinstance(content, dict) else type(content).__name__
            raise UnsafePickleError(f"expected `split` and `annotations`, a list of dictionaries; found {found}")
        self._by_id: dict[str, list[Entry]] = defaultdict(list)
        self._by_name: dict[str, list[tuple[tuple[str, ...], Entry]]] = defaultdict(list)
        for entry in entries:
            name = entry.get("frame_dir", entry.get("filename"))
            if not isinstance(name, str):
                raise UnsafePickleError(f"expected `frame_dir` in each annotation, found the keys {_keys(entry)}")
            parts = name_parts(name)
            self._by_id[clip_id_of(name)].append(entry)
            if name != clip_id_of(name):
                self._by_id[name].append(entry)
            self._by_name["".join(parts[-1:])].append((parts, entry))

    def poses(self, clip: Clip) -> StoredPoses:
        """Return the poses of the clip's entry.

        That is the one whose `frame_dir` is the clip's id, else the one that has the most folders in common with the
        clip's path, from the end. A bare name counts only where no other entry and no other clip has it, and never
        against the folder: the keypoints of ``thanks/1`` are not those of ``hello/1``.

        Raises
        ------
        ClipError
            If there is none, or more than one, or it is not of the form above.
        """
        entries = self._by_id[clip.clip_id] if clip.clip_id in self._by_id else self._alike(clip)
        if len(entries) != 1:
            raise ClipError(clip.clip_id, f"{self.path}: {self._unfound(clip, len(entries))}")
        try:
            return _poses(entries[0])
        except UnsafePickleError as error:
            raise ClipError(clip.clip_id, f"{self.path}: {error}") from error

    def _alike(self, clip: Clip) -> list[Entry]:
        """Return the entries whose names are most like the clip's."""
        video = name_parts(str(clip.video))
        best, found = 0, list[Entry]()
        # an id is a name too, of a file that would lie where the video lies, and no two clips have the same
        for names, needed in (((*video[:-1], clip.clip_id), 1), (video, clip.name_parts)):
            others = self._by_name.get(names[-1], []) if needed else []
            for parts, entry in others:
                common = common_parts(parts, names)
                enough = common >= needed and (common > 1 or len(others) == 1)
                if enough and common >= best and not any(entry is other for other in found):
                    found = [*found, entry] if common == best else [entry]
                    best = common
        return found

    def _unfound(self, clip: Clip, count: int) -> str:
        video = name_parts(str(clip.video))
        paths = ["/".join(video[-clip.name_parts :])] if clip.name_parts else []
        wanted = dict.fromkeys([clip.clip_id, *paths])
        near = dict.fromkeys(
            "/".join(parts) for name in (clip.clip_id, video[-1]) for parts, _ in self._by_name.get(name, [])
        )
        return f"expected one annotation with frame_dir {' or '.join(map(repr, wanted))}, found {count}" + (
            f"; not certainly this clip's, by its folder or other clips: {name_some([*near])}" if near else ""
        )


def _poses(entry: Entry) -> StoredPoses:
    """Check an entry; the error is `UnsafePickleError`, whose message has no path yet."""
    points = _numbers(entry, "keypoint", "(persons, frames, 17 or 133, 2)")
    points = points[None] if points.ndim == 3 else points
    if points.ndim != 4 or points.shape[2] not in (len(BODY), NUM_KEYPOINTS) or points.shape[3] not in (2, 3):
        raise UnsafePickleError(f"expected `keypoint` (persons, frames, 17 or 133, 2), found {points.shape}")
    persons, frames, count, columns = points.shape
    if columns == 3 and "keypoint_score" not in entry:
        scores = _third_column(points[..., 2])
    else:
        scores = _numbers(entry, "keypoint_score", f"{points.shape[:3]}")
        scores = scores[None] if scores.ndim == 2 else scores
    if scores.shape != (persons, frames, count):
        raise UnsafePickleError(f"expected `keypoint_score` {points.shape[:3]}, found {scores.shape}")
    total = entry.get("total_frames", frames)
    if total != frames or not persons or not frames:
        raise UnsafePickleError(f"expected `keypoint` of {total} frames (total_frames), found {persons} x {frames}")
    height, width = _size(entry)
    keypoints = unseen_points(persons, frames, NUM_KEYPOINTS)
    keypoints[:, :, :count] = seen_only(np.concatenate([points[..., :2], scores[..., None]], axis=-1))
    return StoredPoses(keypoints, width, height, fps=0.0)


def _numbers(entry: Entry, name: str, shape: str) -> NDArray[Any]:
    value = entry.get(name)
    if not isinstance(value, StoredArray):
        found = f"the keys {_keys(entry)}" if value is None else type(value).__name__
        raise UnsafePickleError(f"expected `{name}`, an array {shape}; found {found}")
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise UnsafePickleError(f"expected `{name}`, an array of numbers; found {array.dtype}")
    return array.astype(np.float32)


def _third_column(values: NDArray[Any]) -> NDArray[Any]:
    """Return the scores that stand beside x and y; a z there has values that no score has."""
    least, most = np.nanmin(values, initial=0), np.nanmax(values, initial=0)
    if least < 0 or most > LARGEST_SCORE:
        raise UnsafePickleError(
            "expected `keypoint_score`, or scores of 0 to 1 as third column of `keypoint`; "
            f"found values of {least:.2f} to {most:.2f} there, as of a third coordinate"
        )
    return values


def _size(entry: Entry) -> tuple[int, int]:
    found = entry.get("img_shape", entry.get("original_shape"))
    if isinstance(found, StoredArray):
        found = np.asarray(found).reshape(-1).tolist()
    match found:
        case (int() | float() as height, int() | float() as width, *_) if _is_size(height) and _is_size(width):
            return int(height), int(width)
        case _:
            raise UnsafePickleError(f"expected `img_shape` (height, width) in pixels, found {str(found)[:40]}")


def _is_size(side: float) -> bool:
    return side >= 1 and float(side).is_integer()


def _keys(entry: Mapping[Any, Any]) -> str:
    names = [str(key)[:30] for key in entry]
    return ", ".join(names[:12] + ["..."] * (len(names) > 12)) or "none"
