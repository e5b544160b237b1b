"""A file's own SHA-256, at its end: it goes wherever the file goes, and nothing beside the file has to be kept.

HDF5 and PyTorch read past it: an HDF5 file says itself where it ends, and of a zip archive it is the comment. Their own
checks leave bytes out (padding, texts, PyTorch the tensors themselves); this one leaves none.
"""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

MARK = b"\ncamfuse sha256 "
LENGTH = len(MARK) + 64 + 1
"""Bytes of the mark, the digest in hexadecimal and a line's end."""
_END_OF_ZIP = b"PK\x05\x06"
_LAST_RECORD = 22
"""Bytes of a zip archive's last record, of which the last two are the length of the comment after it."""
_BLOCK = 1 << 20


def seal(path: Path) -> None:
    """Append the digest of all that the file holds; a zip archive, which must have no comment, gets it as one.

    Raises
    ------
    OSError
        If it cannot be read and written.
    """
    with path.open("r+b") as file:
        _announce_comment(file)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0, os.SEEK_END)
        file.write(MARK + digest.encode() + b"\n")


def is_whole(path: Path) -> bool | None:
    """Return whether the file is what was sealed, byte for byte; None where it has no digest.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - LENGTH - _LAST_RECORD))
        tail = file.read()
        end = tail[-LENGTH:]
        if not end.startswith(MARK):
            return False if _announces(tail) else None
        file.seek(0)
        found, left = hashlib.sha256(), size - LENGTH
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            found.update(block)
            left -= len(block)
    return end == MARK + found.hexdigest().encode() + b"\n"


def _announces(tail: bytes) -> bool:
    """Whether a zip archive says that a comment as long as a digest follows."""
    at = tail.rfind(_END_OF_ZIP)
    return at >= 0 and tail[at + _LAST_RECORD - 2 : at + _LAST_RECORD] == LENGTH.to_bytes(2, "little")


def _announce_comment(file: BinaryIO) -> None:
    """Say in a zip archive's last record how long the comment after it will be."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _LAST_RECORD))
    last = file.read(_LAST_RECORD)
    if last.startswith(_END_OF_ZIP) and last.endswith(b"\0\0"):
        file.seek(size - 2)
        file.write(LENGTH.to_bytes(2, "little"))
