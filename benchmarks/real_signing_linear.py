"""The linear baseline: ridge regression on where the keypoints are, in eight parts of the clip.

Upper body and hands count from the middle of the shoulders in units of their distance; each hand also from its wrist in
units of its own reach, the left one mirrored, and of the two the one that is seen more once again: either hand may show
a letter. What was not seen is 0. How much is shrunk is chosen on the training clips alone: one signer after the other
is left out (of one signer, one fifth of the clips after the other).
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from camfuse.skeleton import LEFT_HAND, RIGHT_HAND

Array = NDArray[np.float64]
UPPER_BODY = tuple(range(11))
PARTS = 8
SHRINKAGES = (3.0, 30.0, 300.0, 3000.0)
FLOOR = 1e-2
"""Least standard deviation that a feature is divided by, in its own units."""


def features(keypoints: NDArray[np.floating]) -> Array:
    """Return one row for a clip of (T, 133, 3) keypoints: NaN or score 0 where not seen."""
    points = keypoints.astype(np.float64)
    left, right = points[:, 5, :2], points[:, 6, :2]
    width = np.linalg.norm(left - right, axis=1)
    unit = float(np.nanmedian(width)) if np.isfinite(width).any() else 1.0
    seen = np.isfinite(points[..., 0]) & (points[..., 2] > 0)
    body = [_relative(points[:, part], (left + right) / 2, unit) for part in (UPPER_BODY, LEFT_HAND, RIGHT_HAND)]
    shapes = []
    for part, side in ((LEFT_HAND, -1.0), (RIGHT_HAND, 1.0)):
        hand, there = points[:, part], seen[:, part]
        reach = np.where(there, np.abs(hand[..., :2] - hand[:, :1, :2]).max(axis=2), 0).max(axis=1)
        shapes.append(_relative(hand, hand[:, 0, :2], np.maximum(reach, 1e-6)[:, None, None]) * (side, 1.0))
    dominant = shapes[0] if seen[:, LEFT_HAND].sum() > seen[:, RIGHT_HAND].sum() else shapes[1]
    rows = np.concatenate([*body, *shapes, dominant], axis=1).reshape(len(points), -1)
    edges = np.arange(PARTS + 1) * len(rows) / PARTS
    spans = [slice(int(low), max(int(low) + 1, int(np.ceil(high)))) for low, high in pairwise(edges)]
    return np.concatenate([rows[span].mean(axis=0) for span in spans])


def _relative(points: Array, centre: Array, unit: float | Array) -> Array:
    place = (points[..., :2] - centre[:, None]) / unit
    return np.where(np.isfinite(place) & (points[..., 2:] > 0), place, 0.0)


def predict(train: Array, labels: NDArray[np.int64], groups: list[str], test: Array) -> tuple[NDArray[np.int64], float]:
    """Return the class of each test row, and the shrinkage that was chosen.

    Parameters
    ----------
    train, test
        Rows of `features`.
    labels
        Class index of each training row.
    groups
        Signer of each training row.
    """
    names = np.array(groups)
    if len(set(groups)) == 1:
        names = np.random.default_rng(0).permutation(len(names)) % 5
    right = np.zeros(len(SHRINKAGES))
    for name in sorted(set(names.tolist())):
        held = names == name
        scores = ridge(train[~held], labels[~held], train[held], int(labels.max()) + 1)
        right += [(score.argmax(axis=1) == labels[held]).sum() for score in scores]
    best = int(right.argmax())
    return ridge(train, labels, test, int(labels.max()) + 1)[best].argmax(axis=1), SHRINKAGES[best]


def ridge(train: Array, labels: NDArray[np.int64], test: Array, classes: int) -> list[Array]:
    """Return the scores (n, classes) of the test rows under each of `SHRINKAGES`; features are standardised."""
    mean, spread = train.mean(axis=0), train.std(axis=0) + FLOOR
    rows, asked = (train - mean) / spread, (test - mean) / spread
    wanted = np.eye(classes)[labels]
    offset = wanted.mean(axis=0)
    values, vectors = np.linalg.eigh(rows @ rows.T)  # fewer clips than features
    turned, across = vectors.T @ (wanted - offset), asked @ rows.T @ vectors
    return [across @ (turned / (values + shrinkage)[:, None]) + offset for shrinkage in SHRINKAGES]
