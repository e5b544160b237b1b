"""A checkpoint at work, in torch."""

import logging
import zipfile
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from camfuse.config import Config
from camfuse.data.inputs import Inputs
from camfuse.errors import WeightsError
from camfuse.model.checkpoint import Checkpoint
from camfuse.model.device import arithmetic, pick_device, to_memory_format
from camfuse.model.recogniser import Recogniser
from camfuse.predict.calibration import Calibration
from camfuse.predict.checked_program import checked_program
from camfuse.predict.enrolled import Added
from camfuse.predict.exported import first_line, read_added, read_facts
from camfuse.predict.facts import ModelFacts
from camfuse.predict.network import Device, in_chunks

FACTS = "camfuse.json"
"""The file of the facts inside a file of torch.export."""


class TorchNetwork:
    """A recogniser with the facts that travel with it.

    Parameters
    ----------
    model
        The recogniser.
    facts
        What travels with it.
    device
        Where it computes.
    exact
        Compute in float32, whatever `train.precision` says.
    """

    def __init__(self, model: Recogniser, facts: ModelFacts, device: torch.device, *, exact: bool = False) -> None:
        train = facts.config.train.model_copy(update={"precision": "32-true"} if exact else {})
        self._config = facts.config.model_copy(update={"train": train})
        self._model = to_memory_format(model, self._config, device.type).to(device)
        self._facts = facts
        self._device = device

    @classmethod
    def load(cls, path: Path, device: Device, *, exact: bool = False) -> Self:
        """Read a checkpoint, and the calibration beside it.

        Raises
        ------
        WeightsError
            If the file is no such checkpoint, or of another version.
        ConfigError
            If the device is not there.
        """
        found = Checkpoint.load(path)
        calibration = Calibration.beside(path)
        facts = ModelFacts.of(found.part, found.classes, found.config, found.fingerprint, calibration)
        return cls(found.recogniser(), facts, _device(facts.config, device), exact=exact)

    @property
    def facts(self) -> ModelFacts:
        """What travels with it."""
        return self._facts

    @property
    def model(self) -> Recogniser:
        """The recogniser itself."""
        return self._model

    @torch.inference_mode()
    def probabilities(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """Return each head's probabilities (V, C): a few samplings at a time, so that memory does not grow with V."""
        found: dict[str, list[NDArray[np.float32]]] = {}
        for some in in_chunks(inputs):
            there = {name: torch.from_numpy(values).to(self._device) for name, values in some.items()}
            with arithmetic(self._config, self._device):
                logits = self._model(**there)
            for head, values in logits.items():
                found.setdefault(head, []).append(values.float().softmax(1).cpu().numpy())
        return {head: np.concatenate(rows) for head, rows in found.items()}

    @torch.inference_mode()
    def features(self, inputs: Inputs) -> NDArray[np.float32]:
        """Return the pooled features (V, D) of all streams side by side, a few samplings at a time likewise."""
        found: list[NDArray[np.float32]] = []
        for some in in_chunks(inputs):
            there = {name: torch.from_numpy(values).to(self._device) for name, values in some.items()}
            with arithmetic(self._config, self._device):
                pooled = self._model.features(**there)
            found.append(torch.cat([values.float() for values in pooled.values()], 1).cpu().numpy())
        return np.concatenate(found)


class TorchProgram:
    """A model that `camfuse export --format torch` wrote: torch, without this package's model code."""

    def __init__(
        self,
        program: torch.export.ExportedProgram,
        facts: ModelFacts,
        device: torch.device,
        added: Added | None = None,
    ) -> None:
        self._module = program.module().to(device)
        self._facts = facts
        self._device = device
        self._added = added

    @classmethod
    def load(cls, path: Path, device: Device) -> Self:
        """Open the file.

        Raises
        ------
        WeightsError
            If it is damaged, or no such file, or holds what could run a program.
        ConfigError
            If the device is not there.
        """
        if not zipfile.is_zipfile(path):
            raise WeightsError(f"{path}: not a whole file of torch.export: expected an archive, found something else")
        found = {FACTS: ""}
        torchs_own = logging.getLogger("torch.export")
        try:
            torchs_own.disabled = True  # it says what it trips over with a traceback
            program = torch.export.load(checked_program(path), extra_files=found)
        except WeightsError:
            raise
        except Exception as error:  # torch's own kinds, and whatever else a forged graph brings about
            raise WeightsError(f"{path}: not a whole file of torch.export: {first_line(error)}") from error
        finally:
            torchs_own.disabled = False
        facts = read_facts(found[FACTS], path)
        return cls(program, facts, _device(facts.config, device), read_added(found[FACTS], path))

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
        outputs = self._run(inputs)[: len(self._facts.heads)]
        return {head: values.softmax(1).cpu().numpy() for head, values in zip(self._facts.heads, outputs, strict=True)}

    def features(self, inputs: Inputs) -> NDArray[np.float32]:
        """Return the pooled features (V, D), of a file with enrolled words."""
        found: NDArray[np.float32] = self._run(inputs)[-1].cpu().numpy()
        return found

    @torch.inference_mode()
    def _run(self, inputs: Inputs) -> list[torch.Tensor]:
        parts = [
            self._module(*(torch.from_numpy(values).to(self._device) for values in some.values()))
            for some in in_chunks(inputs)
        ]
        return [torch.cat(rows) for rows in zip(*parts, strict=True)]


def _device(config: Config, device: Device) -> torch.device:
    machine = config.machine.model_copy(update={"device": device})
    return torch.device(pick_device(config.model_copy(update={"machine": machine})))
