"""Clip ids and splits for data that comes without them: from the path and a stable hash alone."""

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from operator import itemgetter
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from camfuse.clips.table import SPLITS

VIDEO_SUFFIXES = frozenset(".mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .wmv .flv .3gp .ts .mts .m2ts .ogv .gif".split())
LONGEST_ID = 100
TRIES = 64
"""Hashes of the signers' names that are tried for shares near the wished ones."""
NEAR = 0.05
"""The share of the clips by which a split may be off."""
_UNSAFE = re.compile(r"[^A-Za-z0-9_.\-]+")


def clip_id_of(video: str) -> str:
    """Return the clip id of a path: ``hello/anna.mp4`` becomes ``hello--anna``.

    The id depends on the path alone, so that no other clip can change it. Folders are joined by ``--``, the suffix
    ``.mp4`` is dropped and other characters become ``_``. Where the path cannot be told from the result, eight
    digits of its hash follow, so that no two paths share an id: ``anna 1.mp4`` becomes ``anna_1-0a5fb2d4``.
    """
    path = unicodedata.normalize("NFC", video)  # file systems disagree on how to write an accent
    letters = unicodedata.normalize("NFKD", path.removesuffix(".mp4").replace("/", "--"))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    safe = _UNSAFE.sub("_", plain).lstrip("-.")[:LONGEST_ID]
    if _path_of(safe) == path:
        return safe
    return f"{safe or 'clip'}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def _path_of(clip_id: str) -> str:
    path = clip_id.replace("--", "/")
    return path if PurePosixPath(path).suffix.lower() in VIDEO_SUFFIXES else f"{path}.mp4"


def split_labels(clip_ids: Sequence[str], labels: Sequence[str], shares: Iterable[float]) -> list[str]:
    """Split every label by itself, in the given shares of train, val and test.

    The clips of a label are put in the order of their ids' hashes and cut by the shares; which way a label rounds
    is hashed from its name, so that over many small labels the shares come out right. With a train share above 0
    every label keeps a training clip, so a label with one clip has no other. A new clip moves at most one clip of
    its label over each border, and none of another label, but where a split with a share would have no clip at all: it
    gets the one nearest to its border, if a label can spare one.
    """
    shares = tuple(shares)
    share_train, share_val, _ = shares
    borders = np.array([share_train, share_train + share_val])
    rows = pd.DataFrame({"clip_id": list(clip_ids), "label": list(labels)})
    rows["order"] = [_unit(f"clip {clip_id}") for clip_id in clip_ids]
    rows["offset"] = rows["label"].map({label: _unit(f"label {label}") for label in set(labels)})
    groups = rows.groupby("label")["order"]
    rank = groups.rank(method="first") - 1
    place = (rank + rows["offset"]) / groups.transform("size")
    split = np.searchsorted(borders, place.to_numpy(float), side="right")
    if share_train > 0:
        split[(rank == 0).to_numpy()] = 0
        wanted = [number for number in (2, 1) if shares[number] > 0]
        split = _filled(split, place.to_numpy(float), (rank > 0).to_numpy(), wanted)
    return [SPLITS[number] for number in split.tolist()]


def _filled(
    split: NDArray[np.intp], place: NDArray[np.float64], spare: NDArray[np.bool_], wanted: Iterable[int]
) -> NDArray[np.intp]:
    """Give each wanted split that has no clip a spare one: of train, else of another that has several."""
    split = split.copy()
    for empty in wanted:
        if (split == empty).any():
            continue
        others = split == 3 - empty
        donors = spare & (split == 0)
        if not donors.any() and (empty == 2 or others.sum() > 1):
            donors = others
        if (found := np.flatnonzero(donors)).size:
            nearest = np.argmin if empty < split[found[0]] else np.argmax
            split[found[nearest(place[found])]] = empty
    return split


