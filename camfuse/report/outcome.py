"""What training and evaluation left: the curves, and what was taken for what."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from camfuse.config import Part
from camfuse.errors import TableError
from camfuse.evaluate.confidence import FEWEST
from camfuse.evaluate.result_text import (
    confidence_caption,
    confidence_cells,
    missing_text,
    percent,
    result_caption,
    result_cells,
    signers_text,
    weights_text,
)
from camfuse.evaluate.results import Results
from camfuse.report.plots import Line, line_chart, matrix
from camfuse.report.tables import Chart, Table, check_fingerprint, duration, read_csv, read_json
from camfuse.run.layout import Run

LARGEST_MATRIX = 60
"""With more classes the page lists the confused pairs only."""
MOST_PAIRS = 15
MOST_ERRORS = 15
WORTH_SAYING = 0.1
"""Share of a training's time in which its device waited for clips."""
PARTS: dict[Part, str] = {
    "rgb": "RGB stream",
    "pose": "Pose stream",
    "sequence": "Sequence stream",
    "fusion": "The streams, fused",
}
KEPT_OUT = "Unknown words were kept out of training (train.unknown_words)."
ESTIMATED = (
    "No word was kept out of training (train.unknown_words), so the threshold is an estimate from known words; in a "
    "benchmark two to four times as many unknown signs passed as it was meant for."
)
THRESHOLD = (
    "What is less sure than the threshold, chosen on val, gets no answer: answered and right say how many of the "
    "tested clips do, and how many of these rightly."
)
NO_THRESHOLD = (
    'There are too few clips of val to choose a threshold of "no known sign" by: a chance one would keep right answers '
    "back, so every sign gets an answer."
)
CURVES = ("epoch", "split", "head", "loss", "top1")


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
class Curves:
    """The curves of one part of the training, and its clips per second (0 while that is not known)."""

    name: str
    note: str
    speed: float
    charts: Sequence[Chart]


@dataclass(frozen=True)
class Classes:
    """What was taken for what.

    Attributes
    ----------
    matrix
        The drawn confusion matrix, or empty with too many classes.
    note
        Why there is none.
    confused, accuracy, errors
        The pairs that are confused most, the classes from the worst, the most confident errors.
    """

    matrix: Markup
    note: str
    confused: Table
    accuracy: Table
    errors: Table


def result_table(results: Results) -> Table:
    """Set the results as the paper's table has them."""
    head, *rows = result_cells(results)
    strong = frozenset({list(results.rows).index(results.main)})
    return Table(result_caption(results), head, rows, strong=strong)


def confidence_table(results: Results) -> Table | None:
    """Set what the calibration does; None where nothing was calibrated."""
    if not results.confidence:
        return None
    head, *rows = confidence_cells(results)
    strong = frozenset({list(results.confidence).index(results.main)})
    return Table(confidence_caption(results), head, rows, strong=strong)


def describe_confidence(results: Results) -> str:
    """Say how to read the table of confidence."""
    rows = results.confidence.values()
    return (
        "The temperature was fitted on val by likelihood and divides the logarithms of the probabilities (with fewer "
        f"than {FEWEST} clips of val it stays 1); calibration error and log loss are those of the tested clips before "
        "and after. Area of coverage: the accuracy of the surest clips, over all shares of them. "
        f"{THRESHOLD if any(one.threshold for one in rows) else NO_THRESHOLD} "
        f"{KEPT_OUT if any(one.strangers for one in rows) else ESTIMATED if any(one.threshold for one in rows) else ''}"
    ).rstrip()


def describe_results(results: Results) -> str:
    """Say how the numbers of the result table came about."""
    union = percent(results.rows[results.main].class_accuracy_union)
    return (
        f"Each clip is sampled {results.samplings} times and the probabilities are averaged. Each stream is "
        "trained alone too, late fusion weights these, fused weights the heads of the fused model. "
        f"{' '.join(weights_text(results))} Top-k counts every clip the same, class top-k every class that has clips; "
        "PYSKL's and MMAction2's mean class accuracy also counts classes that are only predicted, as 0: "
        f"{union} for the row in bold. The interval is over the clips; it does not say how much another seed would "
        "change."
    )


