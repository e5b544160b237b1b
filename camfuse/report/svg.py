"""The ground of the charts: elements of an SVG, axes, round numbers.

No script, no network, sharp on every screen, and the same bytes for the same numbers. Every text goes through
`markupsafe`, so that a label is never read as markup. Colours and fonts come from ``style.css`` by class name, which is
how the charts follow the reader's light or dark scheme.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 440.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 14.0, 38.0


@dataclass(frozen=True)
class Frame:
    """The data range of a chart."""

    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point in the image."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers (steps of 1, 2 or 5 times a power of ten) that cover `low` to `high`.

    A range too narrow to be told apart on paper is widened.
    """
    size = max(abs(low), abs(high), 1.0)
    span = high - low if high - low > 1e-6 * size else size
    rough = span / about
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil((low + span) / step - 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def axes(frame: Frame, x_ticks: Iterable[float], y_ticks: Iterable[float], x_label: str, y_label: str) -> Markup:
    """Draw grid, numbers and titles of both axes."""
    parts: list[Markup] = []
    for tick in y_ticks:
        x, y = frame.at(frame.x[0], tick)
        parts.append(tag("line", cls="grid", x1=x, x2=WIDTH - RIGHT, y1=y, y2=y))
        parts.append(tag("text", f"{tick:g}", cls="tick end", x=x - 6, y=y + 4))
    for tick in x_ticks:
        x, y = frame.at(tick, frame.y[0])
        parts.append(tag("text", f"{tick:g}", cls="tick middle", x=x, y=y + 16))
    centre = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(tag("text", x_label, cls="axis middle", x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 4))
    parts.append(tag("text", y_label, cls="axis middle", transform=turned(11, centre)))
    return Markup("").join(parts)


def svg(title: str, body: Iterable[Markup], width: float = WIDTH, height: float = HEIGHT) -> Markup:
    """Put elements into an image, which shrinks with the page; `title` is for readers who do not see it."""
    size = {"viewBox": f"0 0 {number_text(width)} {number_text(height)}", "style": f"max-width:{number_text(width)}px"}
    return tag("svg", Markup("").join(body), role="img", aria_label=title, **size)


def tag(name: str, inside: str = "", /, cls: str = "", **attributes: str | float) -> Markup:
    """Write an element; text and attributes are escaped, what is `Markup` already is not."""
    pairs = {"class": cls, **attributes} if cls else attributes
    written = Markup("").join(
        Markup(' {}="{}"').format(key.replace("_", "-"), value if isinstance(value, str) else number_text(value))
        for key, value in pairs.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, written, inside)


def turned(x: float, y: float) -> str:
    """Return the transform that writes a text from bottom to top."""
    return f"translate({number_text(x)},{number_text(y)}) rotate(-90)"


def number_text(value: float) -> str:
    """Write a coordinate: a tenth of a pixel is enough, and the text does not depend on rounding noise."""
    return f"{value:.1f}".removesuffix(".0")
