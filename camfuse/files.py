"""Text and binary files that appear under their name only when they are complete; what a foreign file is instead."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from camfuse.errors import ConfigError

LOOKED_AT = 4096
"""Bytes at the beginning of a file that say what it is."""
INSTEAD: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer in place of the file: run `git lfs pull` where it came from"),
    (b"/annex/objects/", "a git-annex pointer in place of the file: run `git annex get` where it came from"),
    (b"<!doctype html", WEB_PAGE := "a web page: the download failed, or wanted a login"),
    (b"<html", WEB_PAGE),
    (b"<head", WEB_PAGE),
    (b"%pdf-", "a PDF document"),
    (b"rar!", ARCHIVE := "an archive: unpack it"),
    (b"7z\xbc\xaf", ARCHIVE),
    (b"\x1f\x8b", "a gzip file: unpack it"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89png", "a PNG image"),
)
"""How files begin, in small letters, that are found in place of what they are called, and what they are."""
ZIP = (b"pk\x03\x04", "a zip archive (or an Excel table)")


@contextmanager
def atomic(path: Path, suffix: str = "part") -> Iterator[Path]:
    """Give a sibling to write to, and rename it to `path` only when all went well.

    The rename stays in one folder, so that a reader on a shared file system sees the whole file or none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{suffix}")
    try:
        with naming(path):
            yield part
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def check_targets(option: str, targets: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse to write over what is read, or over a folder, before anything is computed.

    Parameters
    ----------
    option
        What names the files, for the message.
    targets
        The files to write.
    inputs
        What the same command reads.

    Raises
    ------
    ConfigError
        If one of `targets` is one of `inputs`, or a folder.
    """
    read = {one.resolve() for one in inputs}
    for target in targets:
        if target.is_dir():
            raise ConfigError(f"{option}: expected a file to write, found the folder {target}")
        if target.resolve() in read:
            raise ConfigError(f"{option}: expected another place than what is read, found {target}")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let the error of a full disk name what was to be written, which the operating system mostly does not say."""
    try:
        yield
    except OSError as error:
        # a second name is that of a copy
        if error.errno in (errno.ENOSPC, errno.EDQUOT) and (error.filename is None or error.filename2 is not None):
            error.filename, error.filename2 = str(path), None
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically; several processes may do so at once, and the last one wins."""
    with atomic(path, f"{uuid4().hex}.part") as part:
        part.write_text(text, encoding="utf-8")


def write_if_changed(path: Path, text: str) -> bool:
    """Write a text file unless it says the same already, so that its time stamp means a change."""
    if path.is_file() and path.read_bytes() == text.encode():
        return False
    write_text(path, text)
    return True


def is_newer(path: Path, since: float) -> bool:
    """Return whether there is such a file, written at that time (seconds of the epoch) or later."""
    return path.is_file() and path.stat().st_mtime >= since


def link_folder(path: Path, target: Path) -> None:
    """Let a link point to a folder; a folder that stands there itself, as a copy of an output has it, is left."""
    if path.is_dir() and (not path.is_symlink() or path.readlink() == target):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid4().hex}.part")
    part.symlink_to(target)
    part.replace(path)


def found_instead(path: Path, *, text: bool = True, zipped: bool = True) -> str | None:
    """Say in a user's words what a file is that has another's name, as far as its first bytes tell, else None.

    Parameters
    ----------
    text, zipped
        Whether a text, or a zip archive, is something else than what is expected there.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(LOOKED_AT)
    if not start:
        return "an empty file"
    if not start.strip(b"\0"):
        return "nothing but zeros: its download or copy was not finished"
    plain = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    known = next((words for begin, words in (*INSTEAD, *[ZIP] * zipped) if plain[:40].lower().startswith(begin)), None)
    if known or not text:
        return known
    words = plain[:60].decode(errors="replace")
    readable = all(letter.isprintable() or letter in "\r\n\t" for letter in words[:-1])
    return f"a text that begins with {' '.join(words[:40].split())!r}" if readable else None
