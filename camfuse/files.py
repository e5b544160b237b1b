"""Text and binary files that appear under their name only when they are complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def atomic(path: Path, suffix: str = "part") -> Iterator[Path]:
    """Give a sibling to write to, and rename it to `path` only when all went well.

    The rename stays in one folder, so that a reader on a shared file system sees the whole file or none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{suffix}")
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically; several processes may do so at once, and the last one wins."""
    with atomic(path, f"{uuid4().hex}.part") as part:
        part.write_text(text, encoding="utf-8")


def write_if_changed(path: Path, text: str) -> bool:
    """Write a text file unless it says the same already, so that its time stamp means a change."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    write_text(path, text)
    return True


def link_folder(path: Path, target: Path) -> None:
    """Let a link point to a folder; a folder that stands there itself, as a copy of an output has it, is left."""
    if path.is_dir() and (not path.is_symlink() or path.readlink() == target):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid4().hex}.part")
    part.symlink_to(target)
    part.replace(path)
