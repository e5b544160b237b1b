"""What each rule's jobs cost, by running the very commands of the workflow on a few clips."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from camfuse.config import Config, Part
from camfuse.plan.sample import EMPTY, SHARD, Sample
from camfuse.plan.timing import Timing, timed
from camfuse.run.jobs import job_environment
from camfuse.run.layout import DATA_STAGES
from camfuse.run.stages import STAGES, fingerprint
from camfuse.run.workflow import PACKAGE

PATIENCE = 300.0
"""Seconds that a command may take on the sample."""
TRAINING_PATIENCE = 90.0
EPOCHS, STEPS = 4, 10
"""Of a timed training: what is before the first epoch's end is its start."""
FORWARD = 1 / 3
"""A forward pass, as a share of a training step."""
TEST_SECONDS = 8.0
"""Of a timed test, beside its start."""
FEWEST_TESTED = 2
MOST_SAMPLINGS = 2000
_EPOCH = re.compile(r"^(\S+ \S+) INFO \S+ \w+ epoch \d+/\d+: .* ([\d.e+-]+) clips/s", re.MULTILINE)


@dataclass(frozen=True)
class Cost:
    """What a job takes: `start`, and `each` for every unit of what it does (`Sample.weight`; clips of a test).

    Attributes
    ----------
    start, each
        Seconds.
    cores
        How many it keeps busy.
    memory_mb
        At most.
    disk_start_mb, disk_each_mb
        What it writes.
    note
        Why it was not timed; empty where it was.
    """

    start: float = 0.0
    each: float = 0.0
    cores: float = 1.0
    memory_mb: float = 0.0
    disk_start_mb: float = 0.0
    disk_each_mb: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class TrainingCost:
    """What a training takes.

    Attributes
    ----------
    start
        Seconds before the first epoch, and after the last.
    clip
        Of a step, for each clip.
    saving
        After each epoch, beside the validation.
    cores, memory_mb, disk_mb, note
        As in `Cost`.
    """

    start: float = 0.0
    clip: float = 0.0
    saving: float = 0.0
    cores: float = 1.0
    memory_mb: float = 0.0
    disk_mb: float = 0.0
    note: str = ""

    def epoch(self, clips: int, val_clips: int) -> float:
        """Return the seconds of an epoch, its validation included."""
        return clips * self.clip + val_clips * self.clip * FORWARD + self.saving