def describe_signers(results: Results) -> str:
    """Say whether the tested people were trained on; empty where that was not counted."""
    return " ".join(signers_text(results))


def describe_missing(results: Results) -> str:
    """Say which test clips are missing, and what the numbers are with them; empty where none is."""
    said = missing_text(results)
    if not said:
        return ""
    lists = ["evaluate/results.json, and Clips below"] if results.missing.left_out else []
    lists += ["clips/missing.csv"] if results.missing.not_on_disk else []
    return " ".join([*said, f"They are listed in {' and in '.join(lists)}."])


def read_curves(run: Run, part: Part) -> Curves | None:
    """Read and draw the curves of one part; None where it has not been trained.

    Raises
    ------
    TableError
        If curves.csv or summary.json is damaged, or the training was one of another config.
    """
    files = run.training(part)
    path = files.curves
    rows = read_csv(path, CURVES, ("split", "head"))
    if rows is None:
        return None
    if rows.empty:
        raise TableError(path, ["expected at least one epoch, found none"])
    head = "fused" if "fused" in set(rows["head"]) else str(rows["head"].iloc[-1])
    shown = rows[rows["head"] == head]
    note, best, speed = _describe_training(files.summary, rows, run.fingerprint(f"train_{part}"))
    charts = [_curve_chart(shown, part, "loss", best, top=None), _curve_chart(shown, part, "top1", best, top=1.0)]
    return Curves(PARTS[part], note, speed, charts)


def _describe_training(path: Path, rows: pd.DataFrame, fingerprint: str) -> tuple[str, float | None, float]:
    """Say how long and on what was trained; return that, the best epoch once there is one, and clips per second."""
    epochs = f"{rows['epoch'].max():g} epochs"
    summary = read_json(path)
    if summary is None:
        return f"{epochs} until now; the training is not finished.", None, 0.0
    try:
        check_fingerprint(path, expected=fingerprint, found=str(summary["fingerprint"]))
        best, rule, clips = float(summary["best_epoch"]), summary["selection"], summary["clips"]
        speed, waited = float(summary["clips_per_second"]), float(summary.get("waited", 0))
        lost = sum(summary.get("left_out", {}).values())  # summaries of earlier versions do not say
        without = f" ({lost:,} more were left out by a stage)" if lost else ""
        waiting = f", {waited:.0%} of the time waiting for them" if waited >= WORTH_SAYING else ""
        return (
            f"{epochs} on {clips['train']:,} training and {clips['val']:,} validation clips{without}, "
            f"{summary['parameters'] / 1e6:.2f} M parameters, {duration(summary['seconds'])} on {summary['device']} "
            f"({speed:.3g} clips/s{waiting}). Kept: epoch {best:g} ({rule}).",
            best,
            speed,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TableError(path, [f"expected a training's summary, found otherwise: {error!r}"]) from error


def _curve_chart(rows: pd.DataFrame, part: Part, quantity: str, best: float | None, top: float | None) -> Chart:
    name = {"loss": "Loss", "top1": "Top-1 accuracy"}[quantity]
    of = {split: rows[rows["split"] == split] for split in ("train", "val")}
    lines = [Line(split, r["epoch"].tolist(), r[quantity].tolist()) for split, r in of.items() if len(r)]
    drawing = line_chart(
        lines,
        title=f"{PARTS[part]}: {name.lower()} of {' and '.join(line.name for line in lines)} by epoch",
        x_label="epoch",
        y_label=name.lower(),
        best=best,
        top=top,
    )
    return Chart(drawing, name)


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
    drawn, note = Markup(""), f"{len(classes)} classes are too many for a matrix; the worst pairs stand below."
    if len(classes) <= LARGEST_MATRIX:
        drawn = matrix(counts, classes, title="Confusion matrix of the test clips")
    return Classes(drawn, note, _confused(counts, classes), _accuracy(counts, classes), _errors(predictions))


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
