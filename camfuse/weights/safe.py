"""Reading PyTorch's files, which are pickles, without running what may be in them."""

import logging
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from camfuse.errors import WeightsError

log = logging.getLogger(__name__)


class UnsafeFileError(WeightsError):
    """The file holds more than data: opening it could run a program."""


def read_checkpoint(path: Path, *, trusted: bool = False) -> dict[str, Any]:
    """Read a checkpoint onto the CPU: tensors, plain types and numpy's arrays only, no code is run.

    The loss histories that MMEngine's training checkpoints hold come back empty.

    Parameters
    ----------
    path
        The file.
    trusted
        Open it as a whole where it holds more than that, for a file whose whole hash is known to be a good one's.

    Raises
    ------
    UnsafeFileError
        If the file holds more than data and is not trusted.
    WeightsError
        If the file is missing, damaged or no checkpoint.
    """
    import torch  # only here: the data stages import this room, and run without torch

    try:
        with path.open("rb") as file:
            if not file.read(4).startswith((b"PK", b"\x80")):
                raise WeightsError(f"{path}: expected a PyTorch checkpoint, found something else")
        try:
            with torch.serialization.safe_globals([*_harmless_globals(), *_STAND_INS]):
                checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            if not trusted:
                raise UnsafeFileError(
                    f"{path}: holds more than plain data ({_reason(error)}), and opening it could run a program"
                ) from error
            log.info("%s: holds more than plain data; opened as a whole, as its whole hash is known", path)
            checkpoint = torch.load(path, map_location="cpu", weights_only=False)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path}: not a whole PyTorch checkpoint: {error}") from error
    if not isinstance(checkpoint, dict):
        raise WeightsError(f"{path}: expected a checkpoint's dictionary, found {type(checkpoint).__name__}")
    return checkpoint


def _reason(error: Exception) -> str:
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if "unsupported" in line.lower()), type(error).__name__)[:200].rstrip(".")


def _harmless_globals() -> list[Any]:
    """Return what published checkpoints hold beside tensors and plain types: arrays and numbers of numpy."""
    rebuild, scalar = np.empty(0).__reduce__()[0], np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(kind)) for kind in (np.float32, np.float64, np.int32, np.int64, np.bool_)]
    old_names = [(rebuild, "numpy.core.multiarray._reconstruct"), (scalar, "numpy.core.multiarray.scalar")]
    return [np.ndarray, np.dtype, rebuild, scalar, *kinds, *old_names]


class _Unread:
    """In the place of the loss histories in MMEngine's training checkpoints: takes their data, does nothing."""


def _nothing(*_: object) -> None:
    """In the place of `getattr`, by which those histories name their methods: does not look."""


_STAND_INS: list[Any] = [
    (_Unread, "mmengine.logging.history_buffer.HistoryBuffer"),
    (_nothing, "builtins.getattr"),
    (_nothing, "__builtin__.getattr"),
]
