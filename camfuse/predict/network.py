"""A model of any make as prediction sees it: facts, and inputs to probabilities."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from camfuse.data.inputs import Inputs
from camfuse.entries import Package
from camfuse.errors import MissingToolError, WeightsError
from camfuse.predict.facts import ModelFacts
from camfuse.run.experiments import KINDS, Experiment, Plan
from camfuse.run.layout import Run, TrainingFiles

Device = Literal["auto", "cpu", "cuda"]
"""Where a model runs; auto: on a GPU where there is one."""

TORCH = Package("torch", "pip install torch, or take an .onnx of `camfuse export`, which does without")
AT_ONCE = 16_000_000
"""Bytes of input that a network takes at once: one sampling at the paper's size, several of a small model."""


EXPORTED = (".onnx", ".pt2")
"""How the names of exported models end."""


class Network(Protocol):
    """A trained model, in torch or exported."""

    @property
    def facts(self) -> ModelFacts:
        """What travels with it."""
        ...

    def probabilities(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """Return each head's probabilities (V, C) of the V samplings of one clip."""
        ...


def in_chunks(inputs: Inputs) -> Iterator[Inputs]:
    """Yield a few samplings at a time, so that memory does not grow with V."""
    samplings = len(next(iter(inputs.values())))
    at_once = max(1, AT_ONCE * samplings // sum(values.nbytes for values in inputs.values()))
    for first in range(0, samplings, at_once):
        yield {name: values[first : first + at_once] for name, values in inputs.items()}


def open_network(path: Path, device: Device = "auto", *, only_enrolled: bool = False) -> Network:
    """Open a run's folder or a ``best.ckpt``, with the words enrolled beside it, or a file of `camfuse export`.

    Parameters
    ----------
    path
        Of a run's or an experiment's folder the fused model is taken, or where there is none the last part that was
        trained.
    device
        Where it shall run.
    only_enrolled
        Whether the words that it was trained on are left out of the answers.

    Raises
    ------
    WeightsError
        If there is no such file, or no model in it, or none of the words that are asked for.
    ConfigError
        If the device is not there.
    MissingToolError
        If a package is missing that the file needs.
    """
    path = find_model(path)
    if path.suffix.lower() != ".onnx" and TORCH.missing:
        raise MissingToolError(f"{path} needs {TORCH.name}, which is not installed: {TORCH.install}")
    if path.suffix.lower() in EXPORTED:
        return _open_exported(path, device, only_enrolled)
    from camfuse.predict.enrolled import with_enrolled
    from camfuse.predict.torch_network import TorchNetwork

    return with_enrolled(TorchNetwork.load(path, device), path, only=only_enrolled)


def _open_exported(path: Path, device: Device, only_enrolled: bool) -> Network:
    from camfuse.predict.enrolled import with_added

    if path.suffix.lower() == ".onnx":
        from camfuse.predict.exported import OnnxNetwork

        exported = OnnxNetwork.load(path, device)
        return with_added(exported, exported.added, path, only=only_enrolled)
    from camfuse.predict.torch_network import TorchProgram

    program = TorchProgram.load(path, device)
    return with_added(program, program.added, path, only=only_enrolled)


def find_model(path: Path) -> Path:
    """Return the checkpoint of a run's folder or of a training's, or the file itself.

    Raises
    ------
    WeightsError
        If there is none.
    """
    if path.is_dir():
        path = _best_of(path)
    if not path.is_file():
        raise WeightsError(f"{path}: expected a run's folder, a best.ckpt or an exported file, found nothing")
    return path


def find_checkpoint(path: Path) -> Path:
    """Return the checkpoint of a run's folder or of a training's, or the file itself.

    Raises
    ------
    WeightsError
        If there is none, or it is a file of `camfuse export`.
    """
    found = find_model(path)
    if found.suffix.lower() in EXPORTED:
        raise WeightsError(f"{path}: expected a run's folder or a best.ckpt, found a model that is exported already")
    return found


def _best_of(folder: Path) -> Path:
    if (folder / "best.ckpt").is_file():
        return folder / "best.ckpt"
    if not (folder / "config.yaml").is_file():
        raise WeightsError(f"{folder}: expected a run's folder with its config.yaml, or one with a best.ckpt in it")
    # a training that the model has no longer may still lie there
    trained = [training.best for training in _trainings(folder)]
    for best in trained:
        if best.is_file():
            return best
    raise WeightsError(f"{folder}: expected a trained model ({trained[0]}), found none; run the workflow to its end")


def _trainings(folder: Path) -> list[TrainingFiles]:
    """Return the trainings of a run's folder, the fused model's first; those of an experiment lie with its main run."""
    own = _experiment(folder.resolve())
    if own is not None:
        return [training.files for training in own.trainings.values()][::-1]
    run = Run.from_folder(folder)
    return [run.training(part) for part in reversed(run.config.model.parts)]


def _experiment(folder: Path) -> Experiment | None:
    """Return the experiment, or the cell of an ablation, that has this folder; None where it is a run of its own."""
    main, kind = folder.parent.parent, next((kind for kind in KINDS if kind == folder.parent.name), None)
    if kind is None or not (main / "config.yaml").is_file():
        return None
    named = Plan(Run.from_folder(main).config).of(kind)
    return next((one for one in named if one.name == folder.name), None)
