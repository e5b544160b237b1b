"""Ctrl-C while the workflow runs: Snakemake tells a run that somebody stopped from one that failed by nothing."""

import signal
import threading
from types import FrameType

EXIT = 128 + signal.SIGINT
"""What a shell calls the end by Ctrl-C."""


def note_interruption() -> threading.Event:
    """Return what Ctrl-C sets from now on, beside interrupting as before.

    Nothing is changed where Ctrl-C is ignored, as in the background of a script, or is not handled in this thread.
    """
    noted = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        noted.set()
        signal.default_int_handler(number, frame)

    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    return noted
