"""An exported model at work in onnxruntime: without torch, and without this package's model code."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from camfuse.data.inputs import Inputs
from camfuse.entries import Package
from camfuse.errors import MissingToolError, WeightsError
from camfuse.predict.facts import ModelFacts
from camfuse.predict.network import Device, in_chunks

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

KEY = "camfuse"
"""Under which the facts stand in the file's metadata, as JSON."""
OUTPUT = "logits_"
"""What the names of the outputs begin with; the head's name follows."""
ONNXRUNTIME = Package("onnxruntime", "pip install onnxruntime")


class OnnxNetwork:
    """A session with the facts that travel with it."""

    def __init__(self, session: "InferenceSession", facts: ModelFacts) -> None:
        self._session = session
        self._facts = facts

    @classmethod
    def load(cls, path: Path, device: Device = "auto") -> Self:
        """Open a file that `camfuse export` wrote.

        Raises
        ------
        WeightsError
            If it is damaged, or no such file.
        MissingToolError
            If onnxruntime is not installed.
        """
        if ONNXRUNTIME.missing:
            raise MissingToolError(f"{path} needs {ONNXRUNTIME.name}: {ONNXRUNTIME.install}")
        import onnxruntime

        there = onnxruntime.get_available_providers()
        cuda = "CUDAExecutionProvider"
        if device == "cuda" and cuda not in there:
            raise MissingToolError(f"{path}: expected an onnxruntime for GPUs: pip install onnxruntime-gpu")
        providers = [cuda] if device != "cpu" and cuda in there else []
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(str(path), options, [*providers, "CPUExecutionProvider"])
        # its errors have no common class of their own but RuntimeError and Exception
        except Exception as error:
            raise WeightsError(f"{path}: not a whole ONNX file: {first_line(error)}") from error
        return cls(session, read_facts(session.get_modelmeta().custom_metadata_map.get(KEY), path))

    @property
    def facts(self) -> ModelFacts:
        """What travels with it."""
        return self._facts

    def probabilities(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """Return each head's probabilities (V, C)."""
        names = [one.name for one in self._session.get_outputs()]
        parts = [self._session.run(names, dict(some)) for some in in_chunks(inputs)]
        logits = (np.concatenate(rows) for rows in zip(*parts, strict=True))
        return {name.removeprefix(OUTPUT): softmax(values) for name, values in zip(names, logits, strict=True)}


def read_facts(text: str | None, path: Path) -> ModelFacts:
    """Return the facts out of an exported file's metadata.

    Raises
    ------
    WeightsError
        If there are none, or they are of another version.
    """
    if not text:
        raise WeightsError(f"{path}: expected a model of `camfuse export`, found a file without its facts")
    try:
        values = json.loads(text)
        return ModelFacts.from_values(values, path)
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: expected the facts of a model, found {error!r}; export it again") from error


def first_line(error: Exception) -> str:
    """Return the beginning of what a library says, which may be pages long."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def softmax(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Return the probabilities (..., C) of logits."""
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True), np.float32)
