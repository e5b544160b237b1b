"""What is said of the machine, and what to do where it is small or lacks something."""

from collections import namedtuple
from pathlib import Path

import pytest

from camfuse.doctor import machine
from camfuse.doctor.finding import Finding
from camfuse.doctor.machine import check_machine
from camfuse.errors import MissingToolError

Usage = namedtuple("Usage", "total used free")


def found(output: Path) -> dict[str, Finding]:
    return {one.subject: one for one in check_machine(output)}


def test_this_machine(tmp_path: Path) -> None:
    lines = found(tmp_path / "not" / "there" / "yet")
    assert {"Python", "camfuse", "machine", "disk", "ffmpeg"} <= lines.keys()
    assert lines["ffmpeg"].state == lines["camfuse"].state == "ok"
    assert not [one for one in lines.values() if one.state != "ok" and not one.remedy]
    assert not (tmp_path / "not").exists()


def test_little_room_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(64e6, 0, 1e9))
    lines = found(tmp_path)
    assert lines["disk"].state == "note" and "make room" in lines["disk"].remedy
    assert "--shm-size" in lines["shared memory"].remedy


def test_a_place_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert found(tmp_path)["disk"].state == "missing"


def test_without_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise MissingToolError("expected ffmpeg, found none")

    monkeypatch.setattr(machine, "find_ffmpeg", none)
    line = found(tmp_path)["ffmpeg"]
    assert (line.state, line.text) == ("missing", "expected ffmpeg, found none")
    assert "imageio-ffmpeg" in line.remedy


def test_an_ffmpeg_without_the_filters_for_hdr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "has_filters", lambda *_: False)
    assert found(tmp_path)["ffmpeg filters"].state == "note"


def test_another_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "OLDEST", (3, 99))
    assert found(tmp_path)["Python"].state == "note"
