"""Checksums inside a shard, by which readers notice a flipped byte in what they read, and read nothing more for it.

CRC-32 (zlib's, 4 GB/s): of each clip's rows of an array, of each JPEG image, and one of all that is read when a shard
is opened (attributes, clip table, facts, offsets, notes, the checksums themselves). Large rows (heatmap volumes) have
HDF5's own Fletcher-32 instead, over each frame's compressed chunk: 5 KB where the frame itself has half a megabyte,
whose CRC would double the time of a read. What none of them covers, HDF5's padding, is `camfuse.digest`'s.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

GROUP = "crc"
"""Per array a u32 for each clip, under ``jpeg`` one for each image."""
TABLES = "crc_of_tables"
"""Attribute: one for the tables. Shards of the first version have none, and nothing of them is compared."""
_ATTRIBUTES = ("stage", "fingerprint", "provenance")
_GROUPS = ("clips", "failed", "notes", GROUP)


class Checksums:
    """The checksums of a shard that is being written, in the order of its clips."""

    def __init__(self) -> None:
        self._found: dict[str, list[int]] = {}

    def add(self, name: str, rows: NDArray[Any]) -> None:
        """Note a clip's rows of an array, in the type that they are stored in."""
        self._found.setdefault(name, []).append(checksum(rows))

    def add_images(self, images: Sequence[bytes]) -> None:
        """Note a clip's images."""
        self._found.setdefault("jpeg", []).extend(map(zlib.crc32, images))

    def write(self, file: h5py.File) -> None:
        """Write them; all other tables have to be there already."""
        group = file.create_group(GROUP)
        for name in sorted(self._found):
            group.create_dataset(name, data=np.array(self._found[name], np.uint32))
        file.attrs[TABLES] = np.uint32(checksum_of_tables(file))


def checksum(rows: NDArray[Any]) -> int:
    """Return the CRC-32 of an array's numbers."""
    return zlib.crc32(np.ascontiguousarray(rows).data)


def read_checksums(file: h5py.File) -> dict[str, NDArray[np.uint32]]:
    """Return what readers compare with, by array; empty of a shard of the first version.

    Raises
    ------
    ValueError
        If the tables of the shard are not what was written.
    """
    if TABLES not in file.attrs:
        return {}
    if int(file.attrs[TABLES]) != checksum_of_tables(file):
        raise ValueError("the checksum of its tables does not agree")
    return {name: dataset[:] for name, dataset in file[GROUP].items()}


def checksum_of_tables(file: h5py.File) -> int:
    """Return the CRC-32 of all that is read when a shard is opened."""
    found = zlib.crc32(json.dumps([str(file.attrs[name]) for name in _ATTRIBUTES]).encode())
    for name, dataset in _tables(file):
        found = zlib.crc32(f"{name} {dataset.shape}".encode(), found)
        found = zlib.crc32(_plain_bytes(dataset), found)
    return found


def _tables(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    for group in _GROUPS:
        if group in file:
            yield from ((f"{group}/{name}", file[group][name]) for name in sorted(file[group]))
    if "offset" in file:
        yield "offset", file["offset"]


def _plain_bytes(dataset: h5py.Dataset) -> bytes:
    if h5py.check_string_dtype(dataset.dtype):
        return json.dumps(dataset.asstr()[:].tolist()).encode()
    return np.asarray(dataset[()]).tobytes()
