"""Charts of training and test: curves over the epochs, histograms, the confusion matrix of few classes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from camfuse.report.svg import BOTTOM, HEIGHT, Frame, axes, number_text, svg, tag, ticks, turned

NUMBERED_CELLS = 20
"""Up to this many classes the confusion matrix writes its counts into the cells."""
LONGEST_LABEL = 18


@dataclass(frozen=True)
class Line:
    """One curve of a chart.

    Attributes
    ----------
    name
        What it shows, for the hover text; also its colour (``train`` or ``val``).
    x, y
        Points; those with a NaN are left out.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]

    def points(self) -> list[tuple[float, float]]:
        """Return the points that are numbers."""
        return [(x, y) for x, y in zip(self.x, self.y, strict=True) if math.isfinite(x) and math.isfinite(y)]


def line_chart(
    lines: Sequence[Line],
    *,
    title: str,
    x_label: str,
    y_label: str,
    best: float | None = None,
    top: float | None = None,
) -> Markup:
    """Draw curves over a common axis.

    Parameters
    ----------
    lines
        The curves.
    title
        What the image shows, for readers who do not see it.
    x_label, y_label
        Axis titles.
    best
        An x to mark with a vertical line: the best epoch.
    top
        Upper end of the y axis; from the data where not given. The axis starts at 0.
    """
    points = [point for line in lines for point in line.points()]
    if not points:
        return Markup('<p class="absent">No values to draw.</p>')
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    y_ticks = ticks(0.0, max(y for _, y in points) if top is None else top)
    x_ticks = [tick for tick in ticks(low, high) if low <= tick <= high and tick == int(tick)]
    frame = Frame((low, high) if high > low else (low - 0.5, high + 0.5), (0.0, y_ticks[-1]))
    body = [axes(frame, x_ticks, y_ticks, x_label, y_label)]
    if best is not None:
        x, y = frame.at(best, frame.y[1])
        body.append(tag("line", cls="best", x1=x, x2=x, y1=y, y2=HEIGHT - BOTTOM))
    body += [_curve(line, frame) for line in lines]
    return svg(title, body)


def histogram(values: Sequence[float], *, title: str, x_label: str, bins: int = 20) -> Markup:
    """Draw how many values of 0..1 lie in each of `bins` equal parts; a value of 1 belongs to the last."""
    counts, edges = np.histogram(np.asarray(values, float), bins=bins, range=(0.0, 1.0))
    y_ticks = [tick for tick in ticks(0.0, float(max(1, counts.max()))) if tick == int(tick)]
    frame = Frame((0.0, 1.0), (0.0, y_ticks[-1]))
    body = [axes(frame, [0, 0.25, 0.5, 0.75, 1.0], y_ticks, x_label, "clips")]
    for count, low, high in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if count:
            (x0, y0), (x1, y1) = frame.at(low, count), frame.at(high, 0)
            hover = tag("title", f"{low:.2f} to {high:.2f}: {count} clip(s)")
            body.append(tag("rect", hover, cls="bar", x=x0 + 0.7, y=y0, width=x1 - x0 - 1.4, height=y1 - y0))
    return svg(title, body)


def matrix(counts: NDArray[np.int64], labels: Sequence[str], *, title: str) -> Markup:
    """Draw a confusion matrix, one row per true class; a cell's strength is its share of the row.

    Parameters
    ----------
    counts
        (C, C), ``counts[true, predicted]``.
    labels
        Label of each class.
    """
    classes = len(labels)
    cell = 30.0 if classes <= NUMBERED_CELLS else max(10.0, 600.0 / classes)
    shown = [label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…" for label in labels]
    margin = 34.0 + 7.0 * max(len(label) for label in shown)
    side = margin + classes * cell
    centre = (margin + side) / 2
    body = [
        tag("text", "true class", cls="axis middle", transform=turned(12, centre)),
        tag("text", "predicted", cls="axis middle", x=centre, y=14),
    ]
    for i, label in enumerate(shown):
        middle = margin + (i + 0.5) * cell + 3.5
        body.append(tag("text", label, cls="tick end", x=margin - 6, y=middle))
        body.append(tag("text", label, cls="tick", transform=turned(middle, margin - 6)))
    end, sides = margin + classes * cell, {"width": classes * cell, "height": classes * cell}
    body.append(tag("rect", cls="ground", x=margin, y=margin, **sides))
    for i in range(classes + 1):
        at = margin + i * cell
        body.append(tag("line", cls="gap", x1=at, x2=at, y1=margin, y2=end))
        body.append(tag("line", cls="gap", x1=margin, x2=end, y1=at, y2=at))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for true, predicted in np.argwhere(counts).tolist():
        count, part = int(counts[true, predicted]), float(share[true, predicted])
        hover = f"{labels[true]} taken for {labels[predicted]}: {count} ({part:.0%})"
        corner = margin + predicted * cell, margin + true * cell
        number = str(count) if classes <= NUMBERED_CELLS else ""
        body.append(_cell(corner, cell, part, true == predicted, hover, number))
    return svg(title, body, side + 4, side + 4)


def _cell(corner: tuple[float, float], side: float, share: float, right: bool, hover: str, number: str) -> Markup:
    x, y = corner
    ink, kind = "strong" if share > 0.5 else "weak", "right" if right else "wrong"
    square: dict[str, float] = {"x": x + 0.5, "y": y + 0.5, "width": side - 1, "height": side - 1}
    opacity = f"{0.15 + 0.85 * share:.2f}"
    drawn = tag("rect", tag("title", hover), cls=kind, fill_opacity=opacity, **square)
    if not number:
        return drawn
    return drawn + tag("text", number, cls=f"count middle {ink}", x=x + side / 2, y=y + side / 2 + 4)


def _curve(line: Line, frame: Frame) -> Markup:
    places = [(x, y, *frame.at(x, y)) for x, y in line.points()]
    path = "M" + "L".join(f"{number_text(across)},{number_text(down)}" for *_, across, down in places) if places else ""
    dots = [
        tag("circle", tag("title", f"{line.name}, {x:g}: {y:.4g}"), cls=f"dot {line.name}", cx=across, cy=down, r=2.6)
        for x, y, across, down in places
    ]
    return Markup("").join([tag("path", cls=f"line {line.name}", d=path), *dots])
