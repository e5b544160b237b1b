"""Where a recogniser runs and in which arithmetic, the same in training, test and prediction."""

import logging
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Literal

import torch

from camfuse.config import Config
from camfuse.config.computer import cpu_computes_bf16
from camfuse.errors import ConfigError
from camfuse.model.recogniser import Recogniser

log = logging.getLogger(__name__)
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
TYPES: dict[Precision, torch.dtype] = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
"""What autocast computes in."""


def pick_device(config: Config) -> Literal["cpu", "cuda"]:
    """Return where training and evaluation run.

    Raises
    ------
    ConfigError
        If the config asks for GPUs that torch does not see.
    """
    wanted, devices = config.machine.device, config.machine.devices
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "cpu" or (wanted == "auto" and not found):
        return "cpu"
    if found < devices:
        raise ConfigError(f"machine: expected {devices} CUDA device(s), found {found}; set machine.device: cpu")
    return "cuda"


def set_tf32(config: Config) -> None:
    """Allow or forbid TF32 as the config says, and log it: a peer's training died of it silently."""
    allowed = config.train.tf32
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed
    wanted, found = config.train.precision, precision_on(config, pick_device(config))
    shown = f"{found} (auto: what this machine is fast in)" if wanted == "auto" else found
    log.info("tf32 %s, precision %s", "on" if allowed else "off", shown)


def precision_on(config: Config, kind: str) -> Precision:
    """Return what `train.precision` comes to on a kind of device, ``cpu`` or ``cuda``."""
    wanted = config.train.precision
    if wanted != "auto":
        return wanted
    return "bf16-mixed" if computes_bf16(kind) else "32-true"


@lru_cache
def computes_bf16(kind: str) -> bool:
    """Return whether this machine's ``cpu`` or ``cuda`` multiplies in bf16 itself; elsewhere it is emulated."""
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return cpu_computes_bf16()


def arithmetic(config: Config, device: torch.device) -> AbstractContextManager[object]:
    """Return the context of `train.precision`, as Lightning has it, for what runs without Lightning."""
    dtype = TYPES.get(precision_on(config, device.type))
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype)


def to_memory_format(model: Recogniser, config: Config, kind: str) -> Recogniser:
    """Return the model with the memory layout that its arithmetic on a kind of device is fast in.

    Channels last for 16 bits (on a CPU 1.1 to 1.4, on an H200 1.7 times as fast), torch's own for float32.
    """
    dtype = TYPES.get(precision_on(config, kind))
    return model if dtype is None else channels_last(model, dtype)


def channels_last(model: Recogniser, dtype: torch.dtype) -> Recogniser:
    """Return the model laid out for 16 bits: channels last in the weights that span frames; it stays float32.

    Parameters
    ----------
    model
        Any part; it is changed.
    dtype
        What autocast computes in on a GPU.
    """
    model.gpu_type = dtype
    # not `model.to(memory_format=...)`: that refuses the sequence stream's convolutions, which have fewer axes
    for parameter in model.parameters():
        if parameter.dim() == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
    return model
