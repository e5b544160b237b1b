"""What `camfuse plan` foretells of a run, as it lies in the run's folder, and beside it what the run then took.

The truth is what Snakemake's benchmark files, and the jobs' own logs, say of the jobs that were foretold and are done
since.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import pandas as pd

from camfuse.errors import TableError
from camfuse.files import is_newer, write_text
from camfuse.run.jobs import cpu_seconds
from camfuse.run.layout import Run

BENCHMARK = ("s", "max_rss")
"""The columns of a benchmark file that are compared: seconds, MB. Its CPU time misses what came after the last look."""


@dataclass(frozen=True)
class JobForecast:
    """One job of the workflow.

    Attributes
    ----------
    name
        Its rule, or ``rule/shard``: its benchmark file's name.
    seconds, cpu_seconds
        From its begin to its end among the jobs beside it, and of all cores.
    """

    name: str
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class RuleForecast:
    """The jobs of one rule.

    Attributes
    ----------
    rule
        Its name.
    jobs
        Those that a run would start now.
    cpus, memory_mb, minutes, gpus
        What each asks for, at most; 0 where it asks for nothing.
    used_mb
        Most memory of a job, MB.
    disk_mb
        What the jobs write, MB.
    epochs, epoch_seconds
        Of a training; 0 for other rules.
    note
        What is to be said, such as why it was not timed.
    """

    rule: str
    jobs: tuple[JobForecast, ...]
    cpus: int = 1
    memory_mb: int = 0
    minutes: int = 0
    gpus: int = 0
    used_mb: float = 0.0
    disk_mb: float = 0.0
    epochs: int = 0
    epoch_seconds: float = 0.0
    note: str = ""

    @property
    def seconds(self) -> float:
        """Of all jobs, one after the other."""
        return sum(job.seconds for job in self.jobs)

    @property
    def cpu_seconds(self) -> float:
        """Of all jobs, over all cores."""
        return sum(job.cpu_seconds for job in self.jobs)


@dataclass(frozen=True)
class Forecast:
    """What a run of the whole workflow would take from here.

    Attributes
    ----------
    made
        When it was made, seconds since 1970.
    cores
        CPU cores that it counts with; on a cluster, jobs at the same time.
    device
        What trainings and tests run on.
    clips, sampled
        Clips of the table, and those that were timed.
    start_seconds
        Of the workflow's start: clip table and plan.
    seconds
        From beginning to end.
    rules
        In the order of the workflow.
    profile
        The workflow profile that it was made for, or empty.
    state
        The clips and settings that it was made for, see `state_of`.
    """

    made: float
    cores: int
    device: str
    clips: int
    sampled: int
    start_seconds: float
    seconds: float
    rules: tuple[RuleForecast, ...]
    profile: str = ""
    state: str = ""

    @property
    def disk_mb(self) -> float:
        """What the jobs write, MB."""
        return sum(rule.disk_mb for rule in self.rules)

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the forecast that `text` wrote."""
        rules = tuple(
            RuleForecast(**one | {"jobs": tuple(JobForecast(**job) for job in one["jobs"])}) for one in values["rules"]
        )
        return cls(**{**values, "rules": rules})


def state_of(run: Run) -> str:
    """Return what tells a run from the same run with other clips or settings: 16 hexadecimal digits."""
    table = run.clip_files.clips
    rows = table.read_bytes() if table.is_file() else b""
    return hashlib.sha256(run.fingerprint("evaluate").encode() + rows).hexdigest()[:16]


def write_forecast(run: Run, forecast: Forecast) -> None:
    """Put a forecast into the run's folder, for when the run is done."""
    write_text(run.forecast, forecast.text())


