"""What a user reads when something is wrong."""

import errno
import os
import pickle
from pathlib import Path

import pytest

from camfuse import errors
from camfuse.errors import (
    BadClipsError,
    CamfuseError,
    ClipError,
    ShardError,
    StaleShardError,
    TableError,
    bullet_list,
    disk_problem,
)


def test_every_error_is_in_the_tree_of_the_module() -> None:
    found = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, CamfuseError)]
    assert errors.__doc__ is not None
    assert len(found) == 10
    assert all(one.__name__ in errors.__doc__ for one in found)
    assert issubclass(StaleShardError, ShardError)


def test_a_list_is_cut_after_twenty_lines() -> None:
    assert bullet_list([]) == ""
    assert bullet_list(["a", "b"]) == "  - a\n  - b"
    twenty = [str(number) for number in range(20)]
    assert bullet_list(twenty).splitlines()[-1] == "  - 19"
    lines = bullet_list([*twenty, "x", "y"]).splitlines()
    assert (len(lines), lines[-2:]) == (21, ["  - 19", "  ... and 2 more"])


def test_a_table_names_every_row() -> None:
    error = TableError(Path("clips.csv"), ["row 2: no label", "row 5: no video"])
    assert str(error) == "clips.csv: 2 problem(s)\n  - row 2: no label\n  - row 5: no video"
    assert error.problems == ("row 2: no label", "row 5: no video")


def test_a_clip_is_named_with_its_reason() -> None:
    error = ClipError("book_01", "no frame")
    assert (str(error), error.clip_id, error.reason) == ("clip book_01: no frame", "book_01", "no frame")


def test_bad_clips_say_what_to_do() -> None:
    reasons = {"a": "no frame", "b": "nobody"}
    error = BadClipsError("pose", reasons)
    assert str(error).splitlines() == [
        "pose: 2 clip(s) could not be processed (the others are kept)",
        "  - a: no frame",
        "  - b: nobody",
        "Fix or remove these clips, or set `bad_clips: skip` to continue without them.",
    ]
    reasons.clear()
    assert set(error.reasons) == {"a", "b"}


def test_a_stale_shard_names_both_fingerprints() -> None:
    error = StaleShardError(Path("crops/0000.h5"), expected="new", found="old")
    assert str(error).startswith("crops/0000.h5: expected fingerprint new, found old: ")


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "the disk is full: make room"),
        (errno.EDQUOT, "the disk quota is used up: make room"),
        (errno.EROFS, "the place is read-only: choose another `output`"),
        (errno.EACCES, "access is not permitted: change the permissions or choose another `output`"),
        (errno.EPERM, "access is not permitted: change the permissions or choose another `output`"),
    ],
)
def test_what_to_do_about_a_disk(number: int, advice: str) -> None:
    error = OSError(number, os.strerror(number), "out/a.h5")
    assert disk_problem(error) == f"out/a.h5: {advice}, then start again"


def test_a_disk_that_hdf5_speaks_of_in_words_only() -> None:
    error = RuntimeError("Problems closing file (write failed:\n  No space left on device)")
    assert disk_problem(error) == (
        "Problems closing file (write failed: No space left on device): the disk is full: make room, then start again"
    )


def test_a_disk_behind_another_error() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "a.h5")
    caused, in_passing = ValueError("x"), ValueError("y")
    caused.__cause__ = full
    in_passing.__context__ = caused
    assert disk_problem(in_passing) == "a.h5: the disk is full: make room, then start again"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("No space left on device"),  # somebody's words, no system's
        FileNotFoundError(errno.ENOENT, "No such file or directory", "a.h5"),
        RuntimeError("out of memory"),
    ],
)
def test_other_errors_are_not_the_disks(error: Exception) -> None:
    assert disk_problem(error) is None


@pytest.mark.parametrize(
    "error",
    [
        ClipError("a", "it is bad"),
        TableError("clips.csv", ["row 2"]),
        BadClipsError("pose", {"a": "bad"}),
        StaleShardError(Path("a.h5"), expected="x", found="y"),
        CamfuseError("plain"),
    ],
)
def test_errors_go_from_process_to_process(error: CamfuseError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), vars(again)) == (str(error), vars(error))
