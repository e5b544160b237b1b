"""A look at the texts of an HDF5 file before the library reads them: a damaged heap makes it loop for ever.

Texts lie in global heaps (HDF5 File Format Specification, III.E): those of a shard's attributes at its beginning,
those of its clip table at its end.
"""

import struct
from pathlib import Path

BEGIN, END = 1 << 16, 1 << 20
"""Bytes at the beginning and the end of a file that are looked at."""
SIGNATURE = b"GCOL\x01\x00\x00\x00"
_OBJECT = struct.Struct("<HH4xQ")


def has_damaged_heap(path: Path) -> bool:
    """Whether a heap in the file claims objects that are larger than itself, or free space that has no size.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        begin = file.read(BEGIN)
        file.seek(max(0, size - END))
        return _damaged(begin) or _damaged(file.read(END))


def _damaged(part: bytes) -> bool:
    at = part.find(SIGNATURE)
    while at >= 0:
        if not _is_whole(part[at:]):
            return True
        at = part.find(SIGNATURE, at + len(SIGNATURE))
    return False


def _is_whole(heap: bytes) -> bool:
    (size,) = struct.unpack_from("<Q", heap.ljust(16, b"\0"), 8)
    if size > len(heap):
        return True  # cut by the window, or by the file's end, which the library sees
    place = 16
    while place + _OBJECT.size <= size:
        number, _, length = _OBJECT.unpack_from(heap, place)
        needed = _OBJECT.size + -(-length // 8) * 8 if number else length  # free space counts its own head
        if not _OBJECT.size <= needed <= size - place:
            return False
        place += needed
    return True
