import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camfuse.clips.splits import clip_id_of, split_labels

DEFAULT = (0.7, 0.15, 0.15)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("hello/anna.mp4", r"hello--anna"),
        ("hello/anna.webm", r"hello--anna\.webm"),
        ("anna.mp4", r"anna"),
        ("thank you/anna 1.mp4", r"thank_you--anna_1-[0-9a-f]{8}"),
        ("größe/é.mp4", r"gro_e--e-[0-9a-f]{8}"),
        ("고맙다/1.mp4", r"_--1-[0-9a-f]{8}"),
        ("/abs/olute.mp4", r"abs--olute-[0-9a-f]{8}"),
        ("../up.mp4", r"up-[0-9a-f]{8}"),
    ],
)
def test_clip_id_of(path: str, expected: str) -> None:
    assert re.fullmatch(expected, clip_id_of(path))


names = st.text(st.sampled_from(list("aAé-_. ?1")), min_size=1, max_size=6)
paths = st.builds(
    lambda parts, end: "/".join(parts) + end,
    st.lists(names, min_size=1, max_size=3),
    st.sampled_from([".mp4", ".mov", ".MP4"]),
)


@given(st.lists(paths, unique=True, max_size=40))
def test_ids_are_safe_and_no_two_paths_share_one(given_paths: list[str]) -> None:
    ids = [clip_id_of(path) for path in given_paths]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*", clip_id) for clip_id in ids)


def test_shares_of_a_large_label() -> None:
    splits = split_labels([f"c{n}" for n in range(200)], ["hello"] * 200, DEFAULT)
    assert Counter(splits) == pytest.approx({"train": 140, "val": 30, "test": 30}, abs=1)


def test_small_labels_come_out_right_together() -> None:
    ids = [f"c{n}" for n in range(2000)]
    splits = Counter(split_labels(ids, [f"word{n // 4}" for n in range(2000)], DEFAULT))
    # four clips a label: 2.8, 0.6, 0.6 on average; without rounding by the label no test clip were left
    assert splits == pytest.approx({"train": 1400, "val": 300, "test": 300}, abs=60)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=30))
def test_every_label_keeps_a_training_clip(labels: list[str]) -> None:
    splits = split_labels([f"c{n}" for n in range(len(labels))], labels, (0.1, 0.1, 0.8))
    trained = {label for label, split in zip(labels, splits, strict=True) if split == "train"}
    assert trained == set(labels)


@given(st.integers(1, 40), st.integers(1000, 1100))
def test_a_new_clip_moves_at_most_one_over_each_border(count: int, new: int) -> None:
    ids = [f"c{n}" for n in range(count)]
    before = split_labels(ids, ["hello"] * count, DEFAULT)
    after = split_labels([*ids, f"c{new}"], ["hello"] * (count + 1), DEFAULT)
    assert sum(old != now for old, now in zip(before, after, strict=False)) <= 2


def test_other_labels_stay_and_order_does_not_matter() -> None:
    ids, labels = [f"c{n}" for n in range(30)], ["a"] * 10 + ["b"] * 20
    splits = split_labels(ids, labels, DEFAULT)
    assert split_labels(ids[:10], labels[:10], DEFAULT) == splits[:10]
    assert split_labels(ids[::-1], labels[::-1], DEFAULT) == splits[::-1]


def test_a_split_may_be_empty() -> None:
    ids = [f"c{n}" for n in range(50)]
    assert set(split_labels(ids, ["a"] * 50, (1.0, 0.0, 0.0))) == {"train"}
    assert set(split_labels(ids, ["a"] * 50, (0.0, 0.0, 1.0))) == {"test"}
    assert set(split_labels(ids, ["a"] * 50, (0.8, 0.2, 0.0))) == {"train", "val"}
