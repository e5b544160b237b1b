"""What the machine has: Python, cores, memory, disk, ffmpeg."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from camfuse import __version__
from camfuse.config.computer import Computer
from camfuse.doctor.finding import Finding
from camfuse.errors import MissingToolError
from camfuse.ffmpeg_tool import ffmpeg_version, find_ffmpeg, has_filters

OLDEST, NEWEST = (3, 11), (3, 13)
GIGABYTE = 1e9
LITTLE_DISK, LITTLE_MEMORY, LITTLE_SHARED = 5 * GIGABYTE, 4 * GIGABYTE, 0.5 * GIGABYTE
SHARED = Path("/dev/shm")  # nosec B108
"""Where loaders hand over their tensors; it is only measured."""


def check_machine(output: Path) -> Iterator[Finding]:
    """Look at what every run needs of the machine.

    Parameters
    ----------
    output
        Where results go; it need not be there yet.
    """
    yield _python()
    yield Finding("ok", "camfuse", f"{__version__}, {Path(__file__).parents[1]}")
    yield _cores()
    yield _disk(output)
    if SHARED.is_dir():
        yield _shared_memory(shutil.disk_usage(SHARED).total)
    yield from _ffmpeg()


def _python() -> Finding:
    found = f"{platform.python_version()}, {sys.executable}"
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        remedy = "make PYTHON=python3.11 VENV=.venv311 demo: another Python is not tested"
        return Finding("note", "Python", found, remedy)
    return Finding("ok", "Python", found)


def _cores() -> Finding:
    computer = Computer.this()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    text = f"{computer.cores} CPU cores, {memory / GIGABYTE:.0f} GB of memory"
    if 0 < memory < LITTLE_MEMORY:
        return Finding("note", "machine", text, "a job of poses takes up to 6 GB: run with --cores 1")
    return Finding("ok", "machine", text)


def _disk(output: Path) -> Finding:
    there = next(folder for folder in (output.absolute(), *output.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    text = f"{free / GIGABYTE:.0f} GB free for {output}"
    if not os.access(there, os.W_OK):
        return Finding("missing", "disk", f"{there} cannot be written", "choose another `output`")
    if free < LITTLE_DISK:
        return Finding("note", "disk", text, "make room, or choose another `output`: frames and heatmaps take the most")
    return Finding("ok", "disk", text)


def _shared_memory(size: float) -> Finding:
    text = f"{size / GIGABYTE:.1f} GB in {SHARED}"
    if size < LITTLE_SHARED:
        return Finding("note", "shared memory", text, "in a container: docker run --shm-size=8g, or machine.workers: 0")
    return Finding("ok", "shared memory", text)


def _ffmpeg() -> Iterator[Finding]:
    try:
        version, place = ffmpeg_version(), find_ffmpeg()
    except MissingToolError as error:
        yield Finding("missing", "ffmpeg", str(error), "pip install imageio-ffmpeg, or apt-get install ffmpeg")
        return
    yield Finding("ok", "ffmpeg", f"{version}, {place}")
    if not has_filters("zscale", "tonemap"):
        yield Finding(
            "note", "ffmpeg filters", "no zscale: HDR video comes out washed out", "an ffmpeg built with zimg"
        )
