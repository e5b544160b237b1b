"""Heatmaps of a clip from its keypoints, into an array that is used again."""

import numpy as np

from benchmarks.bench.peers import EDGE, Array, renderer
from benchmarks.bench.race import AnswersDifferError, Row, Rows, Scale, race, same
from benchmarks.full_size import SIZE, keypoints
from camfuse.geometry import rescale_points
from camfuse.prep.heatmaps import STRIDE, render

SUBJECT = "rendering"
CROP, MAP = 256, 256 // STRIDE
FRAMES = 32
GOALS = {(0.6, "u8"): 50, (0.6, "f32"): 25, (2.0, "u8"): 25, (2.0, "f32"): 15}
TYPES = {"u8": np.uint8, "f32": np.float32}
SHORT = "numpy writes each window by index; compiled code (numba) came near in a prototype, for a dependency more"


def rows(scale: Scale) -> Rows:
    """Yield a row for each sigma and type."""
    points = rescale_points(keypoints(0)[: 4 if scale.quick else FRAMES], CROP / SIZE)
    places = rescale_points(points, 1 / STRIDE)
    rival, theirs = renderer()
    for (sigma, name), goal in GOALS.items():
        out = np.empty((*points.shape[:2], MAP, MAP), TYPES[name])
        what = f"{len(points)} x {points.shape[1]} maps of {MAP} x {MAP}, sigma {sigma:g}, {name}"
        agree(what, render(points, MAP, sigma, out=out), theirs(places, MAP, sigma))
        found = race(
            {
                "ours": lambda out=out, sigma=sigma: render(points, MAP, sigma, out=out),
                "peer": lambda sigma=sigma: theirs(places, MAP, sigma),
                "bound": lambda out=out: out.fill(0),
            },
            scale,
        )
        yield Row(
            SUBJECT, what, "ms", found["ours"], found["peer"], rival, f"{_rounding(out):.1g}; {EDGE:.3f} past 3 sigma",
            bound=found["bound"], bound_is="memset", least=goal, short=SHORT,
        )  # fmt: skip


def _rounding(ours: Array) -> float:
    return 1 / 510 + 1e-5 if ours.dtype == np.uint8 else 1e-5


def agree(what: str, ours: Array, theirs: Array) -> None:
    """Check maps: the same to rounding where ours reach, and next to nothing of the peer's beyond.

    Raises
    ------
    AnswersDifferError
        If they differ by more.
    """
    exact = ours.astype(np.float32) / 255 if ours.dtype == np.uint8 else ours
    beyond = theirs <= EDGE
    same(what, np.where(beyond, 0, exact), np.where(beyond, 0, theirs), _rounding(ours))
    if exact[beyond].max(initial=0) > EDGE + _rounding(ours):
        raise AnswersDifferError(f"{what}: found more than {EDGE:.4f} where the peer has less")
