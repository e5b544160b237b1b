"""The forecast of a run: its jobs, what each costs on this machine, and when each would run."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from camfuse.clips.table import read_shard_clips, split_unknown
from camfuse.config import Config, Part
from camfuse.errors import ConfigError
from camfuse.plan.jobs import DryRun, Job, dry_run
from camfuse.plan.measure import Bench, Cost, TrainingCost
from camfuse.plan.sample import Sample, choose, weigh
from camfuse.plan.schedule import Load, schedule
from camfuse.prep.clipwise import finished_clips
from camfuse.run.experiments import Plan
from camfuse.run.forecast import Forecast, JobForecast, RuleForecast, state_of
from camfuse.run.layout import DATA_STAGES, Run
from camfuse.run.stages import STAGES

SECONDS_OF_THE_REST = 3.0
"""A job that only writes a table: mostly Python's start."""
UNLIMITED = 10_000
"""GPUs where nothing says how many there are."""


@dataclass(frozen=True)
class Wanted:
    """What is asked of a plan.

    Attributes
    ----------
    config
        The file of the run's config.
    cores
        CPU cores of the machine; with a profile, jobs at the same time.
    targets
        What to make; left out, everything.
    profile
        Folder of a workflow profile.
    clips
        How many are timed.
    """

    config: Path
    cores: int
    targets: tuple[str, ...] = ()
    profile: Path | None = None
    clips: int = 8


def make_forecast(run: Run, wanted: Wanted, say: Callable[[str], None]) -> Forecast:
    """Time a few clips, and foretell what the run will take from where it is.

    Nothing of the run's own files is written; the sample lies beside them and is deleted at the end.

    Parameters
    ----------
    run
        The run, whose clip table is there and whose config has its recipe.
    wanted
        What is asked.
    say
        Is told what is done.

    Raises
    ------
    ConfigError, CamfuseError, MissingToolError
        As `dry_run`.
    """
    say("asking Snakemake what there is to do")
    found = dry_run(run, wanted.config, wanted.cores, wanted.targets, wanted.profile)
    rows = run.clips()
    weights = weigh(run, rows)
    with tempfile.TemporaryDirectory(prefix=".plan-", dir=run.output) as folder:
        cpus = {job.rule: job.cpus for job in found.jobs}
        sample = Sample(Path(folder), run, choose(rows, weights, wanted.clips, run.config))
        return _Forecaster(run, wanted, found, rows, weights, Bench(sample, say, cpus)).forecast()


