"""Seconds of an epoch, and how many of them the device waited."""

import time

import pytest
import torch

from camfuse.train.stopwatch import Lap, Stopwatch

CPU = torch.device("cpu")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that shows what the list says."""
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def epoch(watch: Stopwatch, clock: list[float], waits: tuple[float, ...], step: float) -> None:
    watch.start(CPU)
    for wait in waits:
        clock[0] += wait
        watch.busy()
        clock[0] += step
        watch.idle()


def test_waits_are_the_time_between_steps(clock: list[float]) -> None:
    watch = Stopwatch()
    epoch(watch, clock, (3.0, 0.5, 0.25), step=1.0)
    assert watch.running() == 6.75
    assert watch.lap() == Lap(steps=3, seconds=6.75, waited=3.75)
    epoch(watch, clock, (0.0, 0.25), step=2.0)
    assert watch.lap() == Lap(steps=2, seconds=4.25, waited=0.25)
    assert (watch.seconds, watch.waited) == (11.0, 4.0)


def test_validation_does_not_count(clock: list[float]) -> None:
    watch = Stopwatch()
    epoch(watch, clock, (0.5,), step=1.0)
    watch.stop()
    clock[0] += 60  # the validation
    watch.stop()
    assert watch.lap() == Lap(steps=1, seconds=1.5, waited=0.5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_measures_its_own_waiting() -> None:
    watch, device = Stopwatch(), torch.device("cuda")
    a = torch.randn(4096, 4096, device=device)
    torch.cuda.synchronize()
    watch.start(device)
    for _ in range(3):
        time.sleep(0.1)
        watch.busy()
        for _ in range(50):
            a @ a
        watch.idle()
    lap = watch.lap()
    assert lap.steps == 3
    assert 0.1 < lap.waited < lap.seconds  # it computes on while the program sleeps: less than three sleeps
