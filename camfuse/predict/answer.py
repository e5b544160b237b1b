"""What a trained model says of a video."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

TOP = 5
"""Words that an answer shows."""


@dataclass(frozen=True)
class Sign:
    """One sign of a video.

    Attributes
    ----------
    start, end
        Seconds from the first frame of the video.
    classes
        Label of each class index.
    probabilities
        (C,) float32, calibrated where the model is.
    known
        Whether the model is sure enough that it is one of its words.
    """

    start: float
    end: float
    classes: Sequence[str]
    probabilities: NDArray[np.float32]
    known: bool = True

    @property
    def label(self) -> str | None:
        """The most probable word; None where it is no known sign."""
        return self.classes[int(self.probabilities.argmax())] if self.known else None

    def top(self, count: int = TOP) -> list[tuple[str, float]]:
        """Return the most probable words with their probabilities, best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count].tolist()
        return [(self.classes[index], float(self.probabilities[index])) for index in order]


@dataclass(frozen=True)
class VideoAnswer:
    """What a model says of one video.

    Attributes
    ----------
    video
        The file, as it was given.
    signs
        In the order of time; none where no sign was found.
    frames
        Frames of the video.
    seconds
        Its length.
    """

    video: str
    signs: tuple[Sign, ...]
    frames: int
    seconds: float

    @property
    def label(self) -> str | None:
        """The word of the first known sign; None where there is none."""
        return next((sign.label for sign in self.signs if sign.known), None)

    def top(self, count: int = TOP) -> list[tuple[str, float]]:
        """Return the most probable words of the first sign; empty where there is none."""
        return self.signs[0].top(count) if self.signs else []

    def rows(self, count: int = TOP) -> list[dict[str, Any]]:
        """Return a row per sign and word: video, start, end, known, rank, label, probability."""
        return [
            {
                "video": self.video,
                "start": sign.start,
                "end": sign.end,
                "known": sign.known,
                "rank": rank,
                "label": label,
                "probability": probability,
            }
            for sign in self.signs
            for rank, (label, probability) in enumerate(sign.top(count), start=1)
        ]

    def to_pandas(self, top: int = TOP) -> "pd.DataFrame":
        """Return the rows as a table."""
        import pandas as pd

        return pd.DataFrame(self.rows(top), columns=["video", "start", "end", "known", "rank", "label", "probability"])

    def __str__(self) -> str:
        """Write it as lines of text."""
        if not self.signs:
            return f"{self.video}: no sign found in {self.seconds:.2f} s"
        lines = [self.video] if len(self.signs) > 1 else []
        for sign in self.signs:
            words = "  ".join(f"{label} {probability:.3f}" for label, probability in sign.top())
            begin = f"  {sign.start:7.2f} to {sign.end:7.2f} s" if len(self.signs) > 1 else self.video
            lines.append(f"{begin}: {words if sign.known else f'no known sign ({words})'}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Draw the most probable words as bars, for a notebook."""
        head = f"<b>{escape(self.video)}</b> · {self.frames} frames · {self.seconds:.2f} s"
        if not self.signs:
            return f"<div>{head}<br>no sign found</div>"
        return f"<div>{head}{''.join(_table(sign) for sign in self.signs)}</div>"


def _table(sign: Sign) -> str:
    note = "" if sign.known else " · no known sign"
    bars = "".join(
        f"<tr><td style='text-align:left'>{escape(label)}</td><td style='text-align:left'>"
        f"<span style='display:inline-block;height:.8em;width:{probability * 12:.2f}em;background:#26a96c'></span> "
        f"{probability:.1%}</td></tr>"
        for label, probability in sign.top()
    )
    return f"<table><caption>{sign.start:.2f} to {sign.end:.2f} s{note}</caption>{bars}</table>"
