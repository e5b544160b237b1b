"""Torch as an engine, and its networks exported for the two others.

The others get the network as an ONNX file, exported once and kept under a name that holds the hash of its weights.
"""

import logging
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import torch

from camfuse.config.estimators import EngineKind
from camfuse.files import atomic
from camfuse.prep.pose.engines import (
    Device,
    Engine,
    EngineSettings,
    Floats,
    choose_device,
    onnx_has_cuda,
    open_onnx,
)

log = logging.getLogger(__name__)

OPSET = 17


def find_device(wanted: Literal["auto", "cpu", "cuda"], kind: EngineKind) -> Device:
    """Return where an engine runs on this machine; raises as `choose_device` does."""
    return choose_device(wanted, kind, gpu=torch.cuda.is_available() if kind == "torch" else onnx_has_cuda())


def make_engine(network: torch.nn.Module, name: str, size: tuple[int, int], settings: EngineSettings) -> Engine:
    """Get a network ready to run.

    Parameters
    ----------
    network
        In eval mode, on the CPU; maps (B, 3, H, W) to a tuple of maps.
    name
        Name of the network and its weights, unique to them.
    size
        Height and width of its images.
    settings
        How to run it.

    Raises
    ------
    MissingToolError
        If the engine's package is not installed.
    """
    if settings.kind == "torch":
        return TorchEngine(network, settings)
    return open_onnx(export(network, settings.exported / f"{name}.onnx", size), size, settings)


def export(network: torch.nn.Module, path: Path, size: tuple[int, int]) -> Path:
    """Write a network as ONNX with a free batch size, unless `path` is there already."""
    if path.exists():
        return path
    log.info("exporting %s", path)
    example = torch.zeros(1, 3, *size)
    with torch.inference_mode():
        outputs = [f"output{number}" for number in range(len(network(example)))]
    with atomic(path, f"{os.getpid()}.part") as part, torch.no_grad():
        torch.onnx.export(
            network,
            (example,),
            str(part),
            opset_version=OPSET,
            input_names=["images"],
            output_names=outputs,
            dynamic_axes={axis: {0: "batch"} for axis in ["images", *outputs]},
            dynamo=False,  # the newer exporter needs onnxscript, and gains nothing for convolutions
        )
    return path


class TorchEngine:
    """Runs the network where and as it was built; on a GPU or in bf16 with channels last."""

    def __init__(self, network: torch.nn.Module, settings: EngineSettings) -> None:
        self._device = settings.device
        self._half = settings.precision == "bf16"
        self._layout = torch.channels_last if self._half or settings.device == "cuda" else torch.contiguous_format
        self._network = network.to(self._device).to(memory_format=self._layout)  # type: ignore[call-overload]
        torch.set_num_threads(settings.threads)

    def __call__(self, images: Floats) -> tuple[Floats, ...]:
        """Run one batch."""
        with torch.inference_mode(), self._arithmetic():
            batch = torch.from_numpy(images).to(self._device, memory_format=self._layout)
            return tuple(output.float().cpu().numpy() for output in self._network(batch))

    def _arithmetic(self) -> Any:
        return torch.autocast(self._device, torch.bfloat16) if self._half else nullcontext()
