"""Commands are timed: their time, their memory, and what becomes of those that take too long."""

import sys
import time

from camfuse.plan.timing import Timing, timed


def test_a_command_is_timed() -> None:
    held = "import time; held = bytearray(100_000_000); time.sleep(0.5); print('one\\ntwo'); raise SystemExit(3)"
    found = timed([sys.executable, "-c", held], {"A": "b"}, 30)
    assert found.code == 3 and found.said.endswith("two")
    assert found.memory_mb > 90 and found.seconds + found.waited > 0.5 and 0 < found.cpu_seconds < 5


def test_a_command_that_takes_too_long_is_ended_with_its_children() -> None:
    began = time.perf_counter()
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    assert timed([sys.executable, "-c", child], {}, 0.5).code is None
    assert time.perf_counter() - began < 20


def test_what_was_waited_is_left_out() -> None:
    assert Timing(3.0, 3.0, 0, 0, waited=1.0).quiet == 0.75
    assert Timing(0.0, 0.0, 0, 0).quiet == 0
