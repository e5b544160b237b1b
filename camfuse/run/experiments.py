"""Several runs on one set of shards: the config's `experiments`, and the matrix of its `ablation`.

Both are the same thing, a name and what it changes of the main run. A training is known by its fingerprint, so that
those that are the same (one RGB stream under two fusion modes, say) are one training, whoever asks for it: the main
run's lie in ``train/<part>``, all others in ``experiments/train/<part>/<fingerprint>``. Renaming, reordering or
removing experiments therefore trains nothing again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from camfuse.config import Config, FusionStage, Part, change
from camfuse.run.layout import DATA_STAGES, DataStage, EvaluationFiles, Run, TrainingFiles
from camfuse.run.stages import fingerprint

Kind = Literal["experiments", "ablation"]
KINDS: tuple[Kind, ...] = ("experiments", "ablation")
MAIN = "main"


@dataclass(frozen=True)
class Training:
    """One training of one part.

    Attributes
    ----------
    part
        A stream, or fusion.
    config
        A config that it is trained under: of all that share it, the first one's.
    files
        What it leaves.
    """

    part: Part
    config: Config
    files: TrainingFiles

    @property
    def folder(self) -> Path:
        """Its folder."""
        return self.files.folder

    @property
    def inputs(self) -> tuple[DataStage, ...]:
        """The data stages whose shards it reads."""
        return Run(self.config).inputs(self.part)


@dataclass(frozen=True)
class Experiment:
    """One run: its trainings and their test.

    Attributes
    ----------
    name
        Unique among its kind.
    changes
        What it changes of the main run's config, nested.
    config
        The main run's config with these changes.
    files
        Its results: those of the run that has the same, or its own.
    trainings
        By part; only those that it needs.
    """

    name: str
    changes: Mapping[str, Any]
    config: Config
    files: EvaluationFiles
    trainings: Mapping[Part, Training]

    @property
    def fingerprint(self) -> str:
        """Of its evaluation."""
        return fingerprint("evaluate", self.config)

    @property
    def folder(self) -> Path:
        """Where its results lie."""
        return self.files.folder

    @property
    def results(self) -> Path:
        """Its ``results.json``."""
        return self.files.results


@dataclass(frozen=True)
class Plan:
    """All runs of a config, and the trainings that they share.

    Raises
    ------
    ConfigError
        On first use, if the matrix holds settings that do not go together.
    """

    config: Config

    @property
    def run(self) -> Run:
        """The main run's files."""
        return Run(self.config)

    @cached_property
    def main(self) -> Experiment:
        """The main run."""
        return self._experiment(MAIN, {}, self.run.evaluation)

    @cached_property
    def experiments(self) -> tuple[Experiment, ...]:
        """The config's experiments, in its order."""
        given = ((name, overrides.given()) for name, overrides in self.config.experiments.items())
        return tuple(self._named("experiments", name, changes) for name, changes in given)

    @cached_property
    def ablation(self) -> tuple[Experiment, ...]:
        """The cells of the matrix, seed by seed; none without an `ablation` in the config."""
        return tuple(self._named("ablation", *cell) for cell in self._cells())

    @cached_property
    def trainings(self) -> Mapping[tuple[Part, str], Training]:
        """All trainings beside the main run's, by part and fingerprint."""
        own = {training.files for training in self.main.trainings.values()}
        found: dict[tuple[Part, str], Training] = {}
        for experiment in (*self.experiments, *self.ablation):
            for part, training in experiment.trainings.items():
                if training.files not in own:
                    found.setdefault((part, training.files.folder.name), training)
        return found

    @property
    def all_trainings(self) -> tuple[Training, ...]:
        """The main run's trainings, then the others."""
        return (*self.main.trainings.values(), *self.trainings.values())

    @property
    def data_stages(self) -> tuple[DataStage, ...]:
        """The data stages that some run needs: those that a training reads, and what leads to them."""
        last = max(DATA_STAGES.index(stage) for training in self.all_trainings for stage in training.inputs)
        return DATA_STAGES[: last + 1]

    def of(self, kind: Kind) -> tuple[Experiment, ...]:
        """Return the experiments, or the cells of the matrix."""
        return self.experiments if kind == "experiments" else self.ablation

    def training(self, part: Part, config: Config) -> Training:
        """Return the training of a part that a run with `config` uses."""
        own, wanted = (fingerprint(f"train_{part}", one) for one in (self.config, config))
        files = self.run.training(part) if wanted == own else self.run.shared_training(part, wanted)
        return Training(part, config, files)

    def _cells(self) -> Iterator[tuple[str, dict[str, Any], tuple[Part, ...] | None]]:
        matrix = self.config.ablation
        if matrix is None:
            return
        fusion = self.config.model.fusion
        stages = matrix.stages or (() if fusion is None else (fusion.stages,))
        for seed in matrix.seeds:
            if "fused" not in matrix.streams:
                alone = tuple(p for p in self.config.model.streams if p in matrix.streams or "late" in matrix.streams)
                yield f"streams-seed{seed}", {"seed": seed}, alone
                continue
            for mode in matrix.modes:
                for places in (None,) if mode == "none" else stages:
                    changed = {"mode": mode} | ({} if places is None else {"stages": list(places)})
                    name = "-".join([mode, *_joined(places), f"seed{seed}"])
                    yield name, {"seed": seed, "model": {"fusion": changed}}, None

    def _named(
        self, kind: Kind, name: str, changes: dict[str, Any], parts: tuple[Part, ...] | None = None
    ) -> Experiment:
        return self._experiment(name, changes, self.run.experiment(kind, name), parts)

    def _experiment(
        self, name: str, changes: dict[str, Any], files: EvaluationFiles, parts: tuple[Part, ...] | None = None
    ) -> Experiment:
        config = change(self.config, changes, name)
        same = fingerprint("evaluate", config) == fingerprint("evaluate", self.config)
        return Experiment(
            name,
            changes,
            config,
            self.run.evaluation if same else files,
            {part: self.training(part, config) for part in parts or config.model.parts},
        )


def _joined(stages: tuple[FusionStage, ...] | None) -> list[str]:
    return [] if stages is None else ["+".join(stages) or "nowhere"]
