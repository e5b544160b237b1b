"""An exported model at work in onnxruntime: without torch, and without this package's model code."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from camfuse.data.inputs import Inputs
from camfuse.entries import Package
from camfuse.errors import MissingToolError, WeightsError
from camfuse.predict.enrolled import Added, added_of
from camfuse.predict.facts import ModelFacts
from camfuse.predict.network import Device, in_chunks

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

KEY = "camfuse"
"""Under which the facts stand in the file's metadata, as JSON."""
ADDED = "enrolled"
"""Under which the enrolled words stand in that JSON, if there are any."""
OUTPUT = "logits_"
"""What the names of the outputs begin with; the head's name follows."""
FEATURES = "features"
"""The output of the pooled features (V, D), in a file with enrolled words."""
ONNXRUNTIME = Package("onnxruntime", "pip install onnxruntime")


class OnnxNetwork:
    """A session with the facts that travel with it."""

    def __init__(self, session: "InferenceSession", facts: ModelFacts, added: Added | None = None) -> None:
        self._session = session
        self._facts = facts
        self._added = added

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
        text = session.get_modelmeta().custom_metadata_map.get(KEY)
        return cls(session, read_facts(text, path), read_added(text, path))

    @property
    def facts(self) -> ModelFacts:
        """What travels with it."""
        return self._facts

    @property
    def added(self) -> Added | None:
        """The words that were enrolled, with the space in which they lie."""
        return self._added

    def probabilities(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """Return each head's probabilities (V, C)."""
        names = [one.name for one in self._session.get_outputs() if one.name.startswith(OUTPUT)]
        found = zip(names, self._run(names, inputs), strict=True)
        return {name.removeprefix(OUTPUT): softmax(values) for name, values in found}

    def features(self, inputs: Inputs) -> NDArray[np.float32]:
        """Return the pooled features (V, D), of a file with enrolled words."""
        return self._run([FEATURES], inputs)[0]

    def _run(self, names: list[str], inputs: Inputs) -> list[NDArray[np.float32]]:
        parts = [self._session.run(names, dict(some)) for some in in_chunks(inputs)]
        return [np.concatenate(rows) for rows in zip(*parts, strict=True)]


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


def read_added(text: str | None, path: Path) -> Added | None:
    """Return the enrolled words out of an exported file's metadata; None where there are none.

    Raises
    ------
    WeightsError
        If they are damaged.
    """
    try:
        values = json.loads(text or "{}").get(ADDED)
        return None if values is None else added_of(values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: expected enrolled words, found {error!r}; export it again") from error


def first_line(error: Exception) -> str:
    """Return the beginning of what a library says, which may be pages long."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def softmax(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Return the probabilities (..., C) of logits."""
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True), np.float32)
