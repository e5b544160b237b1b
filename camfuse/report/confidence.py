"""How far the probabilities can be trusted: the table of the calibration, and two charts a row.

The first chart shows accuracy by confidence, the second accuracy by how many clips are answered.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from camfuse.evaluate.confidence import FEWEST, Confidence
from camfuse.evaluate.reliability import Bin, Reliability
from camfuse.evaluate.result_text import confidence_caption, confidence_cells
from camfuse.evaluate.results import Results
from camfuse.evaluate.rows import COMPARED, TITLES
from camfuse.report.svg import BOTTOM, HEIGHT, TOP, Frame, axes, number_text, svg, tag
from camfuse.report.tables import Chart, Table

KEPT_OUT = "Unknown words were kept out of training (train.unknown_words)."
ESTIMATED = (
    "No word was kept out of training (train.unknown_words), so the threshold is an estimate from known words; in a "
    "benchmark two to five times as many unknown signs passed as it was meant for."
)
THRESHOLD = (
    "What is less sure than the threshold, chosen on val, gets no answer: answered and right say how many of the "
    "tested clips do, and how many of these rightly."
)
NO_THRESHOLD = (
    'There are too few clips of val to choose a threshold of "no known sign" by: a chance one would keep right answers '
    "back, so every sign gets an answer."
)
JOINED = 200
"""Clips from which on the bins are joined by a line, which of fewer would show chance."""
UNIT = (0.0, 1.0)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
SMALLEST, LARGEST = 2.0, 9.0
"""Radius of a bin of no clip and of one of all, in pixels."""


@dataclass(frozen=True)
class RowCharts:
    """Both charts of one row of the result table."""

    name: str
    charts: Sequence[Chart]


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


def confidence_charts(results: Results) -> list[RowCharts]:
    """Draw both charts of the row that speaks for the run, and after it of the others that runs are compared by."""
    shown = [results.main, *(row for row in COMPARED if row != results.main)]
    return [
        RowCharts(TITLES.get(row, row), _charts(results.reliability[row], results.confidence.get(row), row))
        for row in shown
        if row in results.reliability
    ]


def _charts(found: Reliability, confidence: Confidence | None, row: str) -> list[Chart]:
    name, error = TITLES.get(row, row), "calibration error"
    errors = "" if confidence is None else " to ".join(f"{100 * value:.1f}" for value in confidence.calibration)
    said = f"{error} {errors} %" if errors else "not calibrated: there is no val"
    threshold = ""
    if confidence and confidence.threshold:
        threshold = f"; the threshold of {confidence.threshold:.2f} answers {confidence.answered:.0%}"
    return [
        Chart(reliability_chart(found, f"{name}: accuracy by confidence"), f"Accuracy by confidence ({said})"),
        Chart(
            coverage_chart(found, confidence, f"{name}: accuracy by share answered"),
            f"Accuracy by share answered{threshold}",
        ),
    ]


def reliability_chart(found: Reliability, title: str) -> Markup:
    """Draw the bins before and after the temperature; on the diagonal, confidence is accuracy.

    The larger a dot, the more of the tested clips are in it.
    """
    frame = Frame(UNIT, UNIT)
    (x0, y0), (x1, y1) = frame.at(0, 0), frame.at(1, 1)
    body = [
        axes(frame, SHARES, SHARES, "confidence", "accuracy"),
        tag("line", cls="ideal", x1=x0, y1=y0, x2=x1, y2=y1),
    ]
    for kind, bins in (("before", found.before), ("after", found.after)):
        body.append(_bins(frame, kind, bins))
    return svg(title, body)


def _bins(frame: Frame, kind: str, bins: Sequence[Bin]) -> Markup:
    total = sum(one.clips for one in bins)
    places = [frame.at(one.confidence, one.accuracy) for one in bins]
    parts = []
    if total >= JOINED:
        path = "M" + "L".join(f"{number_text(x)},{number_text(y)}" for x, y in places)
        parts.append(tag("path", cls=f"line {kind}", d=path))
    for one, (x, y) in zip(bins, places, strict=True):
        hover = f"{kind}: {one.clips} clip(s), {one.confidence:.0%} sure, {one.accuracy:.0%} right"
        radius = SMALLEST + (LARGEST - SMALLEST) * (one.clips / total) ** 0.5
        parts.append(tag("circle", tag("title", hover), cls=f"bin {kind}", cx=x, cy=y, r=radius))
    return Markup("").join(parts)


def coverage_chart(found: Reliability, confidence: Confidence | None, title: str) -> Markup:
    """Draw the accuracy of the surest clips over how many these are, with the chosen threshold marked."""
    low = min((accuracy for _, accuracy in found.coverage), default=0.0)
    floor = min(math.floor(low * 5 + 1e-9) / 5, 0.8)
    frame = Frame(UNIT, (floor, 1.0))
    y_ticks = [floor, (floor + 1) / 2, 1.0]
    body = [axes(frame, SHARES, y_ticks, "share answered, the surest first", "accuracy of these")]
    if confidence and confidence.threshold and confidence.answered_right is not None:
        x, y = frame.at(confidence.answered, confidence.answered_right)
        hover = f"threshold {confidence.threshold:.3f}: {confidence.answered:.0%} answered, "
        hover += f"{confidence.answered_right:.0%} of these right"
        body.append(tag("line", cls="best", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM))
        body.append(tag("circle", tag("title", hover), cls="chosen", cx=x, cy=y, r=5))
    places = [(*pair, *frame.at(*pair)) for pair in found.coverage]
    path = "M" + "L".join(f"{number_text(x)},{number_text(y)}" for *_, x, y in places) if places else ""
    body.append(tag("path", cls="line after", d=path))
    for share, accuracy, x, y in places:
        body.append(
            tag("circle", tag("title", f"{share:.0%} answered: {accuracy:.1%} right"), cls="touch", cx=x, cy=y, r=4)
        )
    return svg(title, body)
