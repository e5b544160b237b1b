"""A checkpoint at work, in torch."""

from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from camfuse.config import Config
from camfuse.data.inputs import Inputs
from camfuse.model.checkpoint import Checkpoint
from camfuse.model.device import arithmetic, pick_device, to_memory_format
from camfuse.model.recogniser import HEADS, Recogniser
from camfuse.predict.calibration import Calibration
from camfuse.predict.facts import ModelFacts
from camfuse.predict.network import Device

AT_ONCE = 16_000_000
"""Bytes of input that the network takes at once: one sampling at the paper's size, several of a small model."""


class TorchNetwork:
    """A recogniser with the facts that travel with it."""

    def __init__(self, model: Recogniser, facts: ModelFacts, device: torch.device) -> None:
        self._model = to_memory_format(model, facts.config).to(device)
        self._facts = facts
        self._device = device

    @classmethod
    def load(cls, path: Path, device: Device) -> Self:
        """Read a checkpoint, and the calibration beside it.

        Raises
        ------
        WeightsError
            If the file is no such checkpoint, or of another version.
        ConfigError
            If the device is not there.
        """
        found = Checkpoint.load(path)
        heads = HEADS[found.part]
        calibration = Calibration.beside(path)
        facts = ModelFacts.of(found.part, found.classes, found.config, found.fingerprint, heads, calibration)
        return cls(found.recogniser(), facts, _device(facts.config, device))

    @property
    def facts(self) -> ModelFacts:
        """What travels with it."""
        return self._facts

    @torch.inference_mode()
    def probabilities(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """Return each head's probabilities (V, C): a few samplings at a time, so that memory does not grow with V."""
        samplings = len(next(iter(inputs.values())))
        at_once = max(1, AT_ONCE * samplings // sum(values.nbytes for values in inputs.values()))
        found: dict[str, list[NDArray[np.float32]]] = {}
        for first in range(0, samplings, at_once):
            given = {name: torch.from_numpy(values[first : first + at_once]) for name, values in inputs.items()}
            there = {name: tensor.to(self._device) for name, tensor in given.items()}
            with arithmetic(self._facts.config, self._device):
                logits = self._model(**{"rgb": None, "heatmaps": None, **there})
            for head, values in logits.items():
                found.setdefault(head, []).append(values.float().softmax(1).cpu().numpy())
        return {head: np.concatenate(rows) for head, rows in found.items()}


def _device(config: Config, device: Device) -> torch.device:
    machine = config.machine.model_copy(update={"device": device})
    return torch.device(pick_device(config.model_copy(update={"machine": machine})))
