"""Two ways to the same answer take turns: what one row of the table is, and how it is timed.

Costs are CPU seconds of this process and of its children, as the clock would count what others on the machine do. All
ways of a row run in one process, A B A B, after one call of each whose answers are compared; medians of the rounds.
"""

import resource
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_SECONDS = 0.02
"""A way is called again until one timing takes about so long: the clock of CPU time ticks slowly."""


class AnswersDifferError(Exception):
    """Ours and the peer's answer are not the same within what is stated."""


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes
    ----------
    rounds
        Turns of each way.
    quick
        As little as shows that every row works: its figures mean nothing.
    folder
        For what is written.
    data
        Folder with ``clips/asl``, real videos; without it a drawn one.
    """

    rounds: int
    quick: bool
    folder: Path
    data: Path | None = None


@dataclass(frozen=True)
class Row:
    """One line of the table. All figures are costs: less is better.

    Attributes
    ----------
    subject, what
        The part of the software, and what it is given.
    unit
        Of `ours`, `peer` and `bound`.
    rival
        Who the peer is.
    bound, bound_is
        What nobody can be better than, and why; None where nothing tells.
    least
        Goal: times as good as the peer.
    most
        Goal: our figure at most.
    agree
        How far the answers may be apart, as it was checked.
    short
        Why, where the goal does not hold.
    """

    subject: str
    what: str
    unit: str
    ours: float
    peer: float
    rival: str
    agree: str
    bound: float | None = None
    bound_is: str = ""
    least: float | None = None
    most: float | None = None
    short: str = ""

    @property
    def ratio(self) -> float:
        """Return how many times the peer's cost ours is in."""
        return self.peer / self.ours

    @property
    def goal(self) -> str:
        """Return the goal in words."""
        goals = [
            f"{self.least:g} times" if self.least else "",
            f"at most {self.most:g} {self.unit}" if self.most else "",
        ]
        return ", ".join(filter(None, goals))

    @property
    def holds(self) -> bool:
        """Return whether the goal is reached."""
        return (self.least is None or self.ratio >= self.least) and (self.most is None or self.ours <= self.most)


@dataclass(frozen=True)
class Skipped:
    """A row that cannot be measured here, and what it needs."""

    subject: str
    what: str
    reason: str


Rows = Iterator[Row | Skipped]
Way = Callable[[], Any]


def spent() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def race(ways: Mapping[str, Way], scale: Scale) -> dict[str, float]:
    """Return the CPU milliseconds of one call of each way."""
    calls = {name: 1 if scale.quick else _calls(way) for name, way in ways.items()}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(scale.rounds):
        for name, way in ways.items():
            began = spent()
            for _ in range(calls[name]):
                way()
            times[name].append((spent() - began) / calls[name] * 1e3)
    return {name: max(median(found), 1e-6) for name, found in times.items()}


def _calls(way: Way) -> int:
    began = spent()
    way()
    return max(1, round(LEAST_SECONDS / max(spent() - began, 1e-6)))


def same(what: str, ours: NDArray[Any], theirs: NDArray[Any], most: float) -> None:
    """Check that two answers differ nowhere by more than `most`.

    Raises
    ------
    AnswersDifferError
        If they do.
    """
    if ours.shape != theirs.shape:
        raise AnswersDifferError(f"{what}: expected {theirs.shape}, found {ours.shape}")
    apart = float(np.abs(ours.astype(np.float64) - theirs).max())
    if not apart <= most:
        raise AnswersDifferError(f"{what}: expected answers within {most:g} of the peer's, found {apart:g} apart")
