"""The only door to the shard files: one HDF5 file per shard and stage.

One frame axis N runs through a shard, all its clips one after the other; ``clips/first`` and ``clips/count``
say which rows are whose. Arrays with a row per frame lie at the root, JPEG images as flat bytes in ``jpeg``
with ``offset`` (N + 1), facts with a value per clip under ``clips/``.

HDF5 habits (measured): never pass an index list or a stride to h5py (155 times slower than a loop), no vlen
data, handles opened lazily per process and dropped when pickled, no file locks (a part file has one writer), files
immutable once renamed into place.
"""

import errno
import json
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from camfuse.digest import seal
from camfuse.errors import ShardError, StaleShardError
from camfuse.files import atomic
from camfuse.run.checksums import TABLES, Checksums, checksum, read_checksums
from camfuse.run.heaps import has_damaged_heap

Array = NDArray[Any]
SPARSE_MIN_BYTES = 16_384
"""Rows at least this large (heatmap volumes) are compressed, one chunk a frame."""
ZSTD_LEVEL = 3
ROOM = 2 * 2**20
"""Bytes that must stay free on the disk beside a clip: HDF5 grows by chunks of up to 1 MB and ends with tables."""
DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, MemoryError)
"""What h5py trips over in a damaged file."""
_STRING = h5py.string_dtype("utf-8")


@dataclass(frozen=True)
class LeftOut:
    """Why a clip of the table is not in a shard: the stage that could not process it, and its reason."""

    stage: str
    reason: str


@dataclass(frozen=True)
class ClipData:
    """What a stage knows of one clip.

    Attributes
    ----------
    frames
        Arrays with one row per frame.
    jpeg
        One encoded image per frame, or empty.
    facts
        Scalars or small arrays, one per clip.
    note
        What is odd about the clip, a sentence for the report; mostly empty.
    """

    frames: Mapping[str, Array] = field(default_factory=dict)
    jpeg: Sequence[bytes] = ()
    facts: Mapping[str, Array | float | int | str] = field(default_factory=dict)
    note: str = ""

    def __len__(self) -> int:
        """Return the number of frames."""
        counts = {name: len(rows) for name, rows in self.frames.items()}
        if self.jpeg:
            counts["jpeg"] = len(self.jpeg)
        if len(set(counts.values())) != 1:
            raise ValueError(f"expected the same number of frames in every array, found {counts}")
        return next(iter(counts.values()))


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


