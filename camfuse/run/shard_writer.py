"""How a shard is written: clip by clip into a part file, which is renamed when it is whole (`camfuse.run.shard` reads).

No file locks: a part file has one writer.
"""

import errno
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import h5py
import hdf5plugin
import numpy as np

from camfuse.digest import seal
from camfuse.files import atomic
from camfuse.run.checksums import Checksums
from camfuse.run.shard import Array, ClipData, LeftOut

SPARSE_MIN_BYTES = 16_384
"""Rows at least this large (heatmap volumes) are compressed, one chunk a frame."""
ZSTD_LEVEL = 3
ROOM = 2 * 2**20
"""Bytes that must stay free on the disk beside a clip: HDF5 grows by chunks of up to 1 MB and ends with tables."""
_STRING = h5py.string_dtype("utf-8")


class ShardWriter:
    """Write a shard clip by clip; the file appears under its name only when the block ends well."""

    def __init__(self, path: Path, *, stage: str, fingerprint: str, provenance: Mapping[str, object]) -> None:
        self.path = path
        self._attributes = {
            "stage": stage,
            "fingerprint": fingerprint,
            "provenance": json.dumps(provenance, sort_keys=True),
        }
        self._stack = ExitStack()
        self._clips: list[tuple[str, int, int]] = []
        self._facts: list[Mapping[str, Array | float | int | str]] = []
        self._left_out: dict[str, LeftOut] = {}
        self._notes: dict[str, str] = {}
        self._checksums = Checksums()
        self._bytes = 0

    def __enter__(self) -> Self:
        """Open the part file."""
        part = self._stack.enter_context(atomic(self.path))
        self._stack.push(lambda kind, *_: seal(part) if kind is None else None)  # when the file below is closed
        self._file = self._stack.enter_context(h5py.File(part, "w", libver="latest", locking=False))
        self._file.attrs.update(self._attributes)
        # after an error room is made for what HDF5 writes while it closes: where it cannot, it crashes later
        self._stack.push(lambda kind, *_: os.truncate(part, 0) if kind is not None else None)
        self._stack.push(lambda kind, *_: self._finish() if kind is None else None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the clip table and rename, or drop the part file after an error."""
        self._stack.__exit__(kind, error, trace)

    def _finish(self) -> None:
        self._write_clips()
        self._file.flush()

    def add(self, clip_id: str, data: ClipData) -> None:
        """Append one clip.

        Raises
        ------
        OSError
            If the disk is full.
        """
        self._check_room(data)
        _, first, count = self._clips[-1] if self._clips else ("", 0, 0)
        for name in sorted(data.frames):  # an order of its own, so that a clip reused gives the same bytes
            self._append(name, data.frames[name])
        if data.jpeg:
            self._append_jpeg(data.jpeg)
        self._clips.append((clip_id, first + count, len(data)))
        self._facts.append(data.facts)
        if data.note:
            self._notes[clip_id] = data.note

    def _check_room(self, data: ClipData) -> None:
        """Refuse what does not fit before HDF5 tries, which may crash after a write that failed."""
        sizes = [rows.nbytes // (8 if rows[:1].nbytes >= SPARSE_MIN_BYTES else 1) for rows in data.frames.values()]
        disk = shutil.disk_usage(self.path.parent)
        if disk.total and disk.free < sum(sizes) + sum(map(len, data.jpeg)) + ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def leave_out(self, clip_id: str, why: LeftOut) -> None:
        """Note a clip that this stage, or one before it, could not process."""
        self._left_out[clip_id] = why

    def _append(self, name: str, rows: Array) -> None:
        if name not in self._file:
            row_shape, row_bytes = rows.shape[1:], rows[:1].nbytes
            sparse = row_bytes >= SPARSE_MIN_BYTES
            self._file.create_dataset(
                name,
                shape=(0, *row_shape),
                maxshape=(None, *row_shape),
                dtype=rows.dtype,
                chunks=(1 if sparse else 64, *row_shape),
                compression=hdf5plugin.Zstd(clevel=ZSTD_LEVEL) if sparse else None,
                fletcher32=sparse,
            )
        dataset = self._file[name]
        rows = np.asarray(rows, dataset.dtype)
        if not dataset.fletcher32:
            self._checksums.add(name, rows)
        start = len(dataset)
        dataset.resize(start + len(rows), axis=0)
        dataset[start:] = rows

    def _append_jpeg(self, images: Sequence[bytes]) -> None:
        if "jpeg" not in self._file:
            self._file.create_dataset("jpeg", (0,), maxshape=(None,), dtype=np.uint8, chunks=(1 << 20,))
            self._file.create_dataset("offset", (1,), maxshape=(None,), dtype=np.int64, chunks=(1024,))
        ends = self._bytes + np.cumsum([len(image) for image in images], dtype=np.int64)
        jpeg, offset = self._file["jpeg"], self._file["offset"]
        jpeg.resize(int(ends[-1]), axis=0)
        jpeg[self._bytes :] = np.frombuffer(b"".join(images), np.uint8)
        start = len(offset)
        offset.resize(start + len(ends), axis=0)
        offset[start:] = ends
        self._bytes = int(ends[-1])
        self._checksums.add_images(images)

    def _write_clips(self) -> None:
        group = self._file.create_group("clips")
        ids = [clip_id for clip_id, *_ in self._clips]
        group.create_dataset("clip_id", data=ids, dtype=_STRING, shape=(len(ids),))
        group.create_dataset("first", data=np.array([first for _, first, _ in self._clips], np.int64))
        group.create_dataset("count", data=np.array([count for *_, count in self._clips], np.int64))
        for name in sorted(self._facts[0]) if self._facts else ():
            values = [facts[name] for facts in self._facts]
            if isinstance(values[0], str):
                group.create_dataset(name, data=values, dtype=_STRING)
            else:
                group.create_dataset(name, data=np.array(values))
        self._write_left_out()
        self._write_notes()
        self._checksums.write(self._file)

    def _write_left_out(self) -> None:
        group, why = self._file.create_group("failed"), self._left_out.values()
        columns = {"clip_id": list(self._left_out), "reason": [one.reason for one in why]}
        if why:  # a shard of whole clips has the bytes that it always had
            columns["stage"] = [one.stage for one in why]
        for name, values in columns.items():
            group.create_dataset(name, data=values, dtype=_STRING, shape=(len(values),))

    def _write_notes(self) -> None:
        if self._notes:
            group = self._file.create_group("notes")
            for name, values in (("clip_id", list(self._notes)), ("note", list(self._notes.values()))):
                group.create_dataset(name, data=values, dtype=_STRING)
