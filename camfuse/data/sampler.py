"""Order of the training samples; carries the epoch to the dataset."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class EpochSampler(Sampler[int]):
    """Yield ``epoch * length + index``, shuffled per epoch.

    The dataset takes the epoch out of the key again. Workers that live through all epochs so learn of it, and the
    random numbers depend on seed, epoch and index alone.

    Parameters
    ----------
    length
        Length of the dataset.
    seed
        Seed of the order.
    shuffle
        Whether to shuffle.
    """

    def __init__(self, length: int, seed: int, *, shuffle: bool = True) -> None:
        self._length = length
        self._seed = seed
        self._shuffle = shuffle
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, from 0; Lightning calls this at the start of each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Return the number of samples per epoch."""
        return self._length

    def __iter__(self) -> Iterator[int]:
        """Iterate over the epoch's keys."""
        order = np.arange(self._length)
        if self._shuffle:
            order = np.random.default_rng([self._seed, self._epoch]).permutation(self._length)
        return iter((self._epoch * self._length + order).tolist())
