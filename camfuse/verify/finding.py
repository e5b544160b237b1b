"""What `camfuse verify` says of a file, and how a file is compared with its own digest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from camfuse.digest import is_whole

Kind = Literal["fine", "note", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One line.

    Attributes
    ----------
    kind
        `wrong` is what a run must not be used with; a `note` is odd, or could not be looked at.
    place
        The file, or the group of files.
    text
        What was found.
    """

    kind: Kind
    place: str
    text: str

    def __str__(self) -> str:
        """Return the line."""
        return f"{self.kind:<5}  {self.place}: {self.text}"


def digest_problem(path: Path, *, expected: bool) -> str | None:
    """Compare a file with the digest at its end; return what is wrong, None where nothing is.

    Parameters
    ----------
    path
        A file that is there.
    expected
        Whether it must have a digest: files of earlier versions have none.
    """
    try:
        whole = is_whole(path)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if whole is None:
        return "has lost the digest at its end: it was cut off or changed" if expected else None
    return None if whole else "is not what was written: its SHA-256 is another (a damaged disk or copy)"
