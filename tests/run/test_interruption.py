"""Ctrl-C is noted and interrupts as before; where it is ignored it stays so."""

import signal
import threading
from collections.abc import Iterator

import pytest

from camfuse.run.interruption import note_interruption


@pytest.fixture(autouse=True)
def handler_as_before() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_it_is_noted_and_interrupts() -> None:
    noted = note_interruption()
    assert not noted.is_set()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert noted.is_set()


def test_what_is_ignored_stays_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    noted = note_interruption()
    signal.raise_signal(signal.SIGINT)
    assert not noted.is_set()


def test_another_thread_handles_no_signal() -> None:
    thread = threading.Thread(target=note_interruption)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
