"""How long a command takes, how much of all cores, and how much memory."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

LOOK_SECONDS = 0.1
"""Between two looks at a command's memory."""


@dataclass(frozen=True)
class Timing:
    """A command that ran.

    Attributes
    ----------
    seconds, cpu_seconds
        From begin to end, as on a machine without other programs: what it waited for a core is left out; and of all
        cores.
    waited
        Seconds that were left out.
    memory_mb
        Most resident memory of it and its children together.
    code
        Its exit code; None where it took longer than allowed and was ended.
    said
        What it printed at last.
    """

    seconds: float
    cpu_seconds: float
    memory_mb: float
    code: int | None
    said: str = ""
    waited: float = 0.0

    @property
    def quiet(self) -> float:
        """Return the share of the time that was not waited for a core."""
        return self.seconds / max(self.seconds + self.waited, 1e-9)


def timed(command: Sequence[str], environment: Mapping[str, str], patience: float) -> Timing:
    """Run a command and time it.

    Parameters
    ----------
    command
        The program and its options.
    environment
        Variables beside this process's own.
    patience
        Seconds until it is ended.
    """
    import psutil  # comes with Snakemake, which measures the jobs by it

    before, idle, began = os.times(), psutil.cpu_times().idle, time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    memory = _Memory(process.pid)
    code: int | None = None
    try:
        said, _ = process.communicate(timeout=patience)
        code = process.returncode
    except subprocess.TimeoutExpired:
        _end(process)
        said, _ = process.communicate()
    except BaseException:
        _end(process)
        raise
    finally:
        memory.stop()
    wall = time.perf_counter() - began
    after, idle = os.times(), psutil.cpu_times().idle - idle
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    # whoever has no core while none is idle waits for other programs, not for a disk
    seconds = min(wall, cpu + idle)
    return Timing(seconds, cpu, memory.most / 2**20, code, "\n".join(said.splitlines()[-5:]), wall - seconds)


def _end(process: "subprocess.Popen[str]") -> None:
    """End a process and its children, which are a group of their own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Memory:
    """Looks at the memory of a process and its children until it is told to stop."""

    def __init__(self, pid: int) -> None:
        self.most = 0
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        import psutil

        try:
            process = psutil.Process(self._pid)
            while not self._done.wait(LOOK_SECONDS):
                family = [process, *process.children(recursive=True)]
                self.most = max(self.most, sum(_resident(one) for one in family))
        except psutil.Error:
            return


def _resident(process: object) -> int:
    import psutil

    try:
        return int(process.memory_info().rss)  # type: ignore[attr-defined]
    except psutil.Error:
        return 0
