"""Reading PyTorch's files, which are pickles, without running what may be in them."""

import logging
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from camfuse.digest import is_whole
from camfuse.errors import WeightsError
from camfuse.files import found_instead

log = logging.getLogger(__name__)
DAMAGE = (
    *(RuntimeError, EOFError, pickle.UnpicklingError, ValueError, TypeError, LookupError, AttributeError),
    *(ArithmeticError, AssertionError, MemoryError),
)
"""What `torch.load` trips over in a damaged file."""
REMEDY = "copy or make it again"


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
        if instead := found_instead(path, zipped=False):
            raise WeightsError(f"{path}: expected a PyTorch checkpoint, found {instead}")
        with path.open("rb") as file:
            if not file.read(4).startswith((b"PK", b"\x80")):
                raise WeightsError(f"{path}: expected a PyTorch checkpoint, found something else")
        if is_whole(path) is False:  # PyTorch compares no checksum of its own
            raise WeightsError(f"{path}: damaged: its SHA-256 is not the one that it was written with; {REMEDY}")
        try:
            with torch.serialization.safe_globals([*_harmless_globals(), *_STAND_INS]):
                checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            if not trusted and not _names_code(error):
                raise
            if not trusted:
                raise UnsafeFileError(
                    f"{path}: holds more than plain data ({_reason(error)}), and opening it could run a program"
                ) from error
            log.info("%s: holds more than plain data; opened as a whole, as its whole hash is known", path)
            checkpoint = torch.load(path, map_location="cpu", weights_only=False)  # nosec B614
    except OSError as error:
        raise WeightsError(f"{path}: cannot read the checkpoint: {error.strerror or error}") from error
    except DAMAGE as error:
        # of torch's words only the first sentence: others advise to open the file with its safety off
        reason = "no pickle of PyTorch's" if isinstance(error, pickle.UnpicklingError) else _first_sentence(error)
        raise WeightsError(
            f"{path}: not a whole PyTorch checkpoint ({reason}): it is damaged or was cut off; {REMEDY}"
        ) from error
    if not isinstance(checkpoint, dict):
        raise WeightsError(f"{path}: expected a checkpoint's dictionary, found {type(checkpoint).__name__}")
    return checkpoint


def _first_sentence(error: Exception) -> str:
    said = str(error).split("\n")[0].split(". ")[0]
    return said[:200].rstrip(".") or type(error).__name__


def _names_code(error: Exception) -> bool:
    """Whether the file names something to call; what else torch refuses is no pickle of its making, or damage."""
    return "unsupported operand" not in _reason(error).lower()


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