class Shard:
    """Read a shard. Cheap to make, to pickle and to hand to a worker: the file is opened on first use.

    All that is read is compared with its checksum (`camfuse.run.checksums`); `has_checksums` says whether there are
    any, which shards of the first version lack.

    Raises
    ------
    ShardError
        If the file is missing, damaged or of another stage.
    StaleShardError
        If `fingerprint` is given and the file has another one.
    """

    def __init__(self, path: Path, *, stage: str, fingerprint: str | None = None) -> None:
        self.path = path
        self._handle: h5py.File | None = None
        self._owner = -1
        file = self._open()
        with self._undamaged():
            found = file.attrs.get("stage")
            if found != stage:
                raise ShardError(f"{path}: expected a shard of stage {stage}, found {found}")
            self.fingerprint = str(file.attrs["fingerprint"])
            if fingerprint is not None and fingerprint != self.fingerprint:
                raise StaleShardError(path, expected=fingerprint, found=self.fingerprint)
            self.provenance: dict[str, object] = json.loads(file.attrs["provenance"])
            ids = [str(clip_id) for clip_id in file["clips/clip_id"].asstr()[:]]
            rows = zip(file["clips/first"][:].tolist(), file["clips/count"][:].tolist(), strict=True)
            self._rows: dict[str, tuple[int, int]] = dict(zip(ids, rows, strict=True))
            self._index = {clip_id: position for position, clip_id in enumerate(ids)}
            self.left_out = self._read_left_out(file["failed"], stage)
            self.notes = self._read_notes(file)
            self.has_checksums = TABLES in file.attrs
            self._checksums = read_checksums(file)

    @contextmanager
    def _undamaged(self, clip_id: str = "") -> Iterator[None]:
        """Turn whatever h5py trips over in a damaged file into our error."""
        try:
            yield
        except DAMAGE as error:
            reason = " ".join(str(error).split())
            clip = f"clip {clip_id}: " if clip_id else ""
            raise ShardError(f"{self.path}: damaged ({clip}{reason}); delete it and run again") from error

    @staticmethod
    def _read_left_out(group: h5py.Group, stage: str) -> dict[str, LeftOut]:
        ids, reasons = (group[name].asstr()[:].tolist() for name in ("clip_id", "reason"))
        # shards of the first version note their own stage's failures only
        stages = group["stage"].asstr()[:].tolist() if "stage" in group else [stage] * len(ids)
        return {clip_id: LeftOut(at, reason) for clip_id, at, reason in zip(ids, stages, reasons, strict=True)}

    @staticmethod
    def _read_notes(file: h5py.File) -> dict[str, str]:
        if "notes" not in file:
            return {}
        ids, notes = (file["notes"][name].asstr()[:].tolist() for name in ("clip_id", "note"))
        return dict(zip(ids, notes, strict=True))

    def left_out_of(self, clip_ids: Iterable[str]) -> dict[str, LeftOut]:
        """Return which of the clips were left out, and why; the others are in the shard.

        Raises
        ------
        ShardError
            If the shard knows nothing of a clip: it was made from another clip table.
        """
        wanted = list(clip_ids)
        unknown = [one for one in wanted if one not in self._rows and one not in self.left_out]
        if unknown:
            raise ShardError(
                f"{self.path}: expected {len(wanted)} clips, found nothing of {', '.join(unknown[:5])}"
                f"{' and others' if len(unknown) > 5 else ''}; run the workflow again to renew it"
            )
        return {one: self.left_out[one] for one in wanted if one in self.left_out}

    def __enter__(self) -> Self:
        """Return the shard."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self.close()

    def _open(self) -> h5py.File:
        if self._handle is None or self._owner != os.getpid():
            if not self.path.is_file():
                raise ShardError(f"{self.path}: no such shard; run the workflow up to this stage first")
            try:
                if has_damaged_heap(self.path):
                    raise OSError("texts that claim more room than there is")
                self._handle = h5py.File(self.path, "r", locking=False, rdcc_nbytes=0)
            except OSError as error:
                raise ShardError(f"{self.path}: damaged or not HDF5 ({error}); delete it and run again") from error
            self._owner = os.getpid()
        return self._handle

    def close(self) -> None:
        """Close the file; the next read opens it again."""
        if self._handle is not None and self._owner == os.getpid():
            self._handle.close()
        self._handle = None

    def __getstate__(self) -> dict[str, object]:
        """Leave the handle behind: HDF5 handles belong to one process."""
        return {**self.__dict__, "_handle": None}

    def __iter__(self) -> Iterator[str]:
        """Iterate over the clip ids, in file order."""
        return iter(self._rows)

    def __contains__(self, clip_id: object) -> bool:
        """Whether the shard has the clip."""
        return clip_id in self._rows

    def count(self, clip_id: str) -> int:
        """Return the clip's number of frames."""
        return self._rows[clip_id][1]

    def names(self) -> tuple[str, ...]:
        """Return the names of the per-frame arrays, without the images."""
        file = self._open()
        with self._undamaged():  # `items` would pass over what is damaged
            return tuple(
                name for name in file if name not in ("jpeg", "offset") and isinstance(file[name], h5py.Dataset)
            )

    def fact_names(self) -> tuple[str, ...]:
        """Return the names of the per-clip facts."""
        return tuple(name for name in self._open()["clips"] if name not in ("clip_id", "first", "count"))

    def fact(self, name: str, clip_id: str) -> Any:
        """Return one clip's fact: a scalar, an array or a string."""
        row = self._index[clip_id]
        with self._undamaged(clip_id):
            dataset = self._open()["clips"][name]
            return dataset.asstr()[row] if h5py.check_string_dtype(dataset.dtype) else dataset[row]

    def read(self, name: str, clip_id: str, frames: Sequence[int] | None = None) -> Array:
        """Return a per-frame array of one clip, or the given frames of it (repeats allowed)."""
        first, count = self._rows[clip_id]
        for frame in frames or ():
            self._check(clip_id, frame, count)
        with self._undamaged(clip_id):
            dataset = self._open()[name]
            if frames is None or name in self._checksums:
                rows = np.asarray(dataset[first : first + count])
                if name in self._checksums and checksum(rows) != self._checksums[name][self._index[clip_id]]:
                    raise self._unlike(name, clip_id)
                return rows if frames is None else rows[np.asarray(frames, np.intp)]
            out = np.empty((len(frames), *dataset.shape[1:]), dataset.dtype)
            for row, frame in enumerate(frames):
                out[row] = dataset[first + frame]
            return out

    def jpeg(self, clip_id: str, frames: Sequence[int] | None = None) -> list[bytes]:
        """Return the encoded images of one clip, or of the given frames; one read for the whole range."""
        first, count = self._rows[clip_id]
        wanted = range(count) if frames is None else frames
        for frame in wanted:
            self._check(clip_id, frame, count)
        if not len(wanted):
            return []
        low, high = min(wanted), max(wanted) + 1
        with self._undamaged(clip_id):
            offset = self._open()["offset"][first + low : first + high + 1]
            data = self._open()["jpeg"][offset[0] : offset[-1]].tobytes()
            ends = (offset - offset[0]).tolist()
            images = [data[ends[frame - low] : ends[frame - low + 1]] for frame in wanted]
            if (expected := self._checksums.get("jpeg")) is not None:
                for frame, image in zip(wanted, images, strict=True):
                    if zlib.crc32(image) != expected[first + frame]:
                        raise self._unlike(f"image {frame}", clip_id)
            return images

    def clip(self, clip_id: str) -> ClipData:
        """Return all that the shard holds of one clip."""
        with self._undamaged(clip_id):
            return ClipData(
                frames={name: self.read(name, clip_id) for name in self.names()},
                jpeg=self.jpeg(clip_id) if "jpeg" in self._open() else (),
                facts={name: self.fact(name, clip_id) for name in self.fact_names()},
                note=self.notes.get(clip_id, ""),
            )

    def _unlike(self, what: str, clip_id: str) -> ShardError:
        return ShardError(
            f"{self.path}: damaged (clip {clip_id}: the checksum of {what} does not agree); delete it and run again"
        )

    @staticmethod
    def _check(clip_id: str, frame: int, count: int) -> None:
        if not 0 <= frame < count:
            raise IndexError(f"clip {clip_id}: frame {frame} of {count}")
