"""SHA-256 of the recordings, remembered between runs by path, size and time of change."""

import hashlib
import logging
import os
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from camfuse.errors import TableError
from camfuse.files import write_if_changed

log = logging.getLogger(__name__)

THREADS = 8
SHOW_BYTES = 100_000_000
"""Files to hash from which on a progress bar is worth it."""
SAVE_SECONDS = 30.0
"""An interrupted first run loses no more hashing than this."""
_COLUMNS = ("path", "size", "mtime_ns", "sha256")


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells, without reading, that a file has not changed: size in bytes, time of change in nanoseconds."""

    size: int
    mtime_ns: int


def look_at(paths: Sequence[str]) -> dict[str, FileState]:
    """Look which of the paths are files; what is not on disk is not in the result."""
    distinct = list(dict.fromkeys(paths))
    # threads, because one question to a network disk takes a millisecond
    with ThreadPool(THREADS) as pool:
        parts = pool.map(_look, [distinct[first::THREADS] for first in range(THREADS)])
    return dict(chain(*parts))


def _look(paths: Sequence[str]) -> list[tuple[str, FileState]]:
    found = []
    for path in paths:
        try:
            facts = os.stat(path)  # noqa: PTH116 - ten times faster than Path.stat, which counts at 36,000 clips
        except OSError:
            continue
        if stat.S_ISREG(facts.st_mode):
            found.append((path, FileState(facts.st_size, facts.st_mtime_ns)))
    return found


def hash_files(files: dict[str, FileState], cache: Path) -> dict[str, str]:
    """Return the SHA-256 of each file; only those that the cache does not know are read.

    Raises
    ------
    TableError
        Naming every file that cannot be read. What was hashed is kept.
    """
    known = _load(cache)
    fresh = {path: known[path][1] for path, state in files.items() if path in known and known[path][0] == state}
    todo = [path for path in files if path not in fresh]
    if not todo:
        return fresh
    problems: list[str] = []
    size = sum(files[path].size for path in todo)
    saved = time.monotonic()
    try:
        with (
            ThreadPool(min(THREADS, len(todo))) as pool,
            tqdm(total=size, desc="hashing videos", unit="B", unit_scale=True, disable=size < SHOW_BYTES) as bar,
        ):
            for path, digest, problem in pool.imap_unordered(_hash, todo):
                bar.update(files[path].size)
                if problem:
                    problems.append(f"{path}: cannot read the file: {problem}")
                    continue
                fresh[path] = digest
                known[path] = (files[path], digest)
                if time.monotonic() - saved > SAVE_SECONDS:
                    _save(known, cache)
                    saved = time.monotonic()
    finally:
        _save(known, cache)
    if problems:
        raise TableError("recordings", sorted(problems))
    return fresh


def _hash(path: str) -> tuple[str, str, str]:
    try:
        with Path(path).open("rb") as file:
            return path, hashlib.file_digest(file, "sha256").hexdigest(), ""
    except OSError as error:
        return path, "", error.strerror or str(error)


def _load(cache: Path) -> dict[str, tuple[FileState, str]]:
    if not cache.is_file():
        return {}
    try:
        rows = pd.read_csv(
            cache, dtype={"path": str, "size": np.int64, "mtime_ns": np.int64, "sha256": str}, keep_default_na=False
        )
        columns = [rows[column].tolist() for column in _COLUMNS]
    except (ValueError, KeyError) as error:
        log.warning("%s: damaged (%s); every recording is hashed again", cache, error)
        return {}
    return {path: (FileState(size, changed), digest) for path, size, changed, digest in zip(*columns, strict=True)}


def _save(known: dict[str, tuple[FileState, str]], cache: Path) -> None:
    rows = [(path, state.size, state.mtime_ns, digest) for path, (state, digest) in sorted(known.items())]
    write_if_changed(cache, pd.DataFrame(rows, columns=list(_COLUMNS)).to_csv(index=False))
