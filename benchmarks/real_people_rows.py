"""The rows of the benchmark: what is trained on some clips and says probabilities for others.

A row gets keypoints, labels and signers of the training clips and keypoints of the test clips, and nothing else; those
on images (`real_people_grids`) have the videos of the same clips besides.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import real_signing_linear as linear
from camfuse.data.sequence import NUM_POINTS, POINTS, evenly, mirror, normalise

Array = NDArray[np.float32]
Scores = NDArray[np.floating]
DTW_FRAMES = 32
HAND_WEIGHT = 2.0


@dataclass(frozen=True)
class Task:
    """One fold: training clips with labels and signers, test clips, the number of classes.

    The rows on images know the fold by its name, and the test clips by their places in the set.
    """

    train: list[Array]
    labels: NDArray[np.int64]
    signers: list[str]
    test: list[Array]
    classes: int
    fold: str = ""
    places: tuple[int, ...] = ()


Row = Callable[[Task, int], Scores]
"""Task and seed to scores (test clips, classes): the larger, the likelier."""


def chance(task: Task, _seed: int) -> Scores:
    """Say the training clips' most frequent class, whatever the test clip shows."""
    counts = np.bincount(task.labels, minlength=task.classes)
    return np.tile(counts / counts.sum(), (len(task.test), 1))


def ridge(task: Task, _seed: int) -> Scores:
    """Ridge regression on where the keypoints are (`real_signing_linear`), its shrinkage by training signers."""
    train, test = (np.stack([linear.features(clip) for clip in clips]) for clips in (task.train, task.test))
    found, _ = linear.predict(train, task.labels, task.signers, test)
    return np.eye(task.classes)[found]


def time_warping(task: Task, _seed: int) -> Scores:
    """The class of the training clip that is nearest under dynamic time warping; mirrored ones count too."""
    train = np.stack([warpable(turn(normalise(clip))) for turn in (lambda clip: clip, mirror) for clip in task.train])
    labels = np.concatenate([task.labels, task.labels])
    scores = np.full((len(task.test), task.classes), -np.inf)
    for row, clip in zip(scores, task.test, strict=True):
        np.maximum.at(row, labels, -warped_distances(warpable(normalise(clip)), train))
    return scores


def warpable(points: Array) -> Array:
    """Return (frames, numbers): places of all points, and the hands' shapes counted from their wrists."""
    clip = np.zeros((DTW_FRAMES, NUM_POINTS + 42, 2), np.float32)
    clip[:, :NUM_POINTS] = evenly(points, DTW_FRAMES)
    for number, side in enumerate(("left", "right")):
        hand = clip[:, POINTS[side]]
        first = NUM_POINTS + 21 * number
        clip[:, first : first + 21] = HAND_WEIGHT * (hand - hand[:, :1])
    return np.nan_to_num(clip, nan=0.0).reshape(DTW_FRAMES, -1)


def warped_distances(clip: Array, others: Array) -> Scores:
    """Return the cost of the cheapest path from `clip` (T, D) to each of `others` (N, T, D)."""
    squares = (clip**2).sum(-1)[None, :, None] + (others**2).sum(-1)[:, None, :]
    step = np.sqrt(np.maximum(squares - 2 * np.einsum("td,nsd->nts", clip, others), 0))
    total = np.full((len(others), len(clip) + 1, others.shape[1] + 1), np.inf)
    total[:, 0, 0] = 0
    for i in range(len(clip)):
        for j in range(others.shape[1]):
            best = np.minimum(np.minimum(total[:, i, j + 1], total[:, i + 1, j]), total[:, i, j])
            total[:, i + 1, j + 1] = best + step[:, i, j]
    return total[:, -1, -1]


def plain_network(path: Path) -> Row:
    """Return the plain network as a row, from the file that has it: it is the anchor, and no part of this project."""
    spec = importlib.util.spec_from_file_location("plain_network", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"--plain: expected a Python file, found {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def row(task: Task, seed: int) -> Scores:
        scores: Scores = module.fit_predict(task.train, task.labels, task.test, classes=task.classes, seed=seed)
        return scores

    return row
