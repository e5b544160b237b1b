"""Where a trained model puts signs: the space of its pooled features, in which a word is the mean of its clips.

A feature vector is counted from the middle of the trained words, each number in units of its spread within a word, and
brought to length 1: two signs are alike by their cosine. In numpy alone.

Shapes: n clips, D features, C trained words, E words that were added.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from camfuse.errors import WeightsError
from camfuse.files import atomic
from camfuse.weights.needed import sha256_of

Floats = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]

FILE = "features.npz"
"""Its name in the training's folder, beside ``best.ckpt``."""
SHOTS = 3
"""Clips of a trained word that plays a new one, when the temperature is chosen."""
TEMPERATURES = np.geomspace(0.02, 0.5, 25)
DRAWS = 6
"""How often other words play new ones."""
MOST = 1000
"""Clips that the temperature is chosen on, at most."""


@dataclass(frozen=True)
class FeatureSpace:
    """The space, and how similarities become probabilities.

    Attributes
    ----------
    weights
        Hash of the checkpoint that it belongs to (`checkpoint_hash`).
    centre, scale
        (D,) the middle of the trained words, and the spread within a word.
    means
        (C, D) of each trained word, of length 1; NaN where a word has no clip. (0, D) where no clip was at hand.
    temperature
        Divides the similarities.
    """

    weights: str
    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    means: NDArray[np.float32]
    temperature: float = 0.1

    @classmethod
    def of(cls, weights: str, features: Floats, labels: Labels, classes: int) -> Self:
        """Lay the space out by the training clips' features (n, D) and class indices (n,).

        Raises
        ------
        ValueError
            If there are no clips.
        """
        if len(labels) == 0:
            raise ValueError("expected features of at least one clip, found none")
        means = np.stack([_mean(features[labels == number]) for number in range(classes)])
        centre = np.nanmean(means, axis=0)
        within = np.sqrt(np.mean((features - means[labels]) ** 2, axis=0))
        # numbers that hardly change within a word would be all that counts; a tenth of the usual spread stays. Where no
        # word has two clips nothing is known of it, and all count alike
        scale = within + 0.1 * within.mean() + 1e-6 if within.any() else np.ones_like(within)
        plain = cls(
            weights, centre.astype(np.float32), scale.astype(np.float32), np.zeros((0, len(centre)), np.float32)
        )
        placed = plain.place(features)
        own = np.stack([_unit(_mean(placed[labels == number])) for number in range(classes)])
        return replace(plain, means=own.astype(np.float32))

    @classmethod
    def empty(cls, weights: str, size: int) -> Self:
        """Return a space without trained words, for added words alone."""
        return cls(weights, np.zeros(size, np.float32), np.ones(size, np.float32), np.zeros((0, size), np.float32))

    def place(self, features: Floats) -> NDArray[np.float64]:
        """Return features (n, D) as places in the space, each of length 1."""
        return _unit((features.astype(np.float64) - self.centre) / self.scale)

    def fitted(self, train: Floats, train_labels: Labels, val: Floats, val_labels: Labels) -> Self:
        """Return the space with the temperature of the greatest likelihood on val.

        Half of the trained words play new ones, with means of `SHOTS` training clips, in several draws.
        """
        if len(val_labels) == 0:
            return self
        rng = np.random.default_rng(0)
        chosen = rng.permutation(len(val_labels))[:MOST]
        labels = val_labels[chosen]
        there = np.asarray(np.isfinite(self.means).all(axis=1))
        chosen, labels = chosen[there[labels]], labels[there[labels]]
        if len(labels) == 0 or there.sum() < 2:
            return self
        places, trained = self.place(val[chosen]), self.place(train)
        few = np.stack([_few(trained[train_labels == number], rng) for number in range(len(there))])
        old = np.where(there, places @ np.nan_to_num(self.means).T, -np.inf)
        new = places @ np.nan_to_num(few).T
        doubt = 1 / (len(labels) + 2)  # Platt's targets: few clips, all right, do not make it as sure as can be
        parts = [
            np.isin(np.arange(len(there)), rng.permutation(np.flatnonzero(there))[: there.sum() // 2])
            for _ in range(DRAWS)
        ]
        own = np.cumsum(there)[labels] - 1

        def loss(temperature: float) -> float:
            total = 0.0
            for played in parts:
                scores = np.where(played, new, old)[:, there]
                logs = np.log(_softmax(scores / temperature) + 1e-12)
                total -= float((1 - doubt) * logs[np.arange(len(own)), own].mean() + doubt * logs.mean())
            return total

        return replace(self, temperature=min(map(float, TEMPERATURES), key=loss))

    def together(self, features: Floats, added: Floats, trained: Floats) -> NDArray[np.float32]:
        """Return the probabilities (C + E,) of trained and added words for one clip.

        The added words take of the whole what their similarity gives them; the trained words share the rest as the
        model itself says, so that no added word changes their order.

        Parameters
        ----------
        features
            (D,) of the clip.
        added
            (E, D) places of the added words.
        trained
            (C,) the model's own probabilities.
        """
        place = self.place(features[None])[0]
        old = np.where(np.isfinite(self.means).all(1), np.nan_to_num(self.means) @ place, -np.inf)
        new = added @ place
        shares = _softmax(np.concatenate([old, new])[None] / self.temperature)[0][len(old) :]
        return np.concatenate([trained * (1 - shares.sum()), shares]).astype(np.float32)

    def added_alone(self, features: Floats, added: Floats) -> NDArray[np.float32]:
        """Return the probabilities (E,) of the added words among themselves."""
        scores = (added @ self.place(features[None])[0])[None]
        return np.asarray(_softmax(scores / self.temperature)[0], np.float32)

    def save(self, folder: Path) -> None:
        """Write it into a training's folder."""
        with atomic(folder / FILE) as part, part.open("wb") as file:
            np.savez(
                file,
                weights=self.weights,
                centre=self.centre,
                scale=self.scale,
                means=self.means,
                temperature=self.temperature,
            )

    @classmethod
    def beside(cls, checkpoint: Path, weights: str) -> Self | None:
        """Read what belongs to a checkpoint; None where there is none, or it is of other weights.

        Raises
        ------
        WeightsError
            If the file is damaged.
        """
        path = checkpoint.with_name(FILE)
        if not path.is_file():
            return None
        values = read_arrays(path, ("weights", "centre", "scale", "means", "temperature"))
        if str(values["weights"]) != weights:
            return None
        centre, scale, means, temperature = (values[name] for name in ("centre", "scale", "means", "temperature"))
        whole = centre.ndim == 1 and centre.shape == scale.shape and means.shape[1:] == centre.shape
        if not (whole and temperature.shape == () and temperature > 0 and (scale > 0).all()):
            raise WeightsError(
                f"{path}: expected the features of trained words, found otherwise; delete it and enroll again"
            )
        return cls(weights, centre, scale, means, float(temperature))


def checkpoint_hash(checkpoint: Path) -> str:
    """Return what tells a checkpoint from all others: its features mean something for its own weights alone."""
    return sha256_of(checkpoint)[:16]


def read_arrays(path: Path, names: tuple[str, ...], younger: tuple[str, ...] = ()) -> Mapping[str, NDArray[Any]]:
    """Read an ``.npz`` file of plain arrays; those `younger` than the form are not in every file.

    Raises
    ------
    WeightsError
        If it is no such file, or one of the names is not in it.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in (*names, *(one for one in younger if one in stored))}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise WeightsError(f"{path}: expected {', '.join(names)}, found {error}; enroll the words again") from error


def _few(places: Floats, rng: np.random.Generator) -> Floats:
    return _unit(_mean(places[rng.permutation(len(places))[:SHOTS]]))


def _mean(rows: Floats) -> Floats:
    return np.full(rows.shape[1], np.nan) if len(rows) == 0 else rows.mean(0)


def _unit(rows: Floats) -> NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float64)


def _softmax(scores: Floats) -> NDArray[np.float64]:
    raised = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True), np.float64)
