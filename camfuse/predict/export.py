"""A trained model as one file to give away: ONNX, or torch's own exported program."""

import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from camfuse.data.inputs import Inputs, clip_inputs
from camfuse.entries import Package
from camfuse.errors import MissingToolError, WeightsError, bullet_list
from camfuse.files import atomic
from camfuse.jpeg import encode_jpeg
from camfuse.model.recogniser import Recogniser
from camfuse.predict.enrolled import Added, EnrolledNetwork, added_beside, added_values
from camfuse.predict.exported import ADDED, FEATURES, KEY, ONNXRUNTIME, OUTPUT, OnnxNetwork
from camfuse.predict.facts import ModelFacts
from camfuse.predict.network import find_checkpoint
from camfuse.predict.torch_network import FACTS, TorchNetwork, TorchProgram
from camfuse.prep.arrays import ClipCrops
from camfuse.skeleton import NUM_KEYPOINTS

Form = Literal["onnx", "torch"]
SUFFIXES: dict[Form, str] = {"onnx": ".onnx", "torch": ".pt2"}
TOLERANCE = 1e-4
"""Largest difference of a probability from the model's own that a file may have."""
_INSTALL = "pip install onnx onnxscript onnxruntime 'protobuf<5'"
"""With a later protobuf MediaPipe does not run."""
PACKAGES = (Package("onnx", _INSTALL), Package("onnxscript", _INSTALL), ONNXRUNTIME)


class _Exportable(nn.Module):
    """A recogniser whose inputs and outputs stand in a fixed order, as export needs them."""

    def __init__(self, model: Recogniser, inputs: Sequence[str], heads: Sequence[str], *, features: bool) -> None:
        super().__init__()
        self.model = model
        self._inputs, self._heads, self._features = tuple(inputs), tuple(heads), features

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Return the logits (V, C) of each head, and after them the features (V, D) if they are asked for."""
        pooled = self.model.features(**dict(zip(self._inputs, given, strict=True)))
        logits = self.model.read(pooled)
        found = tuple(logits[head] for head in self._heads)
        return (*found, torch.cat(list(pooled.values()), 1)) if self._features else found


def export_model(model: Path, output: Path, form: Form) -> float:
    """Write a trained model with all that prediction needs into one file, and compare the file with the model.

    Parameters
    ----------
    model
        A run's folder or a ``best.ckpt``.
    output
        The file to write; its suffix is the form's.
    form
        onnx, for onnxruntime; torch, a `torch.export` program.

    Returns
    -------
    float
        The largest difference of a probability between file and model, on made inputs.

    Raises
    ------
    WeightsError
        If there is no such model, or the file gives other probabilities.
    MissingToolError
        If a package is missing.
    """
    if form == "onnx" and (missing := [f"{one.name}: {one.install}" for one in PACKAGES if one.missing]):
        raise MissingToolError(f"an export to ONNX needs what is not installed\n{bullet_list(missing)}")
    checkpoint = find_checkpoint(model)
    network, added = TorchNetwork.load(checkpoint, "cpu", exact=True), added_beside(checkpoint)
    given = made_inputs(network.facts)
    heads = list(network.facts.heads)
    exportable = _Exportable(network.model.float(), list(given), heads, features=added is not None).eval()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"exported{SUFFIXES[form]}"
        with _quiet():
            _write(exportable, given, network.facts, added, file, form)
        difference = _difference(network, file, given, form)
        if difference > TOLERANCE:
            raise WeightsError(f"the exported file differs from the model by {difference:.1e}, more than {TOLERANCE}")
        with atomic(output) as part:
            shutil.copyfile(file, part)
    return difference


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch from warning of its own exporter and of packages that no model of ours needs."""
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        exporter.setLevel(level)


def made_inputs(facts: ModelFacts, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Return inputs as of a clip of noise, in the model's own shapes."""
    rng = np.random.default_rng(seed)
    frames, size = 2 * facts.config.sampling.pose_frames, facts.config.crops.size
    keypoints = rng.uniform(0, size, (frames, NUM_KEYPOINTS, 3)).astype(np.float32)
    keypoints[..., 2] = rng.uniform(0, 1, keypoints.shape[:2])
    images = [encode_jpeg(rng.integers(0, 256, (size, size, 3), np.uint8), 95) for _ in range(frames)]
    return clip_inputs(facts.config, facts.part, "made", keypoints, ClipCrops(images, keypoints, np.eye(2, 3)))


def _write(model: _Exportable, given: Inputs, facts: ModelFacts, added: Added | None, path: Path, form: Form) -> None:
    few = tuple(torch.from_numpy(values[:2]) for values in _at_least_two(given).values())
    shapes = (tuple({0: torch.export.Dim("samplings", min=1)} for _ in few),)
    enrolled = {} if added is None else {ADDED: added_values(*added)}
    text = json.dumps(facts.values() | {"inputs": _described(given)} | enrolled)
    if form == "torch":
        torch.export.save(torch.export.export(model, few, dynamic_shapes=shapes), path, extra_files={FACTS: text})
        return
    program = torch.onnx.export(
        model,
        few,
        dynamo=True,
        dynamic_shapes=shapes,
        input_names=list(given),
        output_names=[*(f"{OUTPUT}{head}" for head in facts.heads), *([] if added is None else [FEATURES])],
        verbose=False,
    )
    assert program is not None  # it is only where torch.onnx.export writes a file itself
    program.model.metadata_props[KEY] = text
    program.save(path)


def _at_least_two(given: Inputs) -> dict[str, NDArray[Any]]:
    """Return two samplings or more: torch.export takes an axis of one for a fixed one."""
    return {name: np.concatenate([values, values]) for name, values in given.items()}


def _described(given: Inputs) -> dict[str, str]:
    """Say what each input is, for whoever uses the file without this package."""
    return {name: f"{values.dtype} {['samplings', *values.shape[1:]]}" for name, values in given.items()}


def _difference(network: TorchNetwork, path: Path, given: Inputs, form: Form) -> float:
    exported = OnnxNetwork.load(path, "cpu") if form == "onnx" else TorchProgram.load(path, "cpu")
    ours, theirs = network.probabilities(given), exported.probabilities(given)
    if exported.added is not None:
        alone = [EnrolledNetwork(one, *exported.added, only=True).probabilities(given) for one in (network, exported)]
        ours, theirs = ({**heads, **words} for heads, words in zip((ours, theirs), alone, strict=True))
    return max(float(np.abs(values - theirs[head]).max()) for head, values in ours.items())
