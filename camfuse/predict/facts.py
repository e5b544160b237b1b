"""What travels with a trained model beside its weights: all that is needed to get from a video to an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from camfuse import __version__
from camfuse.config import Config, Part, parse_config, plain_values
from camfuse.errors import ConfigError, WeightsError
from camfuse.predict.calibration import Calibration

FORMAT = 1
"""Of the plain values in an exported file."""
PRIVATE = {"output", "clips", "machine", "experiments", "ablation", "report"}
"""What of a config is nobody's business who is given a model, and no prediction's."""


@dataclass(frozen=True)
class ModelFacts:
    """A trained model without its weights.

    Attributes
    ----------
    part
        Which part of the recipe it is: what it looks at.
    classes
        Label of each class index.
    config
        The whole config that it was trained under, its estimator included; `machine` is this machine's.
    fingerprint
        Of its training.
    heads
        Its heads, and the weight of each head's probabilities in the answer.
    calibration
        Chosen on val; the neutral one where nothing was.
    """

    part: Part
    classes: tuple[str, ...]
    config: Config
    fingerprint: str
    heads: Mapping[str, float]
    calibration: Calibration

    @classmethod
    def of(
        cls,
        part: Part,
        classes: Sequence[str],
        config: Mapping[str, Any],
        fingerprint: str,
        calibration: Calibration,
    ) -> Self:
        """Take the facts out of the plain values of a checkpoint or an exported file.

        Raises
        ------
        WeightsError
            If the config is one that this version does not know.
        """
        # what this machine is says this machine; where weights lie may be said by the config
        machine = {name: value for name, value in config.get("machine", {}).items() if name == "weights"}
        try:
            known = parse_config({**config, "machine": machine, "experiments": {}, "ablation": None})
        except ConfigError as error:
            raise WeightsError(f"this model of {part} is of another version: {error}") from error
        weights: dict[str, float] = {part: 1.0}
        if part == "fusion":
            weights = dict(zip((*known.model.streams, "joint"), known.training_weights, strict=True))
        if calibration.weights is not None:
            weights = {head: calibration.weights.get(head, 0.0) for head in weights}
        return cls(part, tuple(classes), known, fingerprint, weights, calibration)

    def values(self) -> dict[str, Any]:
        """Return all as plain values, for a file to give away: without the places of this machine."""
        config = {name: value for name, value in plain_values(self.config).items() if name not in PRIVATE}
        if self.config.clips.fingerspelling is None:
            config["clips"] = {"folder": {"videos": "."}}
        else:
            config["clips"] = plain_values(self.config.clips)
        return {
            "format": FORMAT,
            "camfuse": __version__,
            "part": self.part,
            "classes": list(self.classes),
            "config": config,
            "fingerprint": self.fingerprint,
            "heads": list(self.heads),
            "weights": dict(self.heads),
            "calibration": asdict(self.calibration),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any], source: Path) -> Self:
        """Take the facts out of what `values` gave.

        Raises
        ------
        WeightsError
            If they are of another version.
        KeyError
            If one is missing.
        """
        if values["format"] != FORMAT:
            raise WeightsError(f"{source}: expected an exported model of form {FORMAT}, found {values['format']}")
        calibration = Calibration.of(values["calibration"], source)
        part, classes, config = values["part"], values["classes"], values["config"]
        return cls.of(part, classes, config, values["fingerprint"], calibration)

    def combined(self, heads: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the calibrated probabilities (C,) of one clip.

        Parameters
        ----------
        heads
            Probabilities (V, C) of each head that there is; V samplings.
        """
        weights = np.array([self.heads[head] for head in heads])
        if weights.sum() == 0:  # a fused model that saw one of its inputs only may have just heads of weight 0
            weights = np.ones(len(heads))
        means = np.stack([values.mean(0, dtype=np.float64) for values in heads.values()])
        return self.calibration.apply(weights @ means / weights.sum())
