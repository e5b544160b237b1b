"""What can go wrong on the user's side.

CamfuseError                one line on stderr, exit code 2
├── ConfigError             a config file or key is wrong
├── TableError              rows of the clip table or a label file are wrong (all listed at once)
├── ClipError               one clip cannot be processed: names the clip and the reason
├── BadClipsError           several clips of a shard could not be processed
├── ShardError              a shard file is missing, damaged or of another stage
│   ├── StaleShardError     a shard was made with other settings than the config asks for
│   └── AllLeftOutError     the shards have none of the clips, which earlier stages all left out
├── MissingToolError        a program or package that a stage needs is not installed
└── WeightsError            a checkpoint does not fit or is not there

Anything else is a bug and keeps its traceback.
"""

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SHOWN = 20
DISK = {
    errno.ENOSPC: "the disk is full: make room",
    errno.EDQUOT: "the disk quota is used up: make room",
    errno.EROFS: "the place is read-only: choose another `output`",
    errno.EACCES: "access is not permitted: change the permissions or choose another `output`",
    errno.EPERM: "access is not permitted: change the permissions or choose another `output`",
}
"""What to do about what the operating system says of a disk."""


def bullet_list(lines: Sequence[str]) -> str:
    """Join `lines` as an indented list, cut after the first twenty."""
    shown = [f"  - {line}" for line in lines[:SHOWN]]
    if len(lines) > SHOWN:
        shown.append(f"  ... and {len(lines) - SHOWN} more")
    return "\n".join(shown)


class CamfuseError(Exception):
    """A mistake that the user can fix."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it says: most are made from other things than that."""
        return _say_again, (type(self), str(self), dict(vars(self)))


def _say_again(kind: type[CamfuseError], text: str, facts: Mapping[str, Any]) -> CamfuseError:
    error = kind.__new__(kind, text)
    vars(error).update(facts)
    return error


class ConfigError(CamfuseError):
    """A config file or key is wrong."""


class TableError(CamfuseError):
    """Rows of a clip table or label file are wrong; the message lists every one."""

    def __init__(self, source: str | Path, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{source}: {len(problems)} problem(s)\n{bullet_list(problems)}")


class ClipError(CamfuseError):
    """One clip cannot be processed."""

    def __init__(self, clip_id: str, reason: str) -> None:
        self.clip_id = clip_id
        self.reason = reason
        super().__init__(f"clip {clip_id}: {reason}")


class BadClipsError(CamfuseError):
    """Clips of a shard could not be processed; what was computed of the others is kept."""

    def __init__(self, stage: str, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        lines = [f"{clip_id}: {reason}" for clip_id, reason in reasons.items()]
        super().__init__(
            f"{stage}: {len(lines)} clip(s) could not be processed (the others are kept)\n"
            f"{bullet_list(lines)}\n"
            "Fix or remove these clips, or set `bad_clips: skip` to continue without them."
        )


class ShardError(CamfuseError):
    """A shard file is missing, damaged or belongs to another stage."""


class StaleShardError(ShardError):
    """A shard was made with other settings than the config asks for."""

    def __init__(self, path: Path, *, expected: str, found: str) -> None:
        super().__init__(
            f"{path}: expected fingerprint {expected}, found {found}: "
            "it was made with another config or version; run the workflow again to renew it"
        )


class AllLeftOutError(ShardError):
    """None of some clips could be processed: `bad_clips: skip` left them all out."""


class MissingToolError(CamfuseError):
    """A program or package that a stage needs is not installed."""


class WeightsError(CamfuseError):
    """A checkpoint does not fit the model or is not there."""


def disk_problem(error: BaseException) -> str | None:
    """Return one line if the error, or one that it arose from, is the disk's fault, else None.

    HDF5 gives the operating system's words only, without the number, where it fails while closing a file.
    """
    seen: BaseException | None = error
    while seen is not None:
        text = str(seen)
        for number, advice in DISK.items():
            if isinstance(seen, OSError) and seen.errno == number and seen.filename:
                return f"{seen.filename}: {advice}, then start again"
            if isinstance(seen, OSError | RuntimeError) and os.strerror(number) in text:
                return f"{' '.join(text.split())}: {advice}, then start again"
        seen = seen.__cause__ or seen.__context__
    return None
