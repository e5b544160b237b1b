"""A folder is held by one run at a time, as long as its process lives."""

import errno
import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from camfuse.errors import ConfigError
from camfuse.run.going import hold, is_going

HOLDING = """
import sys
from pathlib import Path
from camfuse.run.going import hold
held = hold(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_what_is_held_is_refused_until_it_is_let_go(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "x"
    assert not is_going(folder) and not folder.exists()
    with hold(folder):
        assert is_going(folder)
        with pytest.raises(ConfigError, match=r"expected no other run of .*x, found one that is going on: wait"):
            hold(folder)
    assert not is_going(folder)
    hold(folder).close()


def test_a_process_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDING, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        assert is_going(tmp_path)
        process.kill()
    assert not is_going(tmp_path)


def test_a_disk_without_locks_is_used_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with hold(tmp_path):
        assert not is_going(tmp_path)
