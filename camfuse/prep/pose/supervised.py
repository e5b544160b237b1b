"""An estimator in a process of its own: if it dies or hangs, that costs the clip it was at, not the shard.

Networks run in foreign code, which may crash, be killed for want of memory, or wait for ever for a device or a disk.
A clip on which the process dies is tried once more in a new one, since it need not be that clip's fault; a clip on
which it hangs is not.
"""

import logging
import os
import signal
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from logging.handlers import QueueHandler
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from threading import Lock, Thread, Timer
from typing import Any, Self

from camfuse.clips.table import Clip
from camfuse.errors import CamfuseError, ClipError, MissingToolError
from camfuse.prep.arrays import ClipFrames, Image
from camfuse.prep.pose.estimator import Estimator, Poses

log = logging.getLogger(__name__)

PROCESSES = get_context("spawn")
"""A forked process would have the locks of threads that it lacks, and no GPU where this process uses one."""

TRIES = 2
"""Processes that may die on a clip before it counts as bad."""
LEAVING = 10.0
"""Seconds that the process may take to end by itself."""


class Supervised:
    """Keeps the contract `Estimator`; the work is done by another one, in a process of its own.

    Parameters
    ----------
    make
        Makes the other estimator, in that process; it has to be picklable.
    patience
        Seconds that it may take for the next frame of a clip, and after the last one.
    """

    def __init__(self, make: Callable[[], Estimator], patience: float) -> None:
        self._make = make
        self._patience = patience
        self._process: SpawnProcess | None = None
        self._provenance: Mapping[str, object] = {}

    def __enter__(self) -> Self:
        """Start the process.

        Raises
        ------
        MissingToolError
            If the process dies at once.
        CamfuseError
            Whatever the estimator raises when it is made.
        """
        self._start()
        return self

    def __exit__(self, *error: object) -> None:
        """End the process; at once, if the stage was interrupted."""
        if isinstance(error[1], Exception | None) and self._process is not None:
            self._pipe.close()
            self._process.join(LEAVING)
        self._end()

    def provenance(self) -> Mapping[str, object]:
        """Return what the estimator says."""
        return self._provenance

    def estimate(self, clip: Clip, frames: ClipFrames) -> Poses:
        """Have the clip estimated.

        Raises
        ------
        ClipError
            If the estimator gives up on it, hangs, or dies on it twice.
        """
        for _ in range(TRIES):
            if self._process is None:
                self._start()
            try:
                self._send((clip, frames))
                poses = self._receive(self._patience)
            except _DiedError as died:
                said = str(died)
                log.warning("clip %s: the estimator's process %s", clip.clip_id, said)
                self._end()
            except TimeoutError as hangs:
                self._end()
                raise ClipError(
                    clip.clip_id,
                    f"the estimator gave nothing for {self._patience:g} s and was ended (machine.patience)",
                ) from hangs
            else:
                assert isinstance(poses, Poses)
                return poses
        raise ClipError(clip.clip_id, f"the estimator's process {said}, {TRIES} times: too little memory, or its fault")

    def _start(self) -> None:
        self._pipe, theirs = PROCESSES.Pipe()
        self._process = PROCESSES.Process(target=_work, args=(theirs, self._make, _camfuse.level), daemon=True)
        self._process.start()
        theirs.close()
        try:
            self._provenance = self._receive(None)
        except _DiedError as died:
            raise MissingToolError(f"the estimator's process {died} before its first clip") from died

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._process = None

    def _send(self, work: object) -> None:
        assert self._process is not None
        timer = Timer(self._patience, self._process.kill)  # a process that stands still empties no pipe
        timer.start()
        try:
            self._pipe.send(work)
        except (BrokenPipeError, ConnectionResetError):
            raise self._died() from None
        finally:
            timer.cancel()

    def _receive(self, patience: float | None) -> Any:
        """Wait for the answer; each frame that is looked at lets the patience begin anew."""
        while self._pipe.poll(patience):
            try:
                answer = self._pipe.recv()
            except (EOFError, ConnectionResetError):
                raise self._died() from None
            if isinstance(answer, BaseException):
                raise answer
            if isinstance(answer, logging.LogRecord):
                logging.getLogger(answer.name).handle(answer)
            elif answer is not _SEEN:
                return answer
        raise TimeoutError

    def _died(self) -> "_DiedError":
        assert self._process is not None
        self._process.join()
        code = self._process.exitcode or 0
        return _DiedError(f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}")


class _DiedError(Exception):
    """The process ended; says how."""


_SEEN = None
"""What the process sends when it looks at a frame."""
_camfuse = logging.getLogger("camfuse")


class _Voice(QueueHandler):
    """What the process says: answers, and what it logs."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__(self)  # type: ignore[arg-type]  # it is the queue, too
        self._pipe = pipe
        self._sending = Lock()

    def put_nowait(self, said: object) -> None:
        """Send one thing; threads may do so at once."""
        with self._sending:
            self._pipe.send(said)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Pass over what cannot be logged any more."""


@dataclass(frozen=True)
class _Watched(ClipFrames):
    """Frames that say when one is looked at."""

    seen: Callable[[], None] = field(kw_only=True)

    def __getitem__(self, position: int) -> Image:
        """Decode one frame."""
        self.seen()
        return super().__getitem__(position)


def _work(pipe: Connection, make: Callable[[], Estimator], level: int) -> None:
    """Estimate one clip after another, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the stage ends its process itself
    Thread(target=_end_with_parent, daemon=True).start()
    voice = _Voice(pipe)
    logging.getLogger().addHandler(voice)
    _camfuse.setLevel(level)
    with suppress(EOFError, BrokenPipeError):
        try:
            with make() as estimator:
                voice.put_nowait(estimator.provenance())
                while True:
                    clip, frames = pipe.recv()
                    watched = _Watched(**vars(frames), seen=lambda: voice.put_nowait(_SEEN))
                    voice.put_nowait(_estimated(estimator, clip, watched))
        except (EOFError, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the stage raises it
            voice.put_nowait(_portable(error))


def _estimated(estimator: Estimator, clip: Clip, frames: ClipFrames) -> Poses | ClipError:
    try:
        return estimator.estimate(clip, frames)
    except ClipError as error:
        return error


def _portable(error: Exception) -> Exception:
    """Return what the stage raises in its stead: a bug keeps its traceback as text."""
    return error if isinstance(error, CamfuseError | OSError) else RuntimeError(traceback.format_exc())


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