@dataclass
class _Forecaster:
    run: Run
    wanted: Wanted
    found: DryRun
    rows: pd.DataFrame
    weights: "pd.Series[float]"
    bench: Bench

    def forecast(self) -> Forecast:
        jobs, made = self.found.jobs, time.time()
        loads = {job.name: self._load(job) for job in jobs}
        cores, limited = self.wanted.cores, self.wanted.profile is None
        gpus = max((job.gpus for job in jobs), default=0) if limited else UNLIMITED
        times = schedule(jobs, loads, cores if limited else sum(job.cpus for job in jobs) + 1, max(1, gpus))
        rules = tuple(self._rule(rule, loads, times.jobs) for rule in dict.fromkeys(job.rule for job in jobs))
        return Forecast(
            made=made,
            cores=cores,
            device=_device(self.run.config),
            clips=len(self.rows),
            sampled=len(self.bench.sample.rows),
            start_seconds=self.found.seconds,
            seconds=self.found.seconds + times.seconds,
            rules=rules,
            profile=str(self.wanted.profile or ""),
            state=state_of(self.run),
        )

    def _rule(self, rule: str, loads: Mapping[str, Load], times: Mapping[str, float]) -> RuleForecast:
        jobs = [job for job in self.found.jobs if job.rule == rule]
        training = self._training(jobs[0])
        epochs = self._epochs(jobs[0])
        cost = self._cost(jobs[0])
        used, note = (training.memory_mb, training.note) if training else (cost.memory_mb, cost.note)
        each = [training.disk_mb if training else self._disk(job) for job in jobs]
        return RuleForecast(
            rule=rule,
            jobs=tuple(JobForecast(job.name, times[job.name], loads[job.name].cpu_seconds) for job in jobs),
            cpus=max(job.cpus for job in jobs),
            memory_mb=max(job.memory_mb for job in jobs),
            minutes=max(job.minutes for job in jobs),
            gpus=max(job.gpus for job in jobs),
            used_mb=used,
            disk_mb=sum(each),
            epochs=epochs,
            epoch_seconds=self._epoch_seconds(jobs[0]) if training else 0.0,
            note=note,
        )

    # --------------------------------------------------------------------------------------- costs

    def _load(self, job: Job) -> Load:
        if training := self._training(job):
            seconds = training.start + self._epochs(job) * self._epoch_seconds(job)
            return Load(seconds, seconds * training.cores)
        cost = self._cost(job)
        seconds = cost.start + cost.each * self._amount(job)
        return Load(seconds, seconds * cost.cores)

    def _disk(self, job: Job) -> float:
        cost = self._cost(job)
        return cost.disk_start_mb + cost.disk_each_mb * self._amount(job)

    def _cost(self, job: Job) -> Cost:
        if job.rule in self._data:
            return self._data[job.rule]
        if job.rule in DATA_STAGES or job.rule == "avatars":
            return Cost(note="not timed: a stage before it was not")
        if job.rule.removeprefix("experiment_") == "evaluate":
            return self._evaluation
        if job.rule == "report":
            return self._report
        return Cost(start=SECONDS_OF_THE_REST, note="not timed")

    def _amount(self, job: Job) -> float:
        """Return how much of what its cost is counted in a job has to do."""
        if job.rule.removeprefix("experiment_") == "evaluate":
            return float(self.rows["split"].isin(("val", "test")).sum())
        if job.rule not in self._data:
            return 0.0
        there = self._finished(job)
        own = self.rows[(self.rows["shard"] == job.shard) & ~self.rows["clip_id"].isin(list(there))]
        return float(self.weights[own.index].sum())

    def _finished(self, job: Job) -> set[str]:
        """Return the clips that an interrupted or an earlier job left finished."""
        if job.rule not in DATA_STAGES:
            return set()
        clips = read_shard_clips(self.run.clip_files.shard(job.shard))
        return finished_clips(job.rule, self.run.config, self.run.shard_path(job.rule, job.shard), clips)

    @cached_property
    def _data(self) -> Mapping[str, Cost]:
        rules = {job.rule for job in self.found.jobs}
        stages = rules & {"avatars", *DATA_STAGES}
        if any(_part(rule) or rule.endswith("evaluate") for rule in rules):
            stages |= set(self.run.inputs())
        return self.bench.data(_with_upstream(stages, self.run.config))

    @cached_property
    def _unready(self) -> str:
        """Why no training of the sample can begin; empty where one can."""
        return next((cost.note for cost in self._data.values() if cost.note), "")

    # --------------------------------------------------------------------------------------- trainings

    def _config(self, job: Job) -> Config:
        part = _part(job.rule)
        found = self._others.get((part, job.shard)) if part else None
        return found if found is not None else self.run.config

    @cached_property
    def _others(self) -> Mapping[tuple[Part, str], Config]:
        return {key: training.config for key, training in Plan(self.run.config).trainings.items()}

    def _training(self, job: Job) -> TrainingCost | None:
        part = _part(job.rule)
        return self._cost_of(part, self._config(job)) if part else None

    def _cost_of(self, part: Part, config: Config) -> TrainingCost:
        if self._unready:
            return TrainingCost(note=f"not timed: {self._unready}")
        from camfuse.model.compiled import compiles  # torch

        phase = getattr(config.train, part)
        seen = self._clips("train", config) * phase.repeat * phase.epochs
        return self.bench.training(part, config, compiled=compiles(config, seen))

    def _clips(self, split: str, config: Config) -> int:
        known, _ = split_unknown(self.rows, config.train.unknown_words)
        return int((known["split"] == split).sum())

    def _epochs(self, job: Job) -> int:
        part = _part(job.rule)
        return int(getattr(self._config(job).train, part).epochs) if part else 0

    def _epoch_seconds(self, job: Job) -> float:
        part, config = _part(job.rule), self._config(job)
        if part is None:
            return 0.0
        phase, processes = getattr(config.train, part), config.machine.devices * config.machine.nodes
        step = phase.batch * processes
        clips = max(1, self._clips("train", config) * phase.repeat // step) * step
        val = self._clips("val", config) if config.train.validation else 0
        return self._cost_of(part, config).epoch(clips, val)

    @cached_property
    def _evaluation(self) -> Cost:
        config = self.run.config
        costs = [self._cost_of(part, config) for part in config.model.parts]
        if notes := [cost.note for cost in costs if cost.note]:
            return Cost(note=f"not timed: {notes[0]}")
        return self.bench.evaluation(config, sum(cost.clip for cost in costs))

    @cached_property
    def _report(self) -> Cost:
        if self._evaluation.note:
            return Cost(start=SECONDS_OF_THE_REST, note="not timed: the test was not")
        return self.bench.report()


def _part(rule: str) -> Part | None:
    """Return what a rule trains, if it trains."""
    for prefix in ("train_", "experiment_"):
        name = rule.removeprefix(prefix)
        if name != rule and f"train_{name}" in STAGES:
            return name  # type: ignore[return-value]
    return None


def _with_upstream(stages: set[str], config: Config) -> set[str]:
    found = set(stages)
    for stage in stages:
        found |= _with_upstream(set(STAGES[stage].stands_on(config)), config)
    return found if config.clips.fingerspelling is not None else found - {"avatars"}


def _device(config: Config) -> str:
    from camfuse.model.device import pick_device  # torch

    try:
        return pick_device(config)
    except ConfigError as error:
        return f"none: {error}"


def limits(forecast: Forecast, output: Path) -> Iterator[str]:
    """Say where jobs would need more than they ask for, and whether the disk has room."""
    for rule in forecast.rules:
        longest = max((job.seconds for job in rule.jobs), default=0.0)
        if rule.minutes and longest > rule.minutes * 60:
            yield (
                f"{rule.rule}: a job would take {longest / 60:.0f} minutes and asks for {rule.minutes}: more shards "
                f"(clips.shards), or --set-resources {rule.rule}:runtime={-(-longest * 1.5 // 60):.0f}"
            )
        if rule.memory_mb and rule.used_mb > rule.memory_mb:
            yield f"{rule.rule}: a job would use {rule.used_mb:,.0f} MB and asks for {rule.memory_mb:,}"
    free = shutil.disk_usage(output).free / 1e6
    if forecast.disk_mb > free:
        yield f"disk: the run writes {forecast.disk_mb:,.0f} MB, and {free:,.0f} MB are free on the disk of {output}"


def untimed(rules: Sequence[RuleForecast]) -> list[str]:
    """Return the rules that were not timed, with the reason."""
    return [f"{rule.rule}: {rule.note}" for rule in rules if rule.note]
