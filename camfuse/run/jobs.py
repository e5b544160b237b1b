"""What every job of the workflow gets: its environment variables, and the GPUs that a training asks for.

And what it says at its end: how much of all cores it used.
"""

import logging
import os
import re
import sys
from pathlib import Path

from camfuse.config import Config
from camfuse.config.computer import Computer

log = logging.getLogger(__name__)

_CPU = re.compile(r"used ([\d.]+) CPU seconds$", re.MULTILINE)


def prepare_jobs(root: Path, *, conda: bool = False) -> None:
    """Let the workflow's jobs find this checkout and this interpreter, or their conda environment's own.

    Parameters
    ----------
    root
        The checkout.
    conda
        Each job has a conda environment: it gets PATH from there, and nothing from the user's site-packages.
    """
    os.environ.update(job_environment(root, conda=conda))


def job_environment(root: Path, *, conda: bool = False) -> dict[str, str]:
    """Return the environment variables that `prepare_jobs` sets, beside those that stay as they are."""
    first = {"PYTHONPATH": str(root)} | ({} if conda else {"PATH": str(Path(sys.executable).parent)})
    before = {name: os.environ.get(name, "") for name in first}
    found = {name: os.pathsep.join(filter(None, [first[name], before[name]])) for name in first}
    if conda:
        found["PYTHONNOUSERSITE"] = "1"
    # keep freed memory: glibc gives each large tensor back and the kernel clears it again, a cost to training on a CPU
    wanted = {"OMP_WAIT_POLICY": "PASSIVE", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000"}
    return found | {name: os.environ.get(name, value) for name, value in wanted.items()}


def training_gpus(config: Config, *, local: bool) -> int:
    """Return how many GPUs a job of training or evaluation reserves.

    Parameters
    ----------
    config
        The run's config.
    local
        Whether the jobs run on this machine. With `machine.device: auto` they then reserve none where there is none:
        trainings would wait for each other for nothing. What the nodes of a cluster have is not known here.
    """
    device = config.machine.device
    none = device == "cpu" or (device == "auto" and local and not Computer.this().gpu)
    return 0 if none else config.machine.devices


def note_cpu_seconds() -> None:
    """Put into the log what this process and its children used of all cores, for `cpu_seconds`.

    Snakemake's benchmark files say it too, but by looks 30 seconds apart, and leave out what came after the last.
    This leaves out Python's own end, which with torch takes a second.
    """
    used = os.times()
    log.info("used %.2f CPU seconds", sum(used[:4]))


def cpu_seconds(path: Path) -> float | None:
    """Return what a job's log says that it used; None where it does not, as of a job that was killed."""
    if not path.is_file():
        return None
    found = _CPU.findall(path.read_text(encoding="utf-8", errors="replace"))
    return float(found[-1]) if found else None
