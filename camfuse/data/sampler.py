"""Order of the training samples, over epochs, processes and restarts; carries the epoch to the dataset."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

Key = tuple[int, int]
"""Epoch and index of a sample: what its random numbers depend on. The sample's clip is index modulo clips."""


class EpochSampler(Sampler[Key]):
    """Yield ``(epoch, index)``, shuffled per epoch, every `world`-th of them for each process.

    The dataset takes the epoch from the key. Workers that live through all epochs so learn of it, and the random
    numbers depend on seed, epoch and index alone. Position i of the order goes to process i modulo `world`: the
    processes' batches of one step are together those of one process with the whole batch.

    Parameters
    ----------
    labels
        Class index of each clip, in the order of the dataset.
    seed
        Seed of the order.
    repeat
        Times that each clip counts per epoch.
    shuffle
        Whether to shuffle.
    balance
        Draws a class with probability ~ (its clips)**(1 - balance): 0 takes each clip `repeat` times, 1 each class
        equally often (Kang et al., Decoupling Representation and Classifier, ICLR 2020, eq. 1).
    rank, world
        Number of this process, and how many there are.
    pad
        Where the samples cannot be shared out evenly: give some a second time, else leave the last ones out.
    """

    def __init__(
        self,
        labels: Sequence[int],
        seed: int,
        *,
        repeat: int = 1,
        shuffle: bool = True,
        balance: float = 0.0,
        rank: int = 0,
        world: int = 1,
        pad: bool = False,
    ) -> None:
        self._labels = np.asarray(labels, np.int64)
        self._seed = seed
        self._samples = len(labels) * repeat
        self._shuffle = shuffle
        self._balance = balance
        self._rank, self._world = rank, world
        self._length = -(-self._samples // world) if pad else self._samples // world
        self._epoch = 0
        self._start = (0, 0)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, from 0; Lightning calls this at the start of each epoch."""
        self._epoch = epoch

    def start_at(self, epoch: int, samples: int) -> None:
        """Resume in `epoch` after as many of this process's samples; `len` stays that of a whole epoch."""
        self._epoch, self._start = epoch, (epoch, samples)

    def __len__(self) -> int:
        """Return the number of samples of this process per epoch."""
        return self._length

    def __iter__(self) -> Iterator[Key]:
        """Iterate over the epoch's keys."""
        order = np.resize(self._order(), self._length * self._world)[self._rank :: self._world]
        epoch, done = self._start
        rest = order[done:] if epoch == self._epoch else order
        return iter([(self._epoch, index) for index in rest.tolist()])

    def _order(self) -> NDArray[np.int64]:
        if not self._shuffle:
            return np.arange(self._samples)
        rng = np.random.default_rng([self._seed, self._epoch])
        if self._balance == 0:
            return rng.permutation(self._samples)
        return rng.permutation(self._balanced(rng))

    def _balanced(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return `samples` indices: per class its share, rounded at random; within it all clips in turn."""
        clips = len(self._labels)
        classes, counts = np.unique(self._labels, return_counts=True)
        weights = counts.astype(np.float64) ** (1 - self._balance)
        edges = np.round(np.cumsum(weights) / weights.sum() * self._samples + rng.uniform(-0.5, 0.5))
        edges = np.clip(edges, 0, self._samples)
        edges[-1] = self._samples
        indices = []
        for label, draws in zip(classes, np.diff(edges.astype(np.int64), prepend=0), strict=True):
            members = rng.permutation(np.flatnonzero(self._labels == label))
            turn = np.arange(draws)
            indices.append(members[turn % len(members)] + clips * (turn // len(members)))
        return np.concatenate(indices)
