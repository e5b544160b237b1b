"""Where every file of a run lies, and how it is opened: the one place that spells a path or picks a fingerprint.

::

    <output>/config.yaml                     the resolved config
    <output>/clips/                          the clip table (`camfuse.clips.files.ClipFiles`)
    <output>/<stage>/<shard>.h5              frames, pose, crops, heatmaps
    <output>/train/<part>/                   `TrainingFiles`
    <output>/evaluate/                       `EvaluationFiles`
    <output>/experiments/, ablation/         further runs on the same shards (`camfuse.run.experiments`)
    <output>/report/index.html
    <output>/plan.json                       what `camfuse plan` foretold
    <output>/logs/, benchmarks/              by rule
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import pandas as pd

from camfuse.clips.files import ClipFiles
from camfuse.clips.table import read_classes, read_clips, shard_names, shard_of
from camfuse.config import Config, Part, load_config
from camfuse.errors import ShardError
from camfuse.run.shard import LeftOut, Shard
from camfuse.run.stages import fingerprint

DataStage = Literal["frames", "pose", "crops", "heatmaps"]
DATA_STAGES: tuple[DataStage, ...] = ("frames", "pose", "crops", "heatmaps")
"""In the order of the data's way."""
INPUTS: Mapping[Part, DataStage] = {"rgb": "crops", "pose": "heatmaps", "sequence": "pose"}
"""The stage whose shards a stream reads; `Run.inputs` says it of every part."""


@dataclass(frozen=True)
class TrainingFiles:
    """What a training leaves in its folder."""

    folder: Path

    @property
    def best(self) -> Path:
        """The kept epoch's checkpoint, with all that prediction needs; written at the very end."""
        return self.folder / "best.ckpt"

    @property
    def last(self) -> Path:
        """The state that a stopped training resumes from."""
        return self.folder / "last.ckpt"

    @property
    def before_last(self) -> Path:
        """The state before `last`, for when that one is damaged; a finished training has none."""
        return self.folder / "before_last.ckpt"

    @property
    def best_so_far(self) -> Path:
        """The state of the best epoch until now; belongs to `last`."""
        return self.folder / "best_so_far.ckpt"

    @property
    def begun(self) -> bool:
        """Whether there is anything that was trained: the kept epoch, or a state to resume from."""
        return any(path.is_file() for path in (self.best, self.last, self.before_last, self.best_so_far))

    @property
    def curves(self) -> Path:
        """A row per epoch, split and head."""
        return self.folder / "curves.csv"

    @property
    def summary(self) -> Path:
        """Which epoch was kept, its numbers, time, versions."""
        return self.folder / "summary.json"

    @property
    def logs(self) -> Path:
        """TensorBoard's and Lightning's own logs."""
        return self.folder / "logs"


@dataclass(frozen=True)
class EvaluationFiles:
    """What a test leaves in its folder."""

    folder: Path

    @property
    def results(self) -> Path:
        """The result table and under what it was made."""
        return self.folder / "results.json"

    @property
    def table(self) -> Path:
        """The rows of the result table alone."""
        return self.folder / "results.csv"

    @property
    def predictions(self) -> Path:
        """A line per clip."""
        return self.folder / "predictions.csv"

    @property
    def confusion(self) -> Path:
        """Counts of true class by predicted class."""
        return self.folder / "confusion.csv"

    @property
    def probabilities(self) -> Path:
        """All probabilities."""
        return self.folder / "probabilities.npz"


