"""How the program ends: a user's mistake is one line, a bug has its traceback."""

import errno
import io
import sys
from pathlib import Path
from typing import Any

import pytest

import camfuse.cli
from camfuse.errors import ConfigError


def ended(error: BaseException, config_file: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> int | str | None:
    """Run `camfuse report` whose writer fails, and return the exit code."""

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("camfuse.report.page.write_report", fail)
    words = ["camfuse", "report", "--config", str(config_file), "--output", "index.html", *more]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as caught:
        camfuse.cli.main()
    return caught.value.code


def test_a_mistake_of_the_user_is_one_line(
    config_file: Path, log_as_before: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(ConfigError("expected this, found that"), config_file, monkeypatch) == 2
    assert capsys.readouterr() == ("", "ERROR: expected this, found that\n")


def test_a_full_disk_is_one_line(
    config_file: Path, log_as_before: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "index.html")
    assert ended(error, config_file, monkeypatch) == 2
    assert capsys.readouterr().err == "ERROR: index.html: the disk is full: make room, then start again\n"


def test_a_bug_has_its_traceback_here_and_in_the_log(
    config_file: Path,
    log_as_before: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "report.log"
    assert ended(RuntimeError("never thought of"), config_file, monkeypatch, "--log", str(path)) == 1
    for said in (capsys.readouterr().err, path.read_text(encoding="utf-8")):
        assert "this is a bug in camfuse; please report it" in said
        assert "Traceback (most recent call last)" in said
        assert "RuntimeError: never thought of" in said


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_name_that_the_terminal_cannot_show_is_written_in_escapes(
    encoding: str, log_as_before: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(camfuse.cli, "app", lambda: print("caf\udce9.mp4 of \u732b", flush=True))
    camfuse.cli.main()
    said = screen.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert said == ("caf\\udce9.mp4 of \u732b\n" if encoding == "utf-8" else "caf\\udce9.mp4 of \\u732b\n")
