"""Which videos are meant: files, folders and patterns."""

import glob
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from camfuse.clips.splits import VIDEO_SUFFIXES

log = logging.getLogger(__name__)


def find_videos(names: Iterable[str]) -> list[Path]:
    """Return every video that is meant, each once, in the order of the names and sorted within a folder or pattern.

    Parameters
    ----------
    names
        Files, whatever their suffix; folders, of which every file with a video's suffix is taken, however deep, but
        no hidden one; and patterns such as ``clips/*.mp4`` or ``clips/**/*.mp4`` that the shell did not fill in.
        What is not there stays in the list, so that it is answered with a reason like any other.
    """
    return list(dict.fromkeys(path for name in names for path in _meant(name)))


def _meant(name: str) -> Iterator[Path]:
    path = Path(name)
    if path.is_dir():
        below = sorted(_videos_below(path))
        if not below:
            log.warning("%s: no video is in this folder", path)
        yield from below
    elif path.exists() or not glob.has_magic(name):
        yield path
    else:
        found = [Path(one) for one in sorted(glob.glob(name, recursive=True))]  # noqa: PTH207  # absolute patterns too
        yield from (one for one in found if not one.is_dir())
        if not found:
            yield path


def _videos_below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in VIDEO_SUFFIXES and not hidden and not path.is_dir():
            yield path
