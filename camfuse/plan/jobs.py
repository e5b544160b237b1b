"""The jobs that a run would start now, as Snakemake's own dry run names them: what is there already is no job."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from camfuse.errors import CamfuseError, ConfigError
from camfuse.run.layout import Run
from camfuse.run.workflow import snakemake_command

_RULE = re.compile(r"(?:local)?rule (\w+):$")
_FIELD = re.compile(r"    (\w+): (.*)$")
GROUPING = ("all", "data")
"""Rules that do nothing."""


@dataclass(frozen=True)
class Job:
    """A job that the workflow would start.

    Attributes
    ----------
    rule
        Its rule.
    name
        Its rule, or ``rule/shard``: the name of its benchmark file.
    shard
        Its shard, or the fingerprint of its training; empty where it has none.
    needs
        Names of the jobs that must be done before it.
    cpus, memory_mb, minutes, gpus
        What it asks for; 0 where it asks for nothing.
    """

    rule: str
    name: str
    shard: str = ""
    needs: tuple[str, ...] = ()
    cpus: int = 1
    memory_mb: int = 0
    minutes: int = 0
    gpus: int = 0


@dataclass(frozen=True)
class DryRun:
    """What Snakemake would do, and how long it took to find out: the workflow's start, hashing left out."""

    jobs: tuple[Job, ...]
    seconds: float


def dry_run(run: Run, config: Path, cores: int, targets: Sequence[str] = (), profile: Path | None = None) -> DryRun:
    """Ask Snakemake which jobs it would start.

    Parameters
    ----------
    run
        The run, whose clip table is there.
    config
        The file of its config.
    cores
        CPU cores of the machine, or jobs at the same time on a cluster.
    targets
        What to make; left out, everything.
    profile
        Folder of a workflow profile.

    Raises
    ------
    ConfigError
        If there is no such profile.
    CamfuseError
        With what Snakemake says, if it refuses.
    MissingToolError
        If Snakemake is not installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = ["--dry-run", "--nocolor", "--nolock", "--ignore-incomplete"]
        if profile is not None:
            (Path(folder) / "config.yaml").write_text(yaml.safe_dump(plain_profile(profile)), encoding="utf-8")
            options.append(f"--workflow-profile={folder}")
        command = snakemake_command(config, cores, [*options, *targets])
        began = time.perf_counter()
        env = {**os.environ, "COLUMNS": "200"}
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=env)
        seconds = time.perf_counter() - began
    _, refused, problem = done.stderr.partition("ERROR: ")
    if done.returncode == 2 and refused:  # the workflow's own words (`refuse` in workflow/rules/common.smk)
        raise CamfuseError(problem.strip())
    if done.returncode:
        raise CamfuseError(f"Snakemake refuses the plan:\n{(done.stderr or done.stdout).strip()}")
    return DryRun(read_jobs(f"{done.stdout}\n{done.stderr}", run.benchmarks), seconds)


def plain_profile(folder: Path) -> dict[str, Any]:
    """Return the settings of a workflow profile without its executor, which need not be installed to plan.

    Raises
    ------
    ConfigError
        If the folder has no ``config.yaml``, or that is no mapping.
    """
    file = folder / "config.yaml"
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"--workflow-profile: expected a folder with config.yaml, found {file}: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{file}: expected settings of Snakemake, found {type(values).__name__}")
    own = f"{values.get('executor', 'executor')}-"
    return {key: value for key, value in values.items() if key != "executor" and not str(key).startswith(own)}


def read_jobs(text: str, benchmarks: Path) -> tuple[Job, ...]:
    """Return the jobs of a dry run's text, those that do nothing left out.

    Parameters
    ----------
    text
        What ``snakemake --dry-run`` printed.
    benchmarks
        The run's folder of benchmark files, by which a job is named.
    """
    found: list[tuple[str, dict[str, str]]] = []
    for line in text.splitlines():
        if rule := _RULE.match(line):
            found.append((rule[1], {}))
        elif found and (field := _FIELD.match(line)):
            found[-1][1].setdefault(field[1], field[2])
    named = [(rule, fields, _name(rule, fields, benchmarks)) for rule, fields in found if rule not in GROUPING]
    makes = {path: name for _, fields, name in named for path in _paths(fields, "output")}
    return tuple(_job(rule, fields, name, makes) for rule, fields, name in named)


def _name(rule: str, fields: Mapping[str, str], benchmarks: Path) -> str:
    path = fields.get("benchmark", "")
    return path.removeprefix(f"{benchmarks}/").removesuffix(".tsv") if path else rule


def _paths(fields: Mapping[str, str], key: str) -> list[str]:
    return fields[key].split(", ") if fields.get(key) else []


def _job(rule: str, fields: Mapping[str, str], name: str, makes: Mapping[str, str]) -> Job:
    asked = dict(pair.split("=", 1) for pair in fields.get("resources", "").split(", ") if "=" in pair)
    number = {key: int(asked.get(key, "0")) if asked.get(key, "0").isdecimal() else 0 for key in asked}
    wildcards = dict(pair.split("=", 1) for pair in fields.get("wildcards", "").split(", ") if "=" in pair)
    needs = dict.fromkeys(makes[path] for path in _paths(fields, "input") if path in makes)
    return Job(
        rule,
        name,
        shard=wildcards.get("shard") or wildcards.get("training") or "",
        needs=tuple(needs),
        cpus=int(fields.get("threads", "1")),
        memory_mb=number.get("mem_mb", 0),
        minutes=number.get("runtime", 0),
        gpus=number.get("gpu", 0),
    )
