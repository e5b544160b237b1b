"""A trained recogniser in one file: weights, classes and config, all that prediction needs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from camfuse.config import Config, parse_config
from camfuse.errors import WeightsError
from camfuse.model.recogniser import Part, Recogniser, build_recogniser
from camfuse.model.weights import load_checkpoint
from camfuse.stage import atomic, fingerprint


@dataclass(frozen=True)
class Checkpoint:
    """What ``best.ckpt`` holds: plain data and tensors only, so that it loads with ``weights_only=True``.

    Attributes
    ----------
    part
        rgb, pose or fusion.
    fingerprint
        Of the training stage under its config.
    config
        The whole resolved config, as `camfuse.config.parse_config` reads it.
    classes
        Label of each class index.
    epoch
        The epoch that was kept, from 1.
    numbers
        That epoch's ``{split: {head: {"loss": ..., "top1": ...}}}``.
    parameters
        Number of trained numbers.
    state
        ``Recogniser.state_dict()``.
    versions
        Of the libraries.
    """

    part: Part
    fingerprint: str
    config: dict[str, Any]
    classes: tuple[str, ...]
    epoch: int
    numbers: dict[str, dict[str, dict[str, float]]]
    parameters: int
    state: Mapping[str, Tensor]
    versions: dict[str, str]

    def save(self, path: Path) -> None:
        """Write the file atomically; equal content gives equal bytes."""
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "state"}
        # through JSON, because pickle writes down which strings are one object
        values = json.loads(json.dumps(plain)) | {"state": dict(self.state)}
        with atomic(path) as part:
            torch.save(values, part)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file onto the CPU.

        Raises
        ------
        WeightsError
            If the file is missing, damaged, or not such a checkpoint.
        """
        values = load_checkpoint(path)
        names = {field.name for field in fields(cls)}
        if missing := sorted(names - values.keys()):
            raise WeightsError(f"{path}: expected a best.ckpt of camfuse, found a file without {', '.join(missing)}")
        return cls(**{name: values[name] for name in names} | {"classes": tuple(values["classes"])})

    def recogniser(self) -> Recogniser:
        """Build the recogniser with these weights, ready for prediction."""
        config = parse_config(self.config, "config of the checkpoint")
        model = build_recogniser(config.model, num_classes=len(self.classes), part=self.part)
        model.load_state_dict(self.state)
        return model.eval()


def load_trained(path: Path, part: Part, config: Config, classes: Sequence[str]) -> Checkpoint:
    """Read the checkpoint of `part` and refuse one that was trained for something else.

    Raises
    ------
    WeightsError
        If part, classes or fingerprint are not what `config` and `classes` ask for.
    """
    found, expected = Checkpoint.load(path), fingerprint(f"train_{part}", config)
    if found.part != part:
        raise WeightsError(f"{path}: expected a checkpoint of part {part}, found {found.part}")
    if found.classes != tuple(classes):
        raise WeightsError(
            f"{path}: expected the {len(classes)} classes of the clip table ({_few(classes)}), "
            f"found {len(found.classes)} ({_few(found.classes)}): train {part} again"
        )
    if found.fingerprint != expected:
        raise WeightsError(
            f"{path}: expected fingerprint {expected}, found {found.fingerprint}: "
            f"it was trained with another config or version; train {part} again"
        )
    return found


def _few(classes: Sequence[str]) -> str:
    return ", ".join(classes[:5]) + (", ..." if len(classes) > 5 else "")
