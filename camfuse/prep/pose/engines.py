"""What runs a network that lies in an ONNX file: onnxruntime or OpenVINO. Images in, arrays out, whichever it is.

`camfuse.prep.pose.mmpose.torch_engine` adds torch itself, for networks that MMPose and MMDetection build.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from camfuse.config.estimators import EngineKind
from camfuse.errors import ConfigError, MissingToolError, WeightsError

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Device = Literal["cpu", "cuda"]

STREAMS = 4
"""Images that OpenVINO runs side by side at most; each holds its own memory."""
REASON = 300
"""Characters of another package's message that are passed on."""


class Engine(Protocol):
    """Runs a network on normalised images (B, 3, H, W)."""

    def __call__(self, images: Floats) -> tuple[Floats, ...]:
        """Return the network's outputs, each (B, ...)."""
        ...


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

    kind: EngineKind
    precision: Literal["f32", "bf16"]
    device: Device
    threads: int
    exported: Path


def choose_device(wanted: Literal["auto", "cpu", "cuda"], kind: EngineKind, *, gpu: bool) -> Device:
    """Return where an engine runs.

    Parameters
    ----------
    gpu
        Whether the engine's package sees a GPU.

    Raises
    ------
    ConfigError
        If the config wants a GPU for OpenVINO, or one that is not seen.
    """
    if kind == "openvino":
        if wanted == "cuda":
            raise ConfigError("engine openvino runs on the CPU; expected machine.device auto or cpu")
        return "cpu"
    if wanted == "cuda" and not gpu:
        package = {"torch": "torch finds no GPU here", "onnx": "this onnxruntime has no CUDA (onnxruntime-gpu has)"}
        raise ConfigError(f"machine.device: cuda: {package[kind]}; expected auto or cpu")
    return "cuda" if gpu and wanted != "cpu" else "cpu"


def onnx_has_cuda() -> bool:
    """Whether the onnxruntime that is installed, if any, was built for GPUs."""
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return False
    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def open_onnx(network: Path | bytes, size: tuple[int, int], settings: EngineSettings) -> "OnnxEngine | OpenvinoEngine":
    """Get an ONNX network ready to run by `settings.kind`: onnx or openvino.

    Parameters
    ----------
    network
        The file or its content; one input of images.
    size
        Height and width of its images.
    settings
        How to run it.

    Raises
    ------
    MissingToolError
        If the engine's package is not installed.
    WeightsError
        If it is no ONNX network, or not one for images of this size.
    """
    return (OnnxEngine if settings.kind == "onnx" else OpenvinoEngine)(network, size, settings)


class OnnxEngine:
    """Runs an ONNX network by onnxruntime, in f32."""

    def __init__(self, network: Path | bytes, size: tuple[int, int], settings: EngineSettings) -> None:
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise MissingToolError("engine onnx needs the package onnxruntime: make rtmlib or make mmpose") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings.threads
        providers = ["CUDAExecutionProvider"] if settings.device == "cuda" else []
        source = network if isinstance(network, bytes) else str(network)
        if providers and hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()  # CUDA's libraries, where they are pip's packages
        problems = onnxruntime.capi.onnxruntime_pybind11_state
        unreadable = (problems.Fail, problems.InvalidProtobuf, problems.InvalidGraph, problems.NotImplemented)
        try:
            session = onnxruntime.InferenceSession(source, options, [*providers, "CPUExecutionProvider"])
        except unreadable as error:
            raise WeightsError(f"onnxruntime cannot load the network: {str(error)[:REASON]}") from error
        if providers and session.get_providers()[:1] != providers:
            log.warning("onnxruntime could not start on the GPU (its own message says why); it runs on the CPU")
        self._session = session
        self._input = _only_input([(one.name, one.shape) for one in session.get_inputs()], size)
        self._one_by_one = session.get_inputs()[0].shape[0] == 1

    def __call__(self, images: Floats) -> tuple[Floats, ...]:
        """Run one batch."""
        if self._one_by_one:
            return tuple(np.concatenate(rows) for rows in zip(*self.each(images), strict=True))
        return tuple(self._session.run(None, {self._input: images}))

    def each(self, images: Floats) -> list[tuple[Floats, ...]]:
        """Run images one by one: outputs (1, ...) of each, which need not be of one size."""
        return [tuple(self._session.run(None, {self._input: image[None]})) for image in images]


class OpenvinoEngine:
    """Runs an ONNX network by OpenVINO on the CPU: single images side by side, which costs less than sharing each."""

    def __init__(self, network: Path | bytes, size: tuple[int, int], settings: EngineSettings) -> None:
        try:
            import openvino
        except ModuleNotFoundError as error:
            raise MissingToolError("engine openvino needs the package openvino: make rtmlib or make mmpose") from error
        core = openvino.Core()
        try:
            model = core.read_model(network)
            _only_input([(one.any_name, _sides(one.partial_shape)) for one in model.inputs], size)
            model.reshape([1, 3, *size])
        except RuntimeError as error:
            raise WeightsError(f"OpenVINO cannot load the network: {str(error)[:REASON]}") from error
        streams = min(settings.threads, STREAMS)
        options = {
            "INFERENCE_PRECISION_HINT": settings.precision,
            "INFERENCE_NUM_THREADS": settings.threads,
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": streams,
        }
        self._queue = openvino.AsyncInferQueue(core.compile_model(model, "CPU", options), streams)

    def __call__(self, images: Floats) -> tuple[Floats, ...]:
        """Run one batch."""
        return tuple(np.concatenate(rows) for rows in zip(*self.each(images), strict=True))

    def each(self, images: Floats) -> list[tuple[Floats, ...]]:
        """Run images side by side: outputs (1, ...) of each, which need not be of one size."""
        rows: list[tuple[Floats, ...]] = [()] * len(images)

        def keep(request: Any, number: int) -> None:
            rows[number] = tuple(output.data.copy() for output in request.output_tensors)

        self._queue.set_callback(keep)
        for number, image in enumerate(images):
            self._queue.start_async({0: image[None]}, number)
        self._queue.wait_all()
        return rows


def _sides(shape: Any) -> list[int | None]:
    return [side.get_length() if side.is_static else None for side in shape]


def _only_input(inputs: list[tuple[str, list[Any]]], size: tuple[int, int]) -> str:
    """Return the name of the network's input; sides that the file leaves open are no ints."""
    wanted = (3, *size)
    if len(inputs) == 1 and len(inputs[0][1]) == 4:
        pairs = zip(inputs[0][1][1:], wanted, strict=True)
        if all(not isinstance(have, int) or have == want for have, want in pairs):
            return inputs[0][0]
    found = ", ".join(f"{name} {shape}" for name, shape in inputs)
    raise WeightsError(f"expected a network with one input (B, {', '.join(map(str, wanted))}), found {found}")
