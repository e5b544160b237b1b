"""What was chosen on val and travels beside a checkpoint: how sure to be, and when a sign is not a known one."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from camfuse.errors import WeightsError
from camfuse.files import write_text

FILE = "calibration.json"
"""Its name in the training's folder, beside ``best.ckpt``."""
ROUNDING = 1e-9
"""Of a share times a number of clips."""
ESTIMATED = 3
"""How many times as many clips of known words a threshold takes as of unknown ones."""
_LEAST = 1e-12


@dataclass(frozen=True)
class Calibration:
    """The calibration of one model; without any, its probabilities stay as they are and every sign is a known one.

    Attributes
    ----------
    temperature
        Divides the logarithms of the mean probabilities before they are normalised again; above 1: less sure.
    threshold
        Least calibrated probability of the best class; below it the answer is "no known sign". 0: none was chosen.
    false_accepts
        The share of unknown signs that were to pass when the threshold was chosen; None: nothing was calibrated.
    weights
        Of the heads' probabilities where they were tuned on val; empty: the config's.
    """

    temperature: float = 1.0
    threshold: float = 0.0
    false_accepts: float | None = None
    weights: Mapping[str, float] | None = None

    def apply(self, probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Return the calibrated probabilities (..., C) float32; which class is the best stays."""
        if self.temperature == 1:
            return probabilities.astype(np.float32)
        scaled = np.log(np.maximum(probabilities.astype(np.float64), _LEAST)) / self.temperature
        raised = np.exp(scaled - scaled.max(-1, keepdims=True))
        return np.asarray(raised / raised.sum(-1, keepdims=True), np.float32)

    def known(self, probabilities: NDArray[np.floating[Any]]) -> bool:
        """Return whether calibrated probabilities (C,) are sure enough to be a known sign's."""
        return float(probabilities.max()) >= self.threshold

    @property
    def missing(self) -> str | None:
        """Why there is no threshold, in a sentence; None where there is one."""
        if self.threshold > 0:
            return None
        if self.false_accepts is None:
            why = "no threshold was chosen for these words on val"
        else:
            few, more = (clips_needed(self.false_accepts, estimated=estimated) for estimated in (False, True))
            why = (
                f"its threshold takes {few} clips of val of words kept out of training (train.unknown_words), or "
                f"{more} of known words where none are kept out, and there were fewer"
            )
        return f'"no known sign" is never answered: {why}'

    def save(self, folder: Path) -> None:
        """Write it into a training's folder."""
        write_text(folder / FILE, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def beside(cls, checkpoint: Path) -> Self:
        """Read the calibration of a checkpoint; the neutral one where there is none.

        Raises
        ------
        WeightsError
            If the file is not what `save` writes.
        """
        path = checkpoint.with_name(FILE)
        return cls.of(_values(path), path) if path.is_file() else cls()

    @classmethod
    def of(cls, values: Any, source: str | Path) -> Self:
        """Take it out of plain values, as a file or an exported model holds them.

        Raises
        ------
        WeightsError
            If a key is unknown or a number is out of its range.
        """
        try:
            found = cls(**values)
            if not (math.isfinite(found.temperature) and found.temperature > 0 and 0 <= found.threshold <= 1):
                raise ValueError(f"temperature {found.temperature}, threshold {found.threshold}")
            if not (found.false_accepts is None or 0 < found.false_accepts < 1):
                raise ValueError(f"false_accepts {found.false_accepts}")
        except (TypeError, ValueError) as error:
            raise WeightsError(f"{source}: expected a model's calibration, found {error}; evaluate again") from error
        return found


def clips_needed(false_accepts: float, *, estimated: bool) -> int:
    """Return the number of clips that a threshold is chosen by at least.

    Parameters
    ----------
    false_accepts
        The share of unknown signs that may pass: so many clips are needed that one of them may.
    estimated
        Whether the clips are of known words, which only stand for unknown ones: three times as many.
    """
    return math.ceil((ESTIMATED if estimated else 1) / false_accepts - ROUNDING)


def _values(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightsError(f"{path}: expected a model's calibration as JSON, found {error}; evaluate again") from error
