"""The shard files as they are read: one HDF5 file per shard and stage. `camfuse.run.shard_writer` writes them.

One frame axis N runs through a shard, all its clips one after the other; ``clips/first`` and ``clips/count``
say which rows are whose. Arrays with a row per frame lie at the root, JPEG images as flat bytes in ``jpeg``
with ``offset`` (N + 1), facts with a value per clip under ``clips/``.

HDF5 habits (measured): never pass an index list or a stride to h5py (155 times slower than a loop), no vlen
data, handles opened lazily per process and dropped when pickled, no file locks, files immutable once they have their
name.
"""

import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import h5py
import hdf5plugin  # noqa: F401  # with it HDF5 reads Zstandard
import numpy as np
from numpy.typing import NDArray

from camfuse.errors import ShardError, StaleShardError
from camfuse.run.checksums import TABLES, checksum, read_checksums
from camfuse.run.heaps import has_damaged_heap

Array = NDArray[Any]
DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, MemoryError)
"""What h5py trips over in a damaged file."""


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
