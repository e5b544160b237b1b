"""The rows of `real_people` that `real_people_gpu` trained: read from its answers, joined to fusions."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.real_people_jobs import CANDIDATES, FUSIONS, OTHER
from benchmarks.real_people_report import Outcome
from camfuse.metrics import likely_weights

Array = NDArray[np.float64]
STREAMS = ("rgb", "pose", "sequence")
TITLES = {"rgb": "RGB", "pose": "pose", "sequence": "sequence"}


@dataclass(frozen=True)
class Answer:
    """What one training said of its test clips: probabilities (clips, classes) by head."""

    set: str
    group: str
    seed: int
    part: str
    variant: str
    test: tuple[int, ...]
    labels: NDArray[np.int64]
    heads: dict[str, Array]
    train_right: dict[str, float]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Return whether each test clip is recognised, by the mean of the heads."""
        return np.asarray(mean(self.heads.values()).argmax(1) == self.labels)


def mean(heads: Iterable[Array], weights: Iterable[float] | None = None) -> Array:
    """Return the weighted mean of heads."""
    return np.asarray(np.average(np.stack(list(heads)), axis=0, weights=None if weights is None else list(weights)))


class Answers:
    """All answers of a file.

    Parameters
    ----------
    path
        What `real_people_gpu` wrote.
    """

    def __init__(self, path: Path) -> None:
        self._all = [_read(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def of(self, name: str, part: str, variant: str) -> dict[int, dict[str, Answer]]:
        """Return the answers of a part of a set by seed and fold, of the seeds that have all folds."""
        found: dict[int, dict[str, Answer]] = {}
        for one in self._all:
            if (one.set, one.part, one.variant) == (name, part, variant) and not one.group.startswith("only_"):
                found.setdefault(one.seed, {})[one.group] = one
        folds = self._folds(name)
        return {seed: found[seed] for seed in sorted(found) if set(found[seed]) == set(folds)}

    def _folds(self, name: str) -> list[str]:
        return sorted({one.group for one in self._all if one.set == name and not one.group.startswith("only_")})

    def chosen(self, name: str, stream: str, candidates: Iterable[str]) -> dict[int, dict[str, Answer]]:
        """Return the chosen candidate's answers: those under its own name and those under `chosen`."""
        there = self.of(name, stream, "chosen")
        for variant in candidates:
            own = self.of(name, stream, variant)
            if own and self._is_choice(name, stream, variant, candidates):
                return own | there
        return there

    def _is_choice(self, name: str, stream: str, variant: str, candidates: Iterable[str]) -> bool:
        hits = {one: share(self.of(OTHER[name], stream, one).get(1, {})) for one in candidates}
        return max(hits, key=lambda one: hits[one]) == variant

    def inner(self, name: str, stream: str, without: set[int]) -> dict[tuple[str, int], Answer]:
        """Return the trainings within training signers that saw none of the clips `without`."""
        return {
            (one.group, one.seed): one
            for one in self._all
            if one.set == name and one.part == stream and one.group.startswith("only_") and without <= set(one.test)
        }

    @property
    def all(self) -> list[Answer]:
        """Return every one."""
        return list(self._all)


def share(folds: dict[str, Answer]) -> float:
    """Return the share of right clips over all folds."""
    return float(np.concatenate([one.right for one in folds.values()]).mean()) if folds else 0.0


def _read(line: str) -> Answer:
    content = json.loads(line)
    return Answer(
        content["set"],
        content["group"],
        content["seed"],
        content["part"],
        content["variant"],
        tuple(content["test"]),
        np.array(content["labels"]),
        {head: np.array(values) for head, values in content["probabilities"].items()},
        content["train_right"],
    )


def outcome(seeds: dict[int, dict[str, Array]], labels: dict[str, NDArray[np.int64]]) -> Outcome:
    """Return a row from probabilities by seed and fold; folds in the order of their names."""
    names = sorted(labels)
    right = [
        np.concatenate([folds[name].argmax(1) == labels[name] for name in names]) for _, folds in sorted(seeds.items())
    ]
    fold = np.concatenate([np.full(len(labels[name]), number) for number, name in enumerate(names)])
    return Outcome(np.stack(right), fold, float("nan"))


def device_rows(answers: Answers, name: str) -> dict[str, Outcome]:
    """Return the rows of a set, as far as they were trained."""
    rows: dict[str, Outcome] = {}
    streams: dict[str, dict[int, dict[str, Answer]]] = {}
    for stream in STREAMS:
        if stream == "sequence":
            streams[stream] = answers.of(name, "sequence", "sequence")
        else:
            add(rows, f"{TITLES[stream]}, base", answers.of(name, stream, f"{stream}.base"))
            streams[stream] = answers.chosen(name, stream, CANDIDATES[stream])
        add(rows, f"{TITLES[stream]} (GPU)", streams[stream])
    for chosen in (("pose", "sequence"), STREAMS):
        late(rows, answers, name, {stream: streams[stream] for stream in chosen})
    for mode, fused in FUSIONS.items():
        add(rows, fused.title, answers.of(name, "fusion", mode))
    return rows


def add(rows: dict[str, Outcome], title: str, found: dict[int, dict[str, Answer]]) -> None:
    """Add a row if there are answers for it."""
    if found:
        first = next(iter(found.values()))
        labels = {fold: one.labels for fold, one in first.items()}
        rows[title] = outcome(
            {seed: {fold: mean(one.heads.values()) for fold, one in folds.items()} for seed, folds in found.items()},
            labels,
        )


def late(
    rows: dict[str, Outcome], answers: Answers, name: str, streams: dict[str, dict[int, dict[str, Answer]]]
) -> None:
    """Add late fusion of some streams, with equal weights and with those that inner trainings choose."""
    seeds = sorted(set.intersection(*(set(found) for found in streams.values()))) if all(streams.values()) else []
    if not seeds:
        return
    first = streams["sequence"][seeds[0]]
    labels = {fold: one.labels for fold, one in first.items()}
    weights = {fold: inner_weights(answers, name, set(one.test), tuple(streams)) for fold, one in first.items()}

    def joined(chosen: dict[str, tuple[float, ...] | None]) -> Outcome:
        return outcome(
            {
                seed: {
                    fold: mean((mean(found[seed][fold].heads.values()) for found in streams.values()), chosen[fold])
                    for fold in labels
                }
                for seed in seeds
            },
            labels,
        )

    title = f"late fusion of {' and '.join(TITLES[stream] for stream in streams)}"
    rows[title] = joined(dict.fromkeys(labels))
    if all(weights.values()):
        rows[f"{title}, weights by cross-validation"] = joined(weights)


def inner_weights(answers: Answers, name: str, test: set[int], streams: tuple[str, ...]) -> tuple[float, ...] | None:
    """Return the streams' weights that make the training signers' clips most likely; None without inner trainings."""
    by_stream = [answers.inner(name, stream, test) for stream in streams]
    keys = sorted(set.intersection(*(set(found) for found in by_stream)))
    if not keys:
        return None
    heads: dict[str, list[Array]] = {stream: [] for stream in streams}
    labels = []
    for key in keys:
        one = by_stream[0][key]
        kept = np.array([row not in test for row in one.test])
        labels.append(one.labels[kept])
        for stream, found in zip(streams, by_stream, strict=True):
            heads[stream].append(mean(found[key].heads.values())[kept])
    tensors = {stream: torch.from_numpy(np.concatenate(parts)) for stream, parts in heads.items()}
    return likely_weights(tensors, torch.from_numpy(np.concatenate(labels)))
