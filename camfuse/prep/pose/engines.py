"""What runs a network: torch, onnxruntime or OpenVINO. Pictures in, maps out, whichever it is.

The two others get the network from torch as an ONNX file, exported once and kept under a name that holds the hash of
its weights.
"""

import logging
import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from camfuse.errors import ConfigError, MissingToolError
from camfuse.stage import atomic

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Engine = Callable[[Floats], tuple[Floats, ...]]
"""Maps normalised pictures (B, 3, H, W) to the network's outputs, each (B, C, h, w)."""

OPSET = 17
STREAMS = 4
"""Pictures that OpenVINO runs side by side at most; each holds its own memory."""


@dataclass(frozen=True)
class EngineSettings:
    """How a network is run.

    Attributes
    ----------
    kind
        What runs it.
    precision
        Arithmetic of its convolutions.
    device
        Where torch and onnxruntime run it; OpenVINO is for the CPU.
    threads
        CPU threads.
    exported
        Folder of exported networks.
    """

    kind: Literal["torch", "onnx", "openvino"]
    precision: Literal["f32", "bf16"]
    device: Literal["cpu", "cuda"]
    threads: int
    exported: Path


def choose_device(wanted: Literal["auto", "cpu", "cuda"], kind: str) -> Literal["cpu", "cuda"]:
    """Return where an engine runs.

    Raises
    ------
    ConfigError
        If the config wants a GPU for OpenVINO, or one that torch does not see.
    """
    if kind == "openvino":
        if wanted == "cuda":
            raise ConfigError("pose.mmpose.engine openvino runs on the CPU; expected machine.device auto or cpu")
        return "cpu"
    found = torch.cuda.is_available()
    if wanted == "cuda" and not found:
        raise ConfigError("machine.device: cuda: torch finds no GPU here; expected auto or cpu")
    return "cuda" if found and wanted != "cpu" else "cpu"


def make_engine(network: torch.nn.Module, name: str, size: tuple[int, int], settings: EngineSettings) -> Engine:
    """Get a network ready to run.

    Parameters
    ----------
    network
        In eval mode, on the CPU; maps (B, 3, H, W) to a tuple of maps.
    name
        Name of the network and its weights, unique to them.
    size
        Height and width of its pictures.
    settings
        How to run it.

    Raises
    ------
    MissingToolError
        If the engine's package is not installed.
    """
    if settings.kind == "torch":
        return TorchEngine(network, settings)
    path = export(network, settings.exported / f"{name}.onnx", size)
    return OnnxEngine(path, settings) if settings.kind == "onnx" else OpenvinoEngine(path, size, settings)


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
            input_names=["pictures"],
            output_names=outputs,
            dynamic_axes={axis: {0: "batch"} for axis in ["pictures", *outputs]},
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

    def __call__(self, pictures: Floats) -> tuple[Floats, ...]:
        """Run one batch."""
        with torch.inference_mode(), self._arithmetic():
            batch = torch.from_numpy(pictures).to(self._device, memory_format=self._layout)
            return tuple(output.float().cpu().numpy() for output in self._network(batch))

    def _arithmetic(self) -> Any:
        return torch.autocast(self._device, torch.bfloat16) if self._half else nullcontext()


class OnnxEngine:
    """Runs an ONNX file by onnxruntime, in f32."""

    def __init__(self, path: Path, settings: EngineSettings) -> None:
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise MissingToolError("pose.mmpose.engine onnx needs the package onnxruntime: make hrnet") from error
        gpu = settings.device == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers()
        if settings.device == "cuda" and not gpu:
            log.warning("onnxruntime here has no CUDA (that is the package onnxruntime-gpu); it runs on the CPU")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings.threads
        providers = ["CUDAExecutionProvider"] if gpu else []
        self._session = onnxruntime.InferenceSession(str(path), options, [*providers, "CPUExecutionProvider"])

    def __call__(self, pictures: Floats) -> tuple[Floats, ...]:
        """Run one batch."""
        return tuple(self._session.run(None, {"pictures": pictures}))


class OpenvinoEngine:
    """Runs an ONNX file by OpenVINO on the CPU: single pictures side by side, which costs less than sharing each."""

    def __init__(self, path: Path, size: tuple[int, int], settings: EngineSettings) -> None:
        try:
            import openvino
        except ModuleNotFoundError as error:
            raise MissingToolError("pose.mmpose.engine openvino needs the package openvino: make hrnet") from error
        core = openvino.Core()
        model = core.read_model(path)
        model.reshape([1, 3, *size])
        streams = min(settings.threads, STREAMS)
        options = {
            "INFERENCE_PRECISION_HINT": settings.precision,
            "INFERENCE_NUM_THREADS": settings.threads,
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": streams,
        }
        self._queue = openvino.AsyncInferQueue(core.compile_model(model, "CPU", options), streams)

    def __call__(self, pictures: Floats) -> tuple[Floats, ...]:
        """Run one batch."""
        rows: list[tuple[Floats, ...]] = [()] * len(pictures)

        def keep(request: Any, number: int) -> None:
            rows[number] = tuple(output.data.copy() for output in request.output_tensors)

        self._queue.set_callback(keep)
        for number, picture in enumerate(pictures):
            self._queue.start_async({0: picture[None]}, number)
        self._queue.wait_all()
        return tuple(np.concatenate(maps) for maps in zip(*rows, strict=True))
