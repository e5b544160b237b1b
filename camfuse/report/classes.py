"""What was taken for what."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from camfuse.errors import TableError
from camfuse.evaluate.result_text import percent
from camfuse.report.explorer import Explorer, explore
from camfuse.report.plots import matrix
from camfuse.report.tables import Table, read_csv

LARGEST_MATRIX = 60
"""More classes are searched and zoomed in."""
HOW = (
    "search a word, or zoom in (buttons, + and -, a pinch, Ctrl and the wheel) and drag. Rows are the true words, "
    "columns the predicted ones; green is right, red is wrong. Without scripts the tables below remain."
)
MOST_PAIRS = 15
MOST_ERRORS = 15


@dataclass(frozen=True)
class Prediction:
    """What a test clip was taken for, by the row of the result table that speaks for the run."""

    clip_id: str
    label: str
    predicted: str
    probability: float

    @property
    def right(self) -> bool:
        """Whether the clip was recognised."""
        return self.label == self.predicted


@dataclass(frozen=True)
class Classes:
    """What was taken for what.

    Attributes
    ----------
    matrix
        The drawn confusion matrix, or empty with too many classes.
    explorer
        The same for a script that searches and zooms; None with few classes.
    note
        How to use that.
    confused, accuracy, errors
        The pairs that are confused most, the classes from the worst, the most confident errors.
    """

    matrix: Markup
    explorer: Explorer | None
    note: str
    confused: Table
    accuracy: Table
    errors: Table


def read_predictions(path: Path) -> list[Prediction] | None:
    """Read what each test clip was taken for; None where there is no evaluation.

    Raises
    ------
    TableError
        If the file is damaged.
    """
    text = ("clip_id", "label", "top1_label")
    rows = read_csv(path, (*text, "top1_probability"), text)
    if rows is None:
        return None
    wrong = rows["clip_id"][~rows["top1_probability"].between(0, 1)]
    if len(wrong):
        raise TableError(path, [f"clip {clip_id}: expected a probability of 0 to 1" for clip_id in wrong])
    columns = (rows[name].tolist() for name in (*text, "top1_probability"))
    return [Prediction(*values) for values in zip(*columns, strict=True)]


def count_confusion(predictions: Sequence[Prediction], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return (C, C) counts: row = true class, column = predicted class.

    Raises
    ------
    TableError
        If a prediction names another class.
    """
    index = {label: number for number, label in enumerate(classes)}
    unknown = [p for p in predictions if p.label not in index or p.predicted not in index]
    if unknown:
        problems = [f"clip {p.clip_id}: {p.label!r}, taken for {p.predicted!r}" for p in unknown]
        raise TableError("predictions, expected labels of classes.csv", problems)
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for p in predictions:
        counts[index[p.label], index[p.predicted]] += 1
    return counts


def describe_classes(predictions: Sequence[Prediction], classes: Sequence[str]) -> Classes:
    """Draw and list what was taken for what."""
    counts = count_confusion(predictions, classes)
    few = len(classes) <= LARGEST_MATRIX
    return Classes(
        matrix=matrix(counts, classes, title="Confusion matrix of the test clips") if few else Markup(""),
        explorer=None if few else explore(counts, classes),
        note="" if few else f"{len(classes):,} classes: {HOW}",
        confused=_confused(counts, classes),
        accuracy=_accuracy(counts, classes),
        errors=_errors(predictions),
    )


def _confused(counts: NDArray[np.int64], classes: Sequence[str]) -> Table:
    wrong = counts * (1 - np.eye(len(counts), dtype=np.int64))
    totals = counts.sum(axis=1)
    pairs = sorted(
        ((int(wrong[true, taken]), int(totals[true]), classes[true], classes[taken])
         for true, taken in np.argwhere(wrong).tolist()),
        key=lambda pair: (-pair[0], -pair[0] / pair[1], pair[2], pair[3]),
    )  # fmt: skip
    rows = [(true, taken, str(count), str(total)) for count, total, true, taken in pairs]
    head = ("true class", "taken for", "times", "clips of the class")
    return Table("Most confused pairs", head, rows, frozenset({0, 1})).cut(MOST_PAIRS)


def _accuracy(counts: NDArray[np.int64], classes: Sequence[str]) -> Table:
    totals, hits = counts.sum(axis=1).tolist(), counts.diagonal().tolist()
    tested = sorted(
        ((hit / total, label, hit, total) for label, hit, total in zip(classes, hits, totals, strict=True) if total),
        key=lambda row: (row[0], row[1]),
    )
    rows = [(label, str(total), str(hit), percent(share)) for share, label, hit, total in tested]
    return Table("Accuracy by class, worst first", ("class", "test clips", "right", "%"), rows)


def _errors(predictions: Sequence[Prediction]) -> Table:
    wrong = sorted((p for p in predictions if not p.right), key=lambda p: (-p.probability, p.clip_id))
    rows = [(p.clip_id, p.label, p.predicted, f"{p.probability:.3f}") for p in wrong]
    head = ("clip", "true class", "taken for", "probability")
    return Table("Most confident errors", head, rows, frozenset({0, 1, 2})).cut(MOST_ERRORS)
