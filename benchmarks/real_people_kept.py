"""What `real_people` has found out so far, clip by clip, in one file: a table of hours can be made in parts."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.real_people_report import Outcome
from benchmarks.real_people_sets import People
from camfuse.files import write_text


class Kept:
    """A JSON file: by set and row, of each seed a 1 or 0 for every test clip, and processor seconds of one training.

    What was found with other clips, labels or folds is not taken.

    Parameters
    ----------
    path
        Of the file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sets: dict[str, dict[str, Any]] = {}
        self._read()

    def _read(self) -> None:
        if self._path.is_file():
            self._sets = json.loads(self._path.read_text(encoding="utf-8"))

    def seeds(self, name: str, people: People, row: str) -> list[int]:
        """Return the seeds that a row of a set has."""
        return sorted(map(int, self._rows(name, people).get(row, {})))

    def outcome(self, name: str, people: People, row: str) -> Outcome:
        """Return a row of a set with all its seeds, in their order."""
        found = self._rows(name, people)[row]
        each = [found[str(seed)] for seed in self.seeds(name, people, row)]
        right = np.array([[answer == "1" for answer in one["right"]] for one in each])
        sizes = [len(test) for _, _, test in people.folds]
        folds = np.repeat(np.arange(len(sizes)), sizes)
        return Outcome(right, folds, float(np.mean([one["seconds"] for one in each])))

    def add(self, name: str, people: People, row: str, seed: int, right: NDArray[np.bool_], seconds: float) -> None:
        """Add what one seed came to, and write the file; another process may have added to it meanwhile."""
        self._read()
        answers = "".join("1" if one else "0" for one in right)
        self._rows(name, people).setdefault(row, {})[str(seed)] = {"right": answers, "seconds": round(seconds, 1)}
        write_text(self._path, json.dumps(self._sets, indent=1, sort_keys=True) + "\n")

    def _rows(self, name: str, people: People) -> dict[str, Any]:
        expected = _identity(people)
        if self._sets.get(name, {}).get("clips") != expected:
            self._sets[name] = {"clips": expected, "rows": {}}
        rows: dict[str, Any] = self._sets[name]["rows"]
        return rows


def _identity(people: People) -> str:
    """Return a hash of who signs what in which fold; keypoints differ a little between machines."""
    folds = [(name, test.tolist()) for name, _, test in people.folds]
    content = repr((people.labels.tolist(), people.signers, people.classes, folds))
    return hashlib.sha256(content.encode()).hexdigest()[:16]
