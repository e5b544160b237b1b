"""What a recipe and a forecast know of a machine, without torch."""

import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Self

CPU_FACTS = Path("/proc/cpuinfo")
BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
"""Of a CPU that multiplies in bf16 itself."""
ROOT = Path("/")
GPU_FILES = ("dev/nvidia[0-9]*", "usr/lib/wsl/lib/libcuda*", "usr/lib/wsl/drivers/*/libcuda*")
"""Below the root. Linux under Windows has one device for GPUs of any maker, and this library for NVIDIA's alone."""


@dataclass(frozen=True)
class Computer:
    """A machine.

    Attributes
    ----------
    cores
        That this process may use.
    gpu
        Whether there is an NVIDIA GPU, and torch, if it is installed here, is not a build for CPUs.
    """

    cores: int
    gpu: bool

    @classmethod
    def this(cls) -> Self:
        """Look at this one; whether torch's CUDA fits the GPU's driver is not known here."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return cls(cores, has_nvidia_gpu() and not _torch_is_for_cpus())


def has_nvidia_gpu() -> bool:
    """Return whether this machine has an NVIDIA GPU, by what its driver has put there."""
    return any(True for pattern in GPU_FILES for _ in ROOT.glob(pattern))


def _torch_is_for_cpus() -> bool:
    try:
        return version("torch").endswith("+cpu")
    except PackageNotFoundError:  # the trainings may have an environment of their own
        return False


def cpu_computes_bf16() -> bool:
    """Return whether this machine's CPU multiplies in bf16 itself; False where the system is not Linux on x86."""
    try:
        with CPU_FACTS.open(encoding="utf-8") as lines:
            flags = next((line.split() for line in lines if line.startswith("flags")), [])
    except OSError:
        return False
    return not BF16_FLAGS.isdisjoint(flags)