@dataclass
class Bench:
    """Times commands on a sample; what one leaves is the next one's input.

    Attributes
    ----------
    sample
        The clips.
    say
        Is told what is timed.
    cpus
        What the rules' jobs ask for; of those that are not there, what the config says.
    """

    sample: Sample
    say: Callable[[str], None]
    cpus: Mapping[str, int] = field(default_factory=dict)
    _trainings: dict[str, TrainingCost] = field(default_factory=dict)

    @cached_property
    def _environment(self) -> Mapping[str, str]:
        return job_environment(PACKAGE.parent)

    def _run(self, words: Iterable[object], *, threads: int, patience: float = PATIENCE) -> Timing:
        command = [sys.executable, "-m", "camfuse", *map(str, words)]
        names = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")  # as Snakemake sets them
        limits = {f"{name}_NUM_THREADS": str(threads) for name in names}
        return timed(command, {**self._environment, **limits}, patience)

    # --------------------------------------------------------------------------------------- data

    def data(self, stages: Iterable[str]) -> dict[str, Cost]:
        """Time the data stages in their order, and draw the videos where they are drawn."""
        self.sample.write_tables()
        config = self.sample.write_config(self.sample.own.config)
        costs: dict[str, Cost] = {}
        wanted = set(stages)
        for stage in ("avatars", *DATA_STAGES):
            if stage in wanted:
                self.say(f"timing {stage} on {len(self.sample.rows)} clips")
                costs[stage] = self._stage(stage, config)
                if costs[stage].note:
                    break
        return costs

    def _stage(self, stage: str, config: Path) -> Cost:
        threads = self.cpus.get(stage, 1)
        empty, whole = (self._run(self._words(stage, config, name), threads=threads) for name in (EMPTY, SHARD))
        if empty.code or whole.code or whole.code is None:
            return Cost(note=_why(whole if whole.code != 0 else empty))
        weight = self.sample.weight
        sizes = [_megabytes(self._output(stage, name)) for name in (EMPTY, SHARD)]
        return Cost(
            start=empty.seconds,
            each=max(whole.seconds - empty.seconds, 0.0) / weight,
            cores=whole.cpu_seconds / whole.seconds,
            memory_mb=max(empty.memory_mb, whole.memory_mb),
            disk_start_mb=sizes[0],
            disk_each_mb=max(sizes[1] - sizes[0], 0.0) / weight,
        )

    def _output(self, stage: str, name: str) -> Path:
        own = self.sample.own
        return own.avatars(name) if stage == "avatars" else own.shard_path(stage, name)

    def _words(self, stage: str, config: Path, name: str) -> list[object]:
        own = self.sample.own
        reads = [above for above in STAGES[stage].stands_on(own.config) if above in DATA_STAGES]
        inputs = [word for above in reads for word in (f"--{above}", own.shard_path(above, name))]
        clips = own.clip_files.shard(name)
        return [stage, "--config", config, "--clips", clips, *inputs, "--output", self._output(stage, name)]

    # --------------------------------------------------------------------------------------- training

    def _timing(self, config: Config, *, compiled: bool = False) -> Config:
        """Return a config whose trainings are short, and the same in all that does not change a step."""
        clips = max(1, self.sample.roles().count("train"))
        steps = max(STEPS, 2 * config.machine.workers)
        phases = {part: getattr(config.train, part) for part in config.model.parts}
        short: dict[Part, dict[str, object]] = {
            part: {"epochs": EPOCHS, "repeat": -(-steps * phase.batch // clips)} for part, phase in phases.items()
        }
        machine = config.machine.model_copy(update={"compile": "on" if compiled else "off"})
        return self.sample.config(config.model_copy(update={"machine": machine, "seed": 1}), short)

    def training(self, part: Part, config: Config, *, compiled: bool) -> TrainingCost:
        """Time some epochs of a training on the device that is there; of those that step alike, one is timed."""
        timing = self._timing(config, compiled=compiled)
        key = fingerprint(f"train_{part}", timing)
        if key not in self._trainings:
            self.say(f"timing the training of {part}")
            # beside the run's own, so that the test finds these
            folder = self.sample.own.training(part).folder
            folder = folder if not folder.exists() else folder.with_name(f"{part}-{key}")
            self._trainings[key] = self._train(part, timing, folder)
        return self._trainings[key]

    def _train(self, part: Part, config: Config, folder: Path) -> TrainingCost:
        file, journal = self.sample.write_config(config, folder.name), folder.with_suffix(".log")
        words = ["train-part", part, "--config", file, "--output", folder, "--log", journal]
        done = self._run(words, threads=self._threads(f"train_{part}", config), patience=TRAINING_PATIENCE)
        said = journal.read_text(encoding="utf-8") if journal.is_file() else ""
        epochs = [Epoch(datetime.fromisoformat(at), float(speed)) for at, speed in _EPOCH.findall(said)]
        if done.code or len(epochs) < 2:
            return TrainingCost(note=_why(done))
        last = epochs[1:]
        clip = done.quiet * sum(1 / epoch.speed for epoch in last) / len(last)
        between = done.quiet * (epochs[-1].end - epochs[0].end).total_seconds() / len(last)
        roles, phase = self.sample.roles(), getattr(config.train, part)
        seen = roles.count("train") * phase.repeat // phase.batch * phase.batch
        validated = roles.count("val") if config.train.validation else 0
        return TrainingCost(
            start=max(done.seconds - between * len(epochs), 0.0) if done.code == 0 else 0.0,
            clip=clip,
            saving=max(between - (seen + validated * FORWARD) * clip, 0.0),
            cores=done.cpu_seconds / done.seconds,
            memory_mb=done.memory_mb,
            disk_mb=_megabytes(folder),
        )

    # --------------------------------------------------------------------------------------- test and report

    def evaluation(self, config: Config, step_of_a_clip: float) -> Cost:
        """Time the test of the trainings that `training` left: of two clips, of more, and of these with more samplings.

        A clip costs once for its frames and by each sampling; the last is told more exactly, by seconds of samplings.

        Parameters
        ----------
        config
            Of the main run.
        step_of_a_clip
            Seconds of a training step for a clip, of all parts together: how many samplings are enough.
        """
        self.say("timing the test")
        own, few, most = config.evaluate.samplings, min(FEWEST_TESTED, len(self.sample.rows)), len(self.sample.rows)
        more = min(max(1, round(TEST_SECONDS / max(step_of_a_clip * FORWARD * most, 1e-3))), MOST_SAMPLINGS)
        asked = ((few, own), (most, own + more), (most, own))
        timed = short, long, whole = [self._test(config, clips, samplings) for clips, samplings in asked]
        if failed := [done for done in timed if done.code != 0]:
            return Cost(note=_why(failed[0]))
        clip = max(long.seconds - whole.seconds, 0.0) / more / most * own
        if most > few:
            clip = max(clip, (whole.seconds - short.seconds) / (most - few))
        return Cost(
            start=max(short.seconds - clip * few, 0.0),
            each=clip,
            cores=long.cpu_seconds / long.seconds,
            memory_mb=whole.memory_mb,  # more samplings than a test has are held at once in the other
            disk_start_mb=_megabytes(self.sample.own.evaluation.folder),
        )

    def _test(self, config: Config, clips: int, samplings: int) -> Timing:
        own = self.sample.own
        self.sample.write_splits(self.sample.tested(clips))
        evaluate = config.evaluate.model_copy(update={"samplings": samplings})
        file = self.sample.write_config(self._timing(config.model_copy(update={"evaluate": evaluate})))
        given = [word for part in config.model.parts for word in (f"--{part}", own.training(part).best)]
        words = ["evaluate", "--config", file, *given, "--output", own.evaluation.folder]
        return self._run(words, threads=self._threads("evaluate", config))

    def _threads(self, rule: str, config: Config) -> int:
        return self.cpus.get(rule, config.machine.threads)

    def report(self) -> Cost:
        """Time the report of the sample, once it is tested."""
        own = self.sample.own
        self.say("timing the report")
        done = self._run(["report", "--config", self.sample.folder / "config.yaml", "--output", own.report], threads=1)
        if done.code != 0:
            return Cost(note=_why(done))
        cores = done.cpu_seconds / done.seconds
        return Cost(done.seconds, cores=cores, memory_mb=done.memory_mb, disk_start_mb=_megabytes(own.report))


@dataclass(frozen=True)
class Epoch:
    """What a training's log says of an epoch: when it ended, and its clips per second."""

    end: datetime
    speed: float


def _why(done: Timing) -> str:
    if done.code is None:
        return f"took longer than {done.seconds:.0f} s on the sample"
    return f"failed on the sample: {done.said.strip().splitlines()[-1] if done.said.strip() else done.code}"


def _megabytes(path: Path) -> float:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sum(one.stat().st_size for one in files) / 1e6
