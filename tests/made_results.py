"""Results of a test that never was: numbers to work with by hand."""

from collections.abc import Mapping
from typing import Any

from camfuse.evaluate.results import CheckpointFacts, Missing, Results, Score


def made_score(top1: float, *, clips: int = 20, of_all: float | None = None, **changes: Any) -> Score:
    """Return numbers of which top-1 is `top1`, and `of_all` where missing clips count as wrong."""
    counted = top1 if of_all is None else of_all
    values: dict[str, Any] = {
        "clips": clips,
        "top": {1: top1},
        "interval": (0.25, 0.95),
        "class_top": {1: 0.5},
        "class_accuracy_union": 0.25,
        "calibration": 0.125,
        "top_of_all": {1: counted},
        "class_top_of_all": {1: 0.5},
    }
    return Score(**values | changes)


def made_results(rows: Mapping[str, Score], **changes: Any) -> Results:
    """Return results of these rows, the last of which speaks for the run."""
    values: dict[str, Any] = {
        "split": "test",
        "samplings": 10,
        "classes": 3,
        "weights": {},
        "tuned": False,
        "main": list(rows)[-1],
        "rows": rows,
        "checkpoints": {"rgb": CheckpointFacts(3, "0" * 16, 100)},
        "fingerprint": "f" * 16,
        "seed": 1,
        "missing": Missing({}, 0),
    }
    return Results(**values | changes)
