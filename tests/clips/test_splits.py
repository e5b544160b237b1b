import re
from collections import Counter
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camfuse.clips.splits import clip_id_of, split_labels, split_signers

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


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), st.integers(0, 1000))
def test_every_split_has_a_clip_where_the_count_allows(labels: list[str], first: int) -> None:
    splits = Counter(split_labels([f"c{first + n}" for n in range(len(labels))], labels, DEFAULT))
    spare = len(labels) - len(set(labels))
    assert (splits["test"] > 0, splits["val"] > 0) == (spare > 0, spare > 1)


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


# ------------------------------------------------------------------------------------------- signers

Clips = list[tuple[str, str]]
"""Signer and label of each clip."""


def by_signer(clips: Clips, shares: tuple[float, float, float] = DEFAULT) -> dict[str, str]:
    """Return each signer's split; fails where one is in two."""
    splits = split_signers([signer for signer, _ in clips], [label for _, label in clips], shares)
    found = {(signer, split) for (signer, _), split in zip(clips, splits, strict=True)}
    assert len(found) == len(dict(found))
    return dict(found)


def untrained(clips: Clips, split_of: dict[str, str]) -> int:
    return len({label for _, label in clips}) - len({label for who, label in clips if split_of[who] == "train"})


signed = st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("uvwxyz")), min_size=1, max_size=40)
wished = st.sampled_from([DEFAULT, (0.8, 0.2, 0.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5), (0.1, 0.1, 0.8), (0.0, 1.0, 0.0)])


@given(signed, wished)
def test_every_wished_split_has_a_signer_as_far_as_there_are_any(
    clips: Clips, shares: tuple[float, float, float]
) -> None:
    order = [split for split, share in zip(("train", "val", "test"), shares, strict=True) if share]
    order.sort(key=("train", "test", "val").index)
    assert set(by_signer(clips, shares).values()) == set(order[: len({who for who, _ in clips})])


@given(signed, st.sampled_from([DEFAULT, (0.8, 0.2, 0.0), (0.1, 0.1, 0.8)]))
def test_no_label_is_left_without_training_where_an_assignment_avoids_it(
    clips: Clips, shares: tuple[float, float, float]
) -> None:
    split_of = by_signer(clips, shares)
    needed = set(split_of.values())
    signers = list(split_of)
    ways = (dict(zip(signers, way, strict=True)) for way in product(sorted(needed), repeat=len(signers)))
    fewest = min(untrained(clips, way) for way in ways if set(way.values()) == needed)
    assert untrained(clips, split_of) == fewest


@given(signed, st.randoms(use_true_random=False))
def test_the_order_of_the_clips_does_not_matter(clips: Clips, random: Random) -> None:
    assert by_signer(random.sample(clips, len(clips))) == by_signer(clips)


def evenly(signers: int, each: int) -> Clips:
    return [(f"s{who}", f"w{word}") for who in range(signers) for word in range(each)]


@given(st.integers(20, 60), st.integers(3, 12))
def test_shares_of_many_signers_come_near(signers: int, each: int) -> None:
    clips = evenly(signers, each)
    split_of = by_signer(clips)
    counts = Counter(split_of[who] for who, _ in clips)
    assert {split: counts[split] / len(clips) for split in counts} == pytest.approx(
        {"train": 0.7, "val": 0.15, "test": 0.15}, abs=0.05
    )


def test_a_signer_with_most_of_the_clips_trains() -> None:
    for few in ("abcd", "efgh", "xyz", "no"):
        clips = [("most", word) for word in "uvwxyz" for _ in range(10)] + [(who, word) for who in few for word in "uv"]
        assert by_signer(clips)["most"] == "train"


def test_who_alone_signs_a_label_trains() -> None:
    clips = [(who, word) for who in "abcd" for word in "xy"] + [("a", "only a"), ("c", "only c")]
    split_of = by_signer(clips)
    assert split_of["a"] == split_of["c"] == "train" and {split_of["b"], split_of["d"]} == {"val", "test"}
    # u is signed by b and d only, so one of the two trains: the others are val and test
    assert {by_signer([*clips, ("b", "u"), ("d", "u")])[who] for who in "bd"} != {"val", "test"}


def test_few_signers() -> None:
    assert by_signer(evenly(1, 3)) == {"s0": "train"}
    assert sorted(by_signer(evenly(2, 3)).values()) == ["test", "train"]
    assert sorted(by_signer(evenly(3, 3)).values()) == ["test", "train", "val"]
    assert split_signers([], [], DEFAULT) == []


def test_names_alone_decide() -> None:
    # sha256 of "signer 0 <name>" / 2^256: anna 0.28, carl 0.33, ben 0.65, dora 0.86; a quarter of the clips each, so
    # every hash comes as near, the first counts, and of it the lowest two: test, val
    clips = [(who, word) for who in ("anna", "ben", "carl", "dora") for word in "xy"]
    assert by_signer(clips) == {"anna": "test", "carl": "val", "ben": "train", "dora": "train"}


def test_a_new_clip_rarely_moves_a_signer() -> None:
    moved = tried = 0
    for few in range(3, 43):
        clips = [(f"p{few}-{who}", f"w{word}") for who in range(few) for word in range(4 + (who * who + few) % 7)]
        before = by_signer(clips)
        for who in range(0, few, 3):
            after = by_signer([*clips, (f"p{few}-{who}", "w0")])
            moved, tried = moved + (before != after), tried + 1
    assert tried > 200 and moved / tried < 0.1, f"{moved} of {tried}"
