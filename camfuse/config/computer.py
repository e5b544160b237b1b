"""What a recipe and a forecast know of a machine, without torch."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

CPU_FACTS = Path("/proc/cpuinfo")
BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
"""Of a CPU that multiplies in bf16 itself."""
GPU_FILES = ("/dev/nvidia0", "/dev/dxg")


@dataclass(frozen=True)
class Computer:
    """A machine.

    Attributes
    ----------
    cores
        That this process may use.
    gpu
        Whether there is an NVIDIA GPU.
    bf16
        Whether its CPU multiplies in bf16 itself.
    """

    cores: int
    gpu: bool
    bf16: bool = False

    @classmethod
    def this(cls) -> Self:
        """Look at this one; whether torch can use the GPU is not known here."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return cls(cores, any(Path(device).exists() for device in GPU_FILES), cpu_computes_bf16())


def cpu_computes_bf16() -> bool:
    """Return whether this machine's CPU multiplies in bf16 itself; False where the system is not Linux on x86."""
    try:
        with CPU_FACTS.open(encoding="utf-8") as lines:
            flags = next((line.split() for line in lines if line.startswith("flags")), [])
    except OSError:
        return False
    return not BF16_FLAGS.isdisjoint(flags)
