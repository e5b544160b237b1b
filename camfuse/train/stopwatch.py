"""How long a training took, and how much of that its device had nothing to do."""

import time
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Lap:
    """One epoch, or what was left of it after a resume: its steps, their seconds, how many of these were waited."""

    steps: int
    seconds: float
    waited: float

    @property
    def waited_share(self) -> float:
        """Return which part of the time was waited."""
        return self.waited / self.seconds


class Stopwatch:
    """Seconds of training steps; on a GPU the waiting is measured by the GPU itself, which runs behind the program.

    Attributes
    ----------
    seconds
        Of all epochs that are done, validation left out.
    waited
        Of these, the seconds between one step's end and the next one's begin: for the loader, and for a batch's way to
        the device.
    """

    def __init__(self) -> None:
        self.seconds = self.waited = 0.0
        self._started = 0.0
        self._stopped: float | None = None
        self._gpu = False
        self._idle: float | torch.cuda.Event = 0.0
        self._waits: list[tuple[float | torch.cuda.Event, float | torch.cuda.Event]] = []

    def start(self, device: torch.device) -> None:
        """Begin an epoch, or resume one."""
        self._gpu = device.type == "cuda"
        self._started, self._stopped, self._waits = time.perf_counter(), None, []
        self._idle = self._now()

    def busy(self) -> None:
        """Note that a batch is there."""
        self._waits.append((self._idle, self._now()))

    def idle(self) -> None:
        """Note the end of a step; a GPU notes it when it gets there."""
        self._idle = self._now()

    def stop(self) -> None:
        """End the steps of an epoch; further calls change nothing."""
        if self._stopped is None:
            if self._gpu:
                torch.cuda.synchronize()
            self._stopped = time.perf_counter()

    def running(self) -> float:
        """Return the seconds of the epoch that has begun."""
        return (self._stopped or time.perf_counter()) - self._started

    def lap(self) -> Lap:
        """End an epoch."""
        self.stop()
        lap = Lap(len(self._waits), self.running(), sum(_between(first, last) for first, last in self._waits))
        self.seconds, self.waited = self.seconds + lap.seconds, self.waited + lap.waited
        return lap

    def _now(self) -> float | torch.cuda.Event:
        if not self._gpu:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event


def _between(first: float | torch.cuda.Event, last: float | torch.cuda.Event) -> float:
    if isinstance(first, torch.cuda.Event) and isinstance(last, torch.cuda.Event):
        return float(first.elapsed_time(last)) / 1000
    assert isinstance(first, float) and isinstance(last, float)
    return last - first
