"""The streams on images and heatmaps, and every fusion, as rows: the package's own stages, trainings and test.

Each fold of each seed is a run of its own on the set's shards. A row trains what it needs and nobody has trained yet,
so that the streams are trained once for all fusions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

from benchmarks.real_people_rows import Row, Scores, Task
from benchmarks.real_people_sets import Fold, People, PeopleSet
from benchmarks.real_people_shards import make_shards, table_of
from camfuse.config import Config, FusionMode, Part, Stream, parse_config
from camfuse.config.computer import Computer
from camfuse.config.read import merged
from camfuse.config.recipe import Counts, recipe_values
from camfuse.evaluate.run import evaluate_clips
from camfuse.files import write_text
from camfuse.metrics import likely_weights
from camfuse.predict.probabilities import load_checkpoints
from camfuse.run.layout import DATA_STAGES, Run
from camfuse.train import train

HERE = Path(__file__).parent
WITHOUT_MIXUP = {"augment": {"mixup": 0.0}}
"""As the recipe of the hands was found."""


@dataclass(frozen=True)
class Fused:
    """Streams, and how they are fused.

    Attributes
    ----------
    streams
        One or several.
    mode
        Of the fused model; without one they are fused late, by the weighted mean of their probabilities.
    weighted
        Late, not with the recipe's weights but those under which training signers' clips are most likely, by trainings
        without these signers.
    """

    streams: tuple[Stream, ...]
    mode: FusionMode | None = None
    weighted: bool = False

    @property
    def needs_videos(self) -> bool:
        """Whether keypoints alone are not enough."""
        return "rgb" in self.streams


PAIR: tuple[Stream, ...] = ("pose", "sequence")
ALL: tuple[Stream, ...] = ("rgb", "pose", "sequence")
ROWS: dict[str, Fused] = {
    "RGB": Fused(("rgb",)),
    "pose": Fused(("pose",)),
    "sequence": Fused(("sequence",)),
    "RGB + pose, late": Fused(("rgb", "pose")),
    "RGB + pose, ST-CAF": Fused(("rgb", "pose"), "divided"),
    "RGB + pose, without attention": Fused(("rgb", "pose"), "none"),
    "RGB + pose, lateral convolutions": Fused(("rgb", "pose"), "concat"),
    "pose + sequence, late": Fused(PAIR),
    "pose + sequence, late, weights by cross-validation": Fused(PAIR, weighted=True),
    "pose + sequence, ST-CAF": Fused(PAIR, "divided"),
    "pose + sequence, without attention": Fused(PAIR, "none"),
    "all three, late": Fused(ALL),
    "all three, late, weights by cross-validation": Fused(ALL, weighted=True),
    "all three, ST-CAF": Fused(ALL, "divided"),
    "all three, without attention": Fused(ALL, "none"),
    "all three, lateral convolutions": Fused(ALL, "concat"),
}
"""Those with RGB need videos, those by cross-validation a set of trainings within training signers."""


class Grids:
    """The rows of one set.

    Parameters
    ----------
    one
        The set.
    people
        Its clips.
    folder
        For shards and trainings.
    changes
        Other settings than the recipe's.
    inner
        The same clips in folds that train on some of the training signers each.
    """

    def __init__(
        self,
        one: PeopleSet,
        people: People,
        folder: Path,
        changes: Mapping[str, Any] | None = None,
        inner: "Grids | None" = None,
    ) -> None:
        self._set, self._people, self._folder, self._changes = one, people, folder.absolute(), dict(changes or {})
        self._inner = inner
        self._found: dict[tuple[str, Stream, int], Scores] = {}

    def rows(self) -> dict[str, Row]:
        """Return each row that the set can have."""
        videos = self._people.has_videos
        there = {title: fused for title, fused in ROWS.items() if self._inner or not fused.weighted}
        return {title: self._row(fused) for title, fused in there.items() if videos or not fused.needs_videos}

    def _row(self, fused: Fused) -> Row:
        return lambda task, seed: self._scores(fused, task, seed)

    def _scores(self, fused: Fused, task: Task, seed: int) -> Scores:
        """Return the probabilities (test clips, classes + 1); the last column is 1 for a clip that a stage refused."""
        if fused.mode is None:
            found = [self._stream(stream, task, seed) for stream in fused.streams]
            weights = self._weights(fused.streams, task, seed) if fused.weighted else self._given(fused, task, seed)
            return np.average(found, axis=0, weights=weights)
        run = self.trained_run(fused, task, seed)
        return self._tested(run, "fusion", run.training("fusion").best, task)

    def trained_run(self, fused: Fused, task: Task, seed: int) -> Run:
        """Return the run of a fused model, trained if it is not yet."""
        run, alone = self._run(task, seed, fused), self._run(task, seed)
        self._trained(run, "fusion", tuple(self._trained(alone, stream) for stream in fused.streams))
        return run

    def _stream(self, stream: Stream, task: Task, seed: int) -> Scores:
        key = task.fold, stream, seed
        if key not in self._found:
            run = self._run(task, seed)
            self._found[key] = self._tested(run, stream, self._trained(run, stream), task)
        return self._found[key]

    def _given(self, fused: Fused, task: Task, seed: int) -> tuple[float, ...]:
        """Return the streams' weights of the recipe."""
        return self._run(task, seed, fused).config.training_weights[: len(fused.streams)]

    def _weights(self, streams: tuple[Stream, ...], task: Task, seed: int) -> tuple[float, ...]:
        """Return the streams' weights by the inner folds that train on none of the tested signers."""
        assert self._inner is not None
        people, tested = self._inner._people, {self._people.signers[clip] for clip in task.places}
        heads: dict[str, list[Scores]] = {stream: [] for stream in streams}
        labels = []
        for fold in people.folds:
            inner = task_of(people, fold)
            if tested & set(inner.signers):
                continue
            kept = np.array([people.signers[clip] not in tested for clip in fold[2]])
            labels.append(people.labels[fold[2]][kept])
            for stream in streams:
                heads[stream].append(self._inner._stream(stream, inner, seed)[kept, :-1])
        tensors = {stream: torch.from_numpy(np.concatenate(found)) for stream, found in heads.items()}
        weights = likely_weights(tensors, torch.from_numpy(np.concatenate(labels)))
        print(f"{task.fold}: weights of {', '.join(streams)}: {weights}", flush=True)
        return weights

    def _trained(self, run: Run, part: Part, init: tuple[Path, ...] = ()) -> Path:
        files = run.training(part)
        if not files.best.exists():
            train(run, part, files.folder, init)
        return files.best

    def _tested(self, run: Run, part: Part, checkpoint: Path, task: Task) -> Scores:
        predictions, _ = evaluate_clips(run, load_checkpoints(run.config, {part: checkpoint}, run.classes()))
        row = predictions.rows["fused" if part == "fusion" else part].numpy()
        places = {
            clip_id: place for place, clip_id in enumerate(table_of(self._people)["clip_id"].iloc[[*task.places]])
        }
        scores = np.zeros((len(places), row.shape[1] + 1))
        scores[:, -1] = 1
        for clip, values in zip(predictions.clips["clip_id"], row, strict=True):
            scores[places[clip]] = [*values, 0]
        return scores

    # --------------------------------------------------------------------------------------- runs

    @cached_property
    def _data(self) -> Path:
        """The folder of all clips' shards, which are made when it is first asked for."""
        config = self._config(self._folder / "data", Fused(ALL), len(self._people.labels), 0)
        make_shards(self._people, config)
        return config.output

    def _run(self, task: Task, seed: int, fused: Fused | None = None) -> Run:
        """Return the run of a fold, or of one of its fusions, with a clip table of its own on the set's shards."""
        name = "-".join([*fused.streams, fused.mode or ""]) if fused else "streams"
        output = self._folder / f"{task.fold.replace(' ', '_')}-{seed}" / name
        output.mkdir(parents=True, exist_ok=True)
        for stage in DATA_STAGES:
            if not (output / stage).exists():
                (output / stage).symlink_to(self._data / stage)
        run = Run(self._config(output, fused or Fused(ALL), len(task.labels), seed))
        table = table_of(self._people)
        split = np.where(table.index.isin(task.places), "test", "train")
        write_text(run.clip_files.clips, table.assign(split=split).to_csv(index=False))
        names = pd.DataFrame({"class_index": range(task.classes), "label": self._people.classes})
        write_text(run.clip_files.classes, names.to_csv(index=False))
        return run

    def _config(self, output: Path, fused: Fused, train_clips: int, seed: int) -> Config:
        given: dict[str, Any] = {
            "output": str(output),
            "seed": seed,
            "bad_clips": "skip",
            "clips": {"csv": {"table": "none"}, "shards": 1},
            "pose": {"annotations": {}},
            "model": {stream: {} for stream in ALL} | {"fusion": {"mode": fused.mode or "none"}},
            "train": {"validation": False},
            "machine": {"device": "cpu", "threads": 1},
        }
        if self._set.signs == "hands":
            hands = yaml.safe_load((HERE / "real_signing_hands.yaml").read_text(encoding="utf-8"))
            repeat = round(self._set.views / hands["train"]["pose"]["epochs"])
            given = merged(merged(given, hands), {"train": {"pose": {"repeat": repeat}}})
            given = merged(given, {"heatmaps": {"hands": None}, "sampling": {"part": None}, "train": WITHOUT_MIXUP})
        given = merged(given, self._changes)
        counts = Counts(train=train_clips, val=0, words=len(self._people.classes))
        values = recipe_values(counts, Computer(cores=2, gpu=False), given)
        values["model"] |= dict.fromkeys(stream for stream in ALL if stream not in fused.streams)
        return parse_config(values, "real people")


def task_of(people: People, fold: Fold) -> Task:
    """Return one fold of a set as a task."""
    name, train, test = fold
    clips = ([people.keypoints[clip] for clip in rows] for rows in (train, test))
    signers = [people.signers[clip] for clip in train]
    return Task(next(clips), people.labels[train], signers, next(clips), len(people.classes), name, tuple(test))
