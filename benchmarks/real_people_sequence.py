"""The sequence stream as a row: the package's own training and test, by `recipe: auto`, on keypoints in memory.

The pose shard and the clip table of a run are written straight from the keypoints; everything after them is what a user
gets, but that a user of MediaPipe with 50 clips or fewer starts from the shipped letters.
`benchmarks/results/real_people_choices.md` says what was tried for the recipe, and how far that can be trusted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.real_people_rows import Scores, Task
from benchmarks.real_people_shards import FPS, write_poses
from benchmarks.real_signing_sets import clip_table
from camfuse.config import Config, parse_config
from camfuse.config.computer import Computer
from camfuse.config.recipe import Counts, recipe_values
from camfuse.evaluate.run import evaluate_clips
from camfuse.files import write_text
from camfuse.predict.probabilities import load_checkpoints
from camfuse.run.layout import Run
from camfuse.train import train

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Labelled:
    """Clips of one split: keypoints (T, 133, 3) each, and their class indices."""

    split: str
    keypoints: Sequence[Array]
    labels: NDArray[np.int64]


def sequence_stream(task: Task, seed: int, weights: Path | None = None) -> Scores:
    """Train a recogniser on the task's clips, from `weights` where given; return the test clips' probabilities."""
    with TemporaryDirectory() as folder:
        return answers(trained(task, seed, Path(folder), weights))


def trained(task: Task, seed: int, folder: Path, weights: Path | None = None) -> Run:
    """Return a run in a folder whose sequence stream has been trained on the task's clips."""
    unknown = np.zeros(len(task.test), np.int64)  # a test reads labels only to count what is right
    clips = [Labelled("train", task.train, task.labels), Labelled("test", task.test, unknown)]
    run = keypoint_run(folder, clips, task.classes, seed, weights)
    train(run, "sequence", run.training("sequence").folder)
    return run


def answers(run: Run) -> Scores:
    """Return the probabilities (clips, classes) of a trained run's test clips, in their order."""
    trained = load_checkpoints(run.config, {"sequence": run.training("sequence").best}, run.classes())
    predictions, _ = evaluate_clips(run, trained)
    return predictions.rows["sequence"].numpy()


def keypoint_run(folder: Path, clips: Sequence[Labelled], classes: int, seed: int, weights: Path | None = None) -> Run:
    """Write a run's clip table and pose shard from keypoints; nothing of it is trained yet."""
    config = settings(folder, sum(len(one.labels) for one in clips if one.split == "train"), classes, seed, weights)
    run = Run(config)
    splits = [one.split for one in clips for _ in one.labels]
    words = [f"word{number:03d}" for number in range(classes)]
    rows = [
        (f"{row:05d}", words[label], "", "") for row, label in enumerate(label for one in clips for label in one.labels)
    ]
    table = clip_table(rows, words).assign(split=splits)
    write_text(run.clip_files.clips, table.to_csv(index=False))
    names = pd.DataFrame({"class_index": range(classes), "label": words})
    write_text(run.clip_files.classes, names.to_csv(index=False))
    keypoints = (points for one in clips for points in one.keypoints)
    # of the pose shard's facts the sequence stream reads none but the frame rate
    write_poses(run, zip(table["clip_id"], keypoints, strict=True), lambda _: (1, 1, FPS))
    return run


def settings(folder: Path, train_clips: int, classes: int, seed: int, weights: Path | None) -> Config:
    """Return what `recipe: auto` makes of so many clips on one core without a GPU."""
    values: dict[str, Any] = {
        "output": str(folder.absolute()),
        "seed": seed,
        "clips": {"csv": {"table": "none"}, "shards": 1},
        "pose": {"annotations": {}},
        "train": {"validation": False},
        "machine": {"device": "cpu", "threads": 1},
    }
    if weights is not None:
        values["model"] = {"sequence": {"weights": {"path": str(weights.absolute())}}}
    counts = Counts(train=train_clips, val=0, words=classes)
    return parse_config(recipe_values(counts, Computer(cores=1, gpu=False), values), "real people")
