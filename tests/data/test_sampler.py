"""Order of the samples: by hand, over processes, after a restart, balanced."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camfuse.data.sampler import EpochSampler


def keys(sampler: EpochSampler, epoch: int) -> list[Any]:
    sampler.set_epoch(epoch)
    return list(sampler)


def test_keys_carry_the_epoch() -> None:
    plain = EpochSampler([0, 1, 0], seed=1, shuffle=False)
    assert (keys(plain, 2), len(plain)) == ([(2, 0), (2, 1), (2, 2)], 3)


def test_every_clip_is_seen_repeat_times_in_another_order() -> None:
    sampler = EpochSampler([0] * 5, seed=1, repeat=3)
    first, second = (keys(sampler, epoch) for epoch in (0, 1))
    assert sorted(first) == [(0, index) for index in range(15)]
    assert sorted(second) == [(1, index) for index in range(15)]
    assert [index for _, index in first] != [index for _, index in second]
    assert keys(sampler, 0) == first
    assert keys(EpochSampler([0] * 5, seed=2, repeat=3), 0) != first


@given(clips=st.integers(1, 40), world=st.integers(1, 5), batch=st.integers(1, 4), pad=st.booleans())
def test_processes_together_are_one(clips: int, world: int, batch: int, pad: bool) -> None:
    whole = keys(EpochSampler([0] * clips, seed=3), 7)
    shares = [keys(EpochSampler([0] * clips, seed=3, rank=rank, world=world, pad=pad), 7) for rank in range(world)]
    assert len({len(share) for share in shares}) == 1
    together = Counter(key for share in shares for key in share)
    if pad:
        assert together.keys() == set(whole)
        assert sum(together.values()) - clips < world
    else:
        assert set(together.values()) <= {1}
        assert clips - len(together) < world
    for step in range(len(shares[0]) // batch):
        seen = [key for share in shares for key in share[step * batch : (step + 1) * batch]]
        if (step + 1) * batch * world <= clips:
            assert sorted(seen) == sorted(whole[step * batch * world : (step + 1) * batch * world])


def test_resumes_where_it_was() -> None:
    whole = [keys(EpochSampler([0] * 9, seed=1, rank=1, world=2), epoch) for epoch in range(4)]
    sampler = EpochSampler([0] * 9, seed=1, rank=1, world=2)
    sampler.start_at(2, 3)
    assert list(sampler) == whole[2][3:]  # before anybody has set an epoch: loader workers look ahead
    assert keys(sampler, 2) == whole[2][3:]
    assert keys(sampler, 3) == whole[3]
    assert len(sampler) == 4


@pytest.mark.parametrize(
    ("balance", "expected"), [(0.0, (90, 9, 1)), (0.5, (70.3, 22.2, 7.4)), (1.0, (33.4, 33.3, 33.3))]
)
def test_balance_by_hand(balance: float, expected: tuple[float, ...]) -> None:
    # 90, 9 and 1 clips; square roots 9.49, 3, 1 of 13.49
    labels = [0] * 90 + [1] * 9 + [2]
    sampler = EpochSampler(labels, seed=1, balance=balance)
    drawn = np.array([[labels[i % 100] for _, i in keys(sampler, epoch)] for epoch in range(200)])
    assert drawn.shape == (200, 100)
    shares = np.stack([np.bincount(epoch, minlength=3) for epoch in drawn])
    assert np.abs(shares.mean(0) - expected).max() < 0.3
    assert (np.abs(shares - shares.mean(0)) <= 1.01).all()  # rounded, not drawn one by one


def test_balanced_samples_of_one_clip_are_augmented_differently() -> None:
    sampler = EpochSampler([0] * 8 + [1] * 2, seed=1, balance=1.0)
    drawn = [index for _, index in keys(sampler, 0)]
    assert len(set(drawn)) == len(drawn) == 10  # each sample has random numbers of its own
    of_class_1 = Counter(index % 10 for index in drawn if index % 10 >= 8)
    assert sum(of_class_1.values()) == 5
    assert set(of_class_1.values()) == {2, 3}  # in turn
    assert any({index % 10 for _, index in keys(sampler, epoch)} != {i % 10 for i in drawn} for epoch in range(1, 9))
