"""A folder with one sub-folder per word."""

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from camfuse.clips.label_files import check_folder, name_some, plural
from camfuse.clips.labels import is_split, make_table
from camfuse.clips.own_split import OwnSplit
from camfuse.clips.sources.entry import SourceEntry
from camfuse.clips.splits import VIDEO_SUFFIXES, clip_id_of
from camfuse.clips.table import ClipTable, unwritable
from camfuse.config.sources import FolderSource
from camfuse.errors import TableError

REMEDY = "To keep people apart, say by `clips.folder.signer` where a video's path names its signer."


def read(source: FolderSource) -> ClipTable:
    """Read ``<videos>/<label>/**/<any name>.mp4`` (or another video suffix).

    The folder's name is the label, the clip id is made of the path (`clip_id_of`), the signer is the first group that
    `source.signer` finds in the path (not known without it), and the clips are split by signer where these are known,
    else each label by itself (`OwnSplit`). Files with another suffix and videos outside a label's folder are left out
    and noted; hidden files are passed over.

    Raises
    ------
    TableError
        If the folder is missing, holds no video, videos whose names no table can hold or do not tell the signer, or
        train / val / test in place of labels.
    """
    check_folder(source.videos)
    found = sorted(_files(source.videos))
    videos = [path for path in found if "/" in path and Path(path).suffix.lower() in VIDEO_SUFFIXES]
    if not videos:
        raise TableError(source.videos, [f"expected a folder per label with videos in it, found {_instead(found)}"])
    signers = [_signer(path, source.signer) for path in videos]
    problems = [problem for path in videos if (problem := unwritable(path))]
    problems += [
        f"{path!r}: expected a signer by clips.folder.signer: {source.signer}, found none"
        for path, signer in zip(videos, signers, strict=True)
        if source.signer and not signer
    ]
    if problems:
        raise TableError(source.videos, problems)
    labels = [path.split("/")[0] for path in videos]
    if all(is_split(label) for label in set(labels)):
        raise TableError(
            source.videos,
            [f"expected a folder per label, found the splits {sorted(set(labels))}; name them in a table (clips.csv)"],
        )
    rows = pd.DataFrame(
        {
            "clip_id": [clip_id_of(path) for path in videos],
            "video": [str(source.videos / path) for path in videos],
            "label": labels,
            "signer": signers,
        }
    )
    own_split = OwnSplit(source.split, source.by, REMEDY)
    return make_table(rows, source.videos, own_split=own_split, notes=_notes(found, videos, source.videos))


def _instead(found: list[str]) -> str:
    if flat := [path for path in found if Path(path).suffix.lower() in VIDEO_SUFFIXES]:
        return f"{len(flat)} {plural(len(flat), 'video that lies', 'videos that lie')} in none: {name_some(flat)}"
    return "no such video"


def _signer(path: str, pattern: str | None) -> str:
    found = re.search(pattern, unicodedata.normalize("NFC", path)) if pattern else None
    return (found[1] or "").strip() if found else ""


def _files(folder: Path) -> Iterator[str]:
    """Give every file as a path relative to `folder`; the labels' folders may be links."""
    for entry in os.scandir(folder):
        if entry.name.startswith("."):
            continue
        if not entry.is_dir():
            yield entry.name
            continue
        for place, inside, names in os.walk(entry.path):
            inside[:] = [name for name in inside if not name.startswith(".")]
            below = Path(place).relative_to(folder).as_posix()
            yield from (f"{below}/{name}" for name in names if not name.startswith("."))


def _notes(found: list[str], videos: list[str], folder: Path) -> Iterator[str]:
    left = sorted(set(found) - set(videos))
    others = [path for path in left if "/" in path]
    outside = [path for path in left if "/" not in path and Path(path).suffix.lower() in VIDEO_SUFFIXES]
    filled = {path.split("/")[0] for path in videos}
    empty = sorted(
        entry.name
        for entry in os.scandir(folder)
        if entry.is_dir() and entry.name not in filled and not entry.name.startswith(".")
    )
    if others:
        what = plural(len(others), "file has no video suffix and is", "files have no video suffix and are")
        yield f"{len(others)} {what} left out: {name_some(others)}."
    if outside:
        what = plural(len(outside), "video lies in no label's folder and is", "videos lie in no label's folder and are")
        yield f"{len(outside)} {what} left out: {name_some(outside)}."
    if empty:
        what = plural(len(empty), "folder holds no video and is", "folders hold no video and are")
        yield f"{len(empty)} {what} no label: {name_some(empty)}."


ENTRY = SourceEntry(FolderSource, read)