@dataclass(frozen=True)
class Run:
    """A run: its config, and by that all its files.

    Attributes
    ----------
    config
        The resolved config. An experiment's run has the config with its changes, and shares clips and shards.
    """

    config: Config

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Return the run that lies in a folder, wherever it was moved to.

        Raises
        ------
        ConfigError
            If the folder has no ``config.yaml`` of this version.
        """
        return cls(load_config(folder / "config.yaml").model_copy(update={"output": folder}))

    @property
    def output(self) -> Path:
        """The run's folder."""
        return self.config.output

    @property
    def config_file(self) -> Path:
        """The resolved config."""
        return self.output / "config.yaml"

    @property
    def clip_files(self) -> ClipFiles:
        """The files of the clip table."""
        return ClipFiles(self.output / "clips")

    @property
    def report(self) -> Path:
        """The HTML page."""
        return self.output / "report" / "index.html"

    @property
    def forecast(self) -> Path:
        """What `camfuse plan` foretold."""
        return self.output / "plan.json"

    @property
    def experiments(self) -> Path:
        """The table of the config's experiments, side by side."""
        return self.output / "experiments" / "results.csv"

    @property
    def ablation(self) -> Path:
        """The ablation's table."""
        return self.output / "ablation" / "ablation.csv"

    @property
    def benchmarks(self) -> Path:
        """Folder of Snakemake's benchmark files."""
        return self.output / "benchmarks"

    @property
    def evaluation(self) -> EvaluationFiles:
        """The files of the run's own test."""
        return EvaluationFiles(self.output / "evaluate")

    def training(self, part: Part) -> TrainingFiles:
        """Return the files of one of the run's own trainings."""
        return TrainingFiles(self.output / "train" / part)

    @property
    def shared_trainings(self) -> Path:
        """Folder of the trainings that only experiments need."""
        return self.output / "experiments" / "train"

    def shared_training(self, part: Part, fingerprint: str) -> TrainingFiles:
        """Return the files of a training that only experiments need; those with the same fingerprint share it."""
        return TrainingFiles(self.shared_trainings / part / fingerprint)

    def experiment(self, kind: str, name: str) -> EvaluationFiles:
        """Return the files of the test of an experiment, or of a cell of the ablation."""
        return EvaluationFiles(self.output / kind / name / "evaluate")

    def avatars(self, name: str) -> Path:
        """Return the folder of a shard's drawn videos."""
        return self.output / "avatars" / name

    @property
    def logs(self) -> Path:
        """The folder of the jobs' logs."""
        return self.output / "logs"

    def log(self, rule: str) -> Path:
        """Return the log of a rule, or with ``rule/shard`` of one of its jobs."""
        return self.logs / f"{rule}.log"

    def benchmark(self, rule: str) -> Path:
        """Return Snakemake's benchmark file likewise."""
        return self.benchmarks / f"{rule}.tsv"

    def fingerprint(self, stage: str) -> str:
        """Return a stage's fingerprint."""
        return fingerprint(stage, self.config)

    # ------------------------------------------------------------------------------------------- clips

    def clips(self) -> pd.DataFrame:
        """Read the clip table, as `camfuse.clips.table.read_clips` does.

        Raises
        ------
        TableError
            If it is missing or damaged.
        """
        return read_clips(self.clip_files.clips)

    def classes(self) -> tuple[str, ...]:
        """Read the label of each class index.

        Raises
        ------
        TableError
            If ``classes.csv`` is missing or damaged.
        """
        return read_classes(self.clip_files.classes)

    # ------------------------------------------------------------------------------------------- shards

    def inputs(self, part: Part = "fusion") -> tuple[DataStage, ...]:
        """Return the stages whose shards a part reads: a stream its own, `fusion` those of all streams."""
        return tuple(INPUTS[stream] for stream in self.config.model.streams_of(part))

    @cached_property
    def shard_names(self) -> list[str]:
        """Names of all shards."""
        return shard_names(self.config.clips.shards)

    def shard_of(self, clip_id: str) -> str:
        """Return the name of the clip's shard."""
        return shard_of(clip_id, self.config.clips.shards)

    def shard_path(self, stage: str, name: str) -> Path:
        """Return the file of a data stage's shard."""
        return self.output / stage / f"{name}.h5"

    def shard(self, stage: str, name: str) -> Shard:
        """Open a shard of this run.

        Parameters
        ----------
        stage
            The data stage.
        name
            Of the shard.

        Raises
        ------
        ShardError
            If the file is missing, damaged or of another stage.
        StaleShardError
            If it was made with other settings.
        """
        return Shard(self.shard_path(stage, name), stage=stage, fingerprint=self.fingerprint(stage))

    def shards(self, stage: str) -> Iterator[Shard]:
        """Open each shard of a stage that is on disk, in the order of their names.

        Raises
        ------
        ShardError, StaleShardError
            As `shard`.
        """
        for name in self.shard_names:
            if self.shard_path(stage, name).exists():
                yield self.shard(stage, name)

    def left_out(self, part: Part = "fusion") -> dict[str, LeftOut]:
        """Return which clips of the table have no data for a part, and why.

        Raises
        ------
        ShardError
            If a shard is missing, or knows nothing of a clip of the table.
        """
        found: dict[str, LeftOut] = {}
        for name, rows in self.clips().groupby("shard"):
            for stage in self.inputs(part):
                with self.shard(stage, str(name)) as shard:
                    found |= shard.left_out_of(rows["clip_id"])
        return found


def check_complete(run: Run, part: Part = "fusion") -> list[str]:
    """Return what is missing or stale of the shards that a part reads, one problem each; empty where nothing is.

    Raises
    ------
    TableError
        If there is no clip table.
    """
    problems = []
    for name in sorted(run.clips()["shard"].unique()):
        for stage in run.inputs(part):
            try:
                run.shard(stage, name).close()
            except ShardError as error:
                problems.append(str(error))
    return problems
