"""Nobody changes what a stage gives out without raising its version: Snakemake does not see package code.

The golden input is the small run's. What each stage makes of it stands in ``tests/golden/outputs.json`` as means over
32 stretches of every array, so that another libjpeg or another CPU passes and another meaning does not. After a
version was raised, or the small run was changed, renew the file:
``CAMFUSE_RENEW_GOLDEN=1 python -m pytest tests/workflow/test_golden.py -m slow -k renew``.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from small_run import ROOT, Workflow

from camfuse.config import load_config
from camfuse.run.shard import Shard
from camfuse.run.stages import STAGES

GOLDEN = ROOT / "tests" / "golden" / "outputs.json"
SHARD = "0000"
STRETCHES = 32
IMAGES = 0.5
"""Grey levels: what decoders and encoders of images may differ by, on average."""
EXACT = 1e-3
"""Pixels, scores, levels of a volume: made by numpy alone."""
LEARNED = 0.02
"""Losses and probabilities after a few steps on another CPU."""

Parts = Iterator[tuple[str, np.ndarray, float]]


def drawn(results: Path) -> Parts:
    for path in sorted((results / "avatars" / SHARD).glob("*.mp4"))[:2]:
        video = cv2.VideoCapture(str(path))
        frames = []
        while (read := video.read())[0]:
            frames.append(read[1])
        yield path.stem, np.stack(frames), IMAGES


def shard_of_stage(stage: str) -> Callable[[Path], Parts]:
    def read(results: Path) -> Parts:
        shard = Shard(results / stage / f"{SHARD}.h5", stage=stage)
        for clip_id in sorted(shard)[:2]:
            data = shard.clip(clip_id)
            if len(data.jpeg):
                images = [cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR) for one in data.jpeg]
                yield f"{clip_id}/jpeg", np.stack(images), IMAGES
            for name, rows in data.frames.items():
                yield f"{clip_id}/{name}", np.asarray(rows), EXACT
            for name, value in data.facts.items():
                if not isinstance(value, str):
                    yield f"{clip_id}/{name}", np.asarray(value), EXACT

    return read


def curves(part: str) -> Callable[[Path], Parts]:
    def read(results: Path) -> Parts:
        yield "loss", pd.read_csv(results / "train" / part / "curves.csv")["loss"].to_numpy(), LEARNED

    return read


def predictions(results: Path) -> Parts:
    table = pd.read_csv(results / "evaluate" / "predictions.csv").sort_values("clip_id")
    for column in (name for name in table if name.endswith("_probability")):
        yield column, table[column].to_numpy(), LEARNED


def page(results: Path) -> Parts:
    """The page's parts: how often each heading, table and image occurs."""
    text = (results / "report" / "index.html").read_text(encoding="utf-8")
    for tag in ("h1", "h2", "h3", "table", "th", "figure", "img"):
        yield tag, np.array(len(re.findall(rf"<{tag}[\s>]", text))), EXACT


OUTPUTS: dict[str, Callable[[Path], Parts]] = {
    "avatars": drawn,
    **{stage: shard_of_stage(stage) for stage in ("frames", "pose", "crops", "heatmaps")},
    **{f"train_{part}": curves(part) for part in ("rgb", "pose", "sequence", "fusion")},
    "evaluate": predictions,
    "report": page,
}


def summary(rows: np.ndarray) -> list[float | None]:
    """Return the means of up to 32 stretches, None where a stretch holds missing values only."""
    parts = np.array_split(rows.astype(np.float64).ravel(), min(STRETCHES, max(rows.size, 1)))
    seen = [part[~np.isnan(part)] for part in parts]
    return [round(float(part.mean()), 6) if part.size else None for part in seen]


def summed_up(stage: str, results: Path) -> dict[str, Any]:
    return {
        name: {"shape": list(rows.shape), "dtype": str(rows.dtype), "tolerance": tolerance, "means": summary(rows)}
        for name, rows, tolerance in OUTPUTS[stage](results)
    }


def versions(stage: str, results: Path) -> dict[str, int]:
    """Return the versions that the stage's output rests on in a run, its own included."""
    config, found = load_config(results / "config.yaml"), {stage: STAGES[stage].version}
    for above in STAGES[stage].stands_on(config):
        found |= versions(above, results)
    return dict(sorted(found.items()))


@pytest.fixture(scope="session")
def results_of(finished: Workflow, alone: Workflow) -> Callable[[str], Path]:
    """Return the results of the small run, and of what it has not those of the sequence alone."""

    def of(stage: str) -> Path:
        return (alone if stage == "train_sequence" else finished).folder / "results"

    return of


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    wrong = [f"{name}: {'new' if name in found else 'gone'}" for name in expected.keys() ^ found.keys()]
    for name in sorted(expected.keys() & found.keys()):
        old, new = expected[name], found[name]
        for key in ("shape", "dtype"):
            if old[key] != new[key]:
                wrong.append(f"{name}: {key} {old[key]} -> {new[key]}")
        # None -> NaN, which equals NaN below
        means = [np.array(one["means"], float) for one in (old, new)]
        if means[0].shape == means[1].shape and not np.allclose(*means, rtol=0, atol=old["tolerance"], equal_nan=True):
            wrong.append(f"{name}: means differ by up to {np.nanmax(np.abs(means[0] - means[1])):.4g}")
    return wrong


def test_every_stage_has_a_golden_output() -> None:
    assert OUTPUTS.keys() == STAGES.keys() == json.loads(GOLDEN.read_text()).keys()


@pytest.mark.skipif("CAMFUSE_RENEW_GOLDEN" not in os.environ, reason="only on demand")
def test_renew(results_of: Callable[[str], Path]) -> None:
    places = {stage: results_of(stage) for stage in OUTPUTS}
    golden = {
        stage: {"versions": versions(stage, place), "outputs": summed_up(stage, place)}
        for stage, place in places.items()
    }
    text = json.dumps(golden, indent=1)
    GOLDEN.write_text(re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found[0].split()), text) + "\n")


@pytest.mark.parametrize("stage", OUTPUTS)
def test_output_changes_only_with_its_version(results_of: Callable[[str], Path], stage: str) -> None:
    golden, results = json.loads(GOLDEN.read_text())[stage], results_of(stage)
    assert golden["versions"] == versions(stage, results), (
        f"{GOLDEN.name} is of other versions: renew it (see this file's head)"
    )
    wrong = differences(golden["outputs"], summed_up(stage, results))
    assert not wrong, (
        f"the output of {stage} has changed: raise its version in camfuse/run/stages.py, then renew\n"
        + "\n".join(wrong)
    )


@pytest.mark.parametrize(
    "change", [lambda a: a + 0.01, lambda a: a[::-1], lambda a: a.astype(np.float32), lambda a: a[1:]]
)
def test_a_changed_array_is_noticed(change: Callable[[np.ndarray], np.ndarray]) -> None:
    rows = np.linspace(0, 1, 100) ** 2
    old, new = (
        {"rows": {"shape": list(a.shape), "dtype": str(a.dtype), "tolerance": EXACT, "means": summary(a)}}
        for a in (rows, change(rows))
    )
    assert not differences(old, old)
    assert differences(old, new)
