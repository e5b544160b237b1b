"""A few clips of a run as a small run of their own, for its commands to be timed on."""

import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import pandas as pd

from camfuse.clips.sources.entry import source_entry
from camfuse.clips.table import NAME_PARTS, SHARD_COLUMNS, split_unknown
from camfuse.config import Config, Part, dump_config
from camfuse.errors import MissingToolError
from camfuse.run.layout import Run

SHARD = "0000"
"""The sample's one shard."""
EMPTY = "empty"
"""Its table of no clips: what a job takes before its first."""
LOOKED_AT = 400
"""Videos whose headers are read for their lengths; of more, as many, evenly over the table."""
THREADS = 4
ROLES = ("train", "test", "val", "train", "test", "train", "val", "train")
"""The splits that the sampled clips get in turn, whatever theirs are."""


def weigh(run: Run, rows: pd.DataFrame) -> "pd.Series[float]":
    """Return how much of each clip there is to do: its seconds, or the bytes of the recording it is drawn from.

    The index is the rows'. What is not known of a clip is the mean of those of which it is.
    """
    if source_entry(run.config.clips).drawn:
        known = [_size(path) for path in rows["source"]]
        return _filled(pd.Series(known, index=rows.index, dtype=float))
    length = rows["end"] - rows["start"]
    unknown = rows[length.isna()]
    looked = unknown.iloc[[number * len(unknown) // LOOKED_AT for number in range(LOOKED_AT)]].drop_duplicates()
    looked = unknown if len(unknown) <= LOOKED_AT else looked
    if len(looked):
        with ThreadPool(THREADS) as pool:
            ends = pool.map(_length, looked["video"].tolist())
        length = length.fillna(pd.Series(ends, index=looked.index, dtype=float) - looked["start"])
    return _filled(length)


def _size(path: str) -> float:
    try:
        return float(os.stat(path).st_size)  # noqa: PTH116 - ten times faster than Path.stat
    except OSError:
        return math.nan


def _length(video: str) -> float:
    from camfuse.ffmpeg_tool import read_header

    try:
        return read_header(Path(video)).length
    except (MissingToolError, OSError):
        return math.nan


def _filled(weights: "pd.Series[float]") -> "pd.Series[float]":
    known = weights.where(weights > 0)
    mean = known.mean()
    return known.fillna(1.0 if math.isnan(mean) else mean)


def choose(rows: pd.DataFrame, weights: "pd.Series[float]", clips: int, config: Config) -> pd.DataFrame:
    """Return clips from the smallest to the largest, evenly; those of words kept out of training are none of them."""
    known, _ = split_unknown(rows, config.train.unknown_words)
    ordered = known.assign(weight=weights[known.index]).sort_values(["weight", "clip_id"])
    wanted = min(clips, len(ordered))
    places = [(2 * number + 1) * len(ordered) // (2 * wanted) for number in range(wanted)]
    return ordered.iloc[places]


@dataclass(frozen=True)
class Sample:
    """The small run.

    Attributes
    ----------
    folder
        Its folder; deleted by whoever made it.
    run
        The run that it stands for.
    rows
        Its clips: rows of the clip table, with `weight`.
    """

    folder: Path
    run: Run
    rows: pd.DataFrame

    @property
    def weight(self) -> float:
        """Of all clips together."""
        return float(self.rows["weight"].sum())

    @property
    def own(self) -> Run:
        """The small run itself."""
        return Run(self.config(self.run.config))

    def config(self, config: Config, phases: Mapping[Part, Mapping[str, Any]] | None = None) -> Config:
        """Return a config of the run for the sample, with other keys of its trainings' phases."""
        changed: dict[str, Any] = {
            part: getattr(config.train, part).model_copy(update=dict(keys)) for part, keys in (phases or {}).items()
        }
        return config.model_copy(
            update={
                "output": self.folder,
                "bad_clips": "skip",
                "clips": config.clips.model_copy(update={"shards": 1}),
                "experiments": {},
                "ablation": None,
                "train": config.train.model_copy(update=changed),
            }
        )

    def write_config(self, config: Config, name: str = "config") -> Path:
        """Write a config that `config` returned; return the file."""
        path = self.folder / f"{name}.yaml"
        path.write_text(dump_config(config), encoding="utf-8")
        return path

    def write_tables(self) -> None:
        """Write the clip table of the sample, and that of no clips."""
        files, own = self.run.clip_files, self.own.clip_files
        own.shards.mkdir(parents=True, exist_ok=True)
        for path in (files.classes, files.coverage, files.duplicates, files.leaks, files.notes):
            shutil.copyfile(path, own.folder / path.name)
        self.write_splits(self.roles())
        parts = [
            pd.read_csv(files.shard(name), dtype=str, keep_default_na=False) for name in self.rows["shard"].unique()
        ]
        table = pd.concat(parts, ignore_index=True)
        table = table[table["clip_id"].isin(self.rows["clip_id"])].sort_values("clip_id")
        if NAME_PARTS in table:
            table[NAME_PARTS] = table[NAME_PARTS].fillna("1")
        if source_entry(self.run.config.clips).drawn:
            table = table.assign(video=[str(self.own.avatars(SHARD) / f"{clip}.mp4") for clip in table["clip_id"]])
        table.to_csv(own.shard(SHARD), index=False)
        table.head(0)[list(SHARD_COLUMNS)].to_csv(own.shard(EMPTY), index=False)

    def write_splits(self, splits: Sequence[str]) -> None:
        """Write the clip table with a split for each clip."""
        columns = [column for column in self.rows if column != "weight"]
        rows = self.rows[columns].assign(split=list(splits), shard=SHARD)
        rows.to_csv(self.own.clip_files.clips, index=False)

    def tested(self, clips: int) -> list[str]:
        """Return a split for each clip: test for the first `clips`, of which every other is val, train for the rest."""
        validated = (self.run.clips()["split"] == "val").any()
        turns = ["test", "val" if validated else "test"]
        return [turns[number % 2] if number < clips else "train" for number in range(len(self.rows))]

    def roles(self) -> list[str]:
        """Return a split for each clip: `ROLES`, val only where the run has one."""
        validated = (self.run.clips()["split"] == "val").any()
        turns = [ROLES[number % len(ROLES)] for number in range(len(self.rows))]
        return [split if validated or split != "val" else "train" for split in turns]