def read_forecast(run: Run) -> Forecast | None:
    """Return the forecast in the run's folder; None where there is none.

    Raises
    ------
    TableError
        If the file is damaged.
    """
    if not run.forecast.is_file():
        return None
    try:
        return Forecast.of(json.loads(run.forecast.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        problem = f"expected a forecast of `camfuse plan`, found: {error}; delete it or plan again"
        raise TableError(run.forecast, [problem]) from error


# ------------------------------------------------------------------------------------------- forecast and truth


@dataclass(frozen=True)
class Compared:
    """The jobs of a rule that were foretold and are done since: the forecast, and what it came to.

    Attributes
    ----------
    rule
        Its name; empty for the whole.
    jobs
        How many of them.
    seconds, cpu_seconds, memory_mb
        (forecast, truth); memory is a job's most. The true CPU seconds are None where a job's log does not say them.
    """

    rule: str
    jobs: int
    seconds: tuple[float, float]
    cpu_seconds: tuple[float, float | None]
    memory_mb: tuple[float, float]

    @property
    def ratio(self) -> float | None:
        """Return the forecast CPU seconds over the true ones: what other programs on the machine change least."""
        forecast, truth = self.cpu_seconds
        return None if truth is None else forecast / max(truth, 0.01)


@dataclass(frozen=True)
class Comparison:
    """A forecast beside the truth.

    Attributes
    ----------
    rows
        A rule each; empty where nothing can be compared.
    note
        Why not, where there is a forecast that no longer fits; else empty.
    """

    rows: tuple[Compared, ...] = ()
    note: str = ""


def compare(run: Run) -> Comparison:
    """Set the forecast of a run beside what its jobs took.

    Once clips or settings have changed, some jobs have run for the old ones and some for the new: that tells nothing.

    Raises
    ------
    TableError
        If the forecast, or a benchmark file, is damaged.
    """
    forecast = read_forecast(run)
    if forecast is None:
        return Comparison()
    if forecast.state != state_of(run):
        why = "clips or settings have changed since"
        return Comparison(note=f"The forecast, made for {forecast.clips:,} clips, is not compared: {why}.")
    rows = []
    for rule in forecast.rules:
        done = [(job, found) for job in rule.jobs if (found := _truth(run, job.name, forecast.made)) is not None]
        if done:
            rows.append(_compared(run, rule, done))
    return Comparison(tuple(rows))


def _compared(run: Run, rule: RuleForecast, done: Sequence[tuple[JobForecast, Mapping[str, float]]]) -> Compared:
    used = [cpu_seconds(run.log(job.name)) for job, _ in done]
    known = [seconds for seconds in used if seconds is not None]
    return Compared(
        rule.rule,
        len(done),
        (sum(job.seconds for job, _ in done), sum(found["s"] for _, found in done)),
        (sum(job.cpu_seconds for job, _ in done), sum(known) if len(known) == len(done) else None),
        (rule.used_mb, max(found["max_rss"] for _, found in done)),
    )


def _truth(run: Run, name: str, since: float) -> Mapping[str, float] | None:
    path = run.benchmark(name)
    if not is_newer(path, since):
        return None
    try:
        row = pd.read_csv(path, sep="\t", na_values=["-"]).iloc[0]
        return {column: 0.0 if pd.isna(row[column]) else float(row[column]) for column in BENCHMARK}
    except (ValueError, LookupError) as error:
        raise TableError(path, [f"expected one of Snakemake's benchmark files, found: {error}"]) from error


def comparison_text(comparison: Comparison) -> str:
    """Return the comparison as a table of text, or why there is none; empty where there was no forecast."""
    if not comparison.rows:
        return comparison.note
    lines = [
        f"{'forecast and truth':18} {'jobs':>5} {'seconds':>17} {'CPU seconds':>17} {'memory MB':>15} {'ratio':>6}"
    ]
    for row in comparison.rows:
        seconds, cpu, memory = (
            f"{first:,.0f} / {'-' if second is None else f'{second:,.0f}'}"
            for first, second in (row.seconds, row.cpu_seconds, row.memory_mb)
        )
        ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
        lines.append(f"{row.rule:18} {row.jobs:>5} {seconds:>17} {cpu:>17} {memory:>15} {ratio:>6}")
    pairs = [(first, second) for row in comparison.rows for first, second in [row.cpu_seconds] if second is not None]
    if pairs:
        first, second = (sum(side) for side in zip(*pairs, strict=True))
        lines.append(f"together {first:,.0f} / {second:,.0f} CPU seconds, ratio {first / max(second, 0.01):.2f}")
    return "\n".join(lines)