def split_signers(signers: Sequence[str], labels: Sequence[str], shares: Iterable[float]) -> list[str]:
    """Put each signer wholly into train, val or test, with shares of the clips near the given ones.

    Each split with a share above 0 has at least one signer; of fewer signers than such splits train gets the first,
    then test. The fewest labels that can be are left without a training clip, and none where there is a way: who alone
    signs a label trains. The rest is up to hashes of the signers' names, of which a share falls to each split. The
    first of `TRIES` hashes is taken whose split comes within `NEAR` of the shares, or else of the nearest one: how many
    clips a signer has tells good hashes from bad, and places nobody, so that a new clip rarely moves a signer.

    Parameters
    ----------
    signers, labels
        Of each clip.
    shares
        Of train, val and test.
    """
    if not signers:
        return []
    wished = dict(zip(SPLITS, shares, strict=True))
    rest, *others = [split for split in ("train", "test", "val") if wished[split] > 0][: len(set(signers))]
    people = _People.of(signers, labels if rest == "train" else [""] * len(labels))  # without training no label counts
    tried: list[tuple[float, dict[str, str]]] = []
    enough = 0
    for number in range(TRIES):
        places = {signer: _unit(f"signer {number} {signer}") for signer in people.clips}
        places = dict(sorted(places.items(), key=itemgetter(1)))
        first = _first_signers(list(places), len(others), people, enough)
        enough = people.lost(first)
        split_of = _place(places, dict(zip(first, others, strict=True)), rest, wished, people)
        tried.append((_distance(split_of, wished, people), split_of))
        if tried[-1][0] <= NEAR:
            break
    nearest = min(distance for distance, _ in tried)
    enough_near = nearest if nearest <= NEAR else nearest + NEAR
    split_of = next(found for distance, found in tried if distance <= enough_near)
    return [split_of[signer] for signer in signers]


@dataclass(frozen=True)
class _People:
    """How many clips each signer has, the labels that each signs, and how many labels only a certain few sign."""

    clips: Mapping[str, int]
    labels: Mapping[str, set[str]]
    only: Mapping[frozenset[str], int]

    @classmethod
    def of(cls, signers: Sequence[str], labels: Sequence[str]) -> "_People":
        by_signer: defaultdict[str, set[str]] = defaultdict(set)
        by_label: defaultdict[str, set[str]] = defaultdict(set)
        for signer, label in zip(signers, labels, strict=True):
            by_signer[signer].add(label)
            by_label[label].add(signer)
        return cls(Counter(signers), by_signer, Counter(frozenset(found) for found in by_label.values()))

    def lost(self, few: Sequence[str]) -> int:
        """Count the labels that nobody but these few signers signs."""
        sizes = range(1, len(few) + 1)
        return sum(self.only.get(frozenset(some), 0) for size in sizes for some in combinations(few, size))


def _first_signers(order: Sequence[str], count: int, people: _People, enough: int) -> tuple[str, ...]:
    """Return the first `count` signers, in this order, without whom the fewest labels (or `enough`) lack training."""
    best: tuple[str, ...] = ()
    fewest: float = np.inf
    for few in permutations(order, count):
        if (lost := people.lost(few)) < fewest:
            best, fewest = few, lost
        if fewest <= enough:
            break
    return best


def _place(
    places: Mapping[str, float], first: dict[str, str], rest: str, wished: Mapping[str, float], people: _People
) -> dict[str, str]:
    """Return the split of each signer: by its place between 0 and 1, as far as no label is lost, beside the first."""
    split_of = dict.fromkeys(places, rest) | first
    left = [signer for signer in places if signer not in first]
    trained = Counter(label for signer in left for label in people.labels[signer])
    borders = np.cumsum([wished[split] for split in first.values()])
    for signer in list(left):
        number = int(np.searchsorted(borders, places[signer], side="right"))
        labels = people.labels[signer]
        if number < len(borders) and len(left) > 1 and all(trained[label] > 1 for label in labels):
            split_of[signer] = list(first.values())[number]
            left.remove(signer)
            trained.subtract(labels)
    return split_of


def _distance(split_of: Mapping[str, str], wished: Mapping[str, float], people: _People) -> float:
    """Return by how much the share of a split is off at most."""
    found: Counter[str] = Counter()
    for signer, split in split_of.items():
        found[split] += people.clips[signer]
    total = max(found.total(), 1)
    return max(abs(found[split] / total - share) for split, share in wished.items())


def _unit(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
