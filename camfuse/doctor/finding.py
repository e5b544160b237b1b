"""One line of `camfuse doctor`."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "missing"]
"""Works; not there and not needed so far; needed and not there, or there and broken."""


@dataclass(frozen=True)
class Finding:
    """What was found of one thing.

    Attributes
    ----------
    state
        How it stands.
    subject
        What it is of.
    text
        What was found.
    remedy
        What to do about it; empty where nothing is to be done.
    """

    state: State
    subject: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return the line, with its remedy on one below."""
        line = f"{self.state:<8}{self.subject:<18}{self.text}"
        return f"{line}\n{'':<26}{self.remedy}" if self.remedy else line
