"""Which part of which recording a clip is, in a form that travels with trained weights.

A clip is written as ``recording start end``: the recording's hash, and its segment in seconds. A recording under other
bytes is another one.
"""

import math
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from camfuse.errors import WeightsError

Seconds = NDArray[np.float64]

RECORDING = "recording"
"""Column of ``clips.csv``: the hash of what `source` names. Tables of earlier versions lack it: nothing is known."""


def written(rows: pd.DataFrame) -> set[str]:
    """Return the clips (RECORDING, start, end) as they are written."""
    if RECORDING not in rows:
        return set()
    ends = rows["end"].fillna(math.inf)
    return {f"{one} {start!r} {end!r}" for one, start, end in zip(rows[RECORDING], rows["start"], ends, strict=True)}


def shared_seconds(segments: Seconds, start: float, end: float) -> Seconds:
    """Return how many seconds each of `segments` (n, 2) of a recording shares with another one; 0 or less for none."""
    return np.minimum(segments[:, 1], end) - np.maximum(segments[:, 0], start)


def seen(rows: pd.DataFrame, clips: Iterable[str]) -> "pd.Series[bool]":
    """Return which of the rows show a part of a recording that `clips`, as written, show too.

    Raises
    ------
    WeightsError
        If one of `clips` is written otherwise.
    """
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for clip in clips:
        try:
            recording, start, end = clip.split(" ")
            spans[recording].append((float(start), float(end)))
        except (ValueError, AttributeError) as error:
            raise WeightsError(f"expected clips as `recording start end`, found {clip!r}; train again") from error
    names = rows[RECORDING] if RECORDING in rows else [""] * len(rows)
    segments = {recording: np.array(of_it) for recording, of_it in spans.items()}
    none = np.empty((0, 2))
    found = [
        bool((shared_seconds(segments.get(name, none), start, end) > 0).any())
        for name, start, end in zip(names, rows["start"], rows["end"].fillna(math.inf), strict=True)
    ]
    return pd.Series(found, index=rows.index, dtype=bool)
