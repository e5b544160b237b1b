"""A trained recogniser in one file: weights, classes and config, all that prediction needs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import ValidationError
from torch import Tensor

from camfuse.config import PARTS, Config, Model, Part
from camfuse.digest import seal
from camfuse.errors import WeightsError
from camfuse.files import atomic
from camfuse.model.recogniser import Recogniser, build_recogniser
from camfuse.run.stages import fingerprint
from camfuse.weights.safe import read_checkpoint


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
        The whole resolved config that it was trained under.
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
    precision
        What `train.precision` came to on the machine that trained; empty in files of earlier versions.
    clips
        Those that it was trained on as `camfuse.clips.seen` writes them, those of its first weights included, in
        order; empty in files of earlier versions.
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
    precision: str = ""
    clips: tuple[str, ...] = ()

    def save(self, path: Path) -> None:
        """Write the file atomically; equal content gives equal bytes."""
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "state"}
        # through JSON, because pickle writes down which strings are one object
        values = json.loads(json.dumps(plain)) | {"state": dict(self.state)}
        with atomic(path) as part:
            torch.save(values, part)
            seal(part)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file onto the CPU: a ``best.ckpt``, or the ``last.ckpt`` beside it, with its last epoch's weights.

        Raises
        ------
        WeightsError
            If the file is missing, damaged, or not such a checkpoint.
        """
        if path.is_dir():
            raise WeightsError(f"{path}: expected a checkpoint, found a folder; give the best.ckpt of a training in it")
        if not path.is_file():
            raise WeightsError(f"{path}: no such checkpoint; train that part first")
        values = read_checkpoint(path)
        if "state_dict" in values and "camfuse" in values:
            return cls._of_state(path, values)
        values = {"precision": "", "clips": ()} | values  # younger than the form
        names = {field.name for field in fields(cls)}
        if missing := sorted(names - values.keys()):
            raise WeightsError(f"{path}: expected a best.ckpt of camfuse, found a file without {', '.join(missing)}")
        lists = {name: tuple(values[name]) for name in ("classes", "clips") if isinstance(values[name], list | tuple)}
        if len(lists) < 2 or values["part"] not in PARTS:
            raise WeightsError(
                f"{path}: expected a part, a list of classes and one of clips, found others; train that part again"
            )
        return cls(**{name: values[name] for name in names} | lists)

    @classmethod
    def _of_state(cls, path: Path, state: Mapping[str, Any]) -> Self:
        """Take the weights of a training's state; what they are for says the ``best.ckpt`` of the same training."""
        best = cls.load(path.with_name("best.ckpt"))
        try:
            found, epoch, weights = (
                state["camfuse"]["labels"]["fingerprint"],
                int(state["epoch"]),
                trained_weights(state),
            )
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise WeightsError(
                f"{path}: expected the state of a training of camfuse, found otherwise: {error!r}"
            ) from error
        if found != best.fingerprint:
            raise WeightsError(f"{path}: belongs to another training than the best.ckpt beside it; train again")
        return replace(best, epoch=epoch + 1, numbers={}, state=weights)

    def recogniser(self, device: torch.device | str = "cpu") -> Recogniser:
        """Build the recogniser with these weights on a device, ready for prediction.

        Raises
        ------
        WeightsError
            If the checkpoint's model is one that this version does not know, or its weights are not that model's.
        """
        # of the config only this: a key that another section has no more must not make trained weights useless
        try:
            config = Model.model_validate(self.config["model"])
        except (KeyError, TypeError, ValidationError) as error:
            raise WeightsError(f"this checkpoint of {self.part} holds a model of another version: {error}") from error
        try:
            with torch.device(device):  # not on the CPU first: drawing random weights there takes seconds
                model = build_recogniser(config, num_classes=len(self.classes), part=self.part)
            model.load_state_dict(self.state)
        except (RuntimeError, TypeError, AttributeError, LookupError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise WeightsError(f"this checkpoint of {self.part} has not the weights of its model: {reason}") from error
        return model.eval()


def trained_weights(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the recogniser's weights out of a training's state: their moving average, where there is one."""
    values: Mapping[str, Tensor] = state["state_dict"]
    prefix = "average." if any(name.startswith("average.") for name in values) else "model."
    return {name.removeprefix(prefix): tensor for name, tensor in values.items() if name.startswith(prefix)}


def load_trained(path: Path, part: Part, config: Config, classes: Sequence[str]) -> Checkpoint:
    """Read the checkpoint of `part` and refuse one that was trained for something else.

    Raises
    ------
    WeightsError
        If part, classes or fingerprint are not what `config` and `classes` ask for.
    """
    found = Checkpoint.load(path)
    check_trained(found, path, part, config, classes)
    return found


def check_trained(found: Checkpoint, path: Path, part: Part, config: Config, classes: Sequence[str]) -> None:
    """Refuse a checkpoint that was trained for something else than `load_trained` is asked for."""
    expected = fingerprint(f"train_{part}", config)
    if found.part != part:
        raise WeightsError(f"{path}: expected a checkpoint of part {part}, found {found.part}")
    if found.classes != tuple(classes):
        raise WeightsError(
            f"{path}: expected the {len(classes)} classes of the clip table ({_few(classes)}), "
            f"found {len(found.classes)} ({_few(found.classes)}): it is of another run, or older than these "
            f"words; give one of this config's run, or train {part} again"
        )
    if found.fingerprint != expected:
        raise WeightsError(
            f"{path}: expected fingerprint {expected}, found {found.fingerprint}: "
            f"it was trained with another config or version; give one of this config's run, or train {part} again"
        )


def _few(classes: Sequence[str]) -> str:
    return ", ".join(classes[:5]) + (", ..." if len(classes) > 5 else "")
