"""ffmpeg is found, says its version, and writes videos; whatever goes wrong, no process is left."""

import errno
import re
import shutil
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from made_videos import BITS, BLOCK, OtherFfmpeg, draw_number, read_number, write_numbers
from numpy.typing import NDArray

from camfuse import ffmpeg_tool
from camfuse.errors import MissingToolError
from camfuse.ffmpeg_tool import ffmpeg_version, find_ffmpeg, write_video


def numbers(count: int) -> Iterator[NDArray[np.uint8]]:
    return (draw_number(number) for number in range(count))


def read_back(path: Path) -> tuple[dict[str, Any], list[int]]:
    """Return what a reader of its own finds: the video's facts and the numbers on its images."""
    reader = imageio_ffmpeg.read_frames(str(path))
    facts = next(reader)
    width, height = facts["size"]
    return facts, [read_number(np.frombuffer(image, np.uint8).reshape(height, width, 3)) for image in reader]


# --------------------------------------------------------------------------------- find and version


def test_the_one_on_the_path_comes_first(other_ffmpeg: OtherFfmpeg, tmp_path: Path) -> None:
    other_ffmpeg("exit 0")
    assert find_ffmpeg() == str(tmp_path / "bin" / "ffmpeg")


def test_else_the_one_of_imageio_ffmpeg(other_ffmpeg: OtherFfmpeg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(ffmpeg_tool.imageio_ffmpeg, "get_ffmpeg_exe", lambda: "/wheel/ffmpeg")
    assert find_ffmpeg() == "/wheel/ffmpeg"


def test_without_any_ffmpeg(other_ffmpeg: OtherFfmpeg, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> str:
        raise RuntimeError("no binary")

    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(ffmpeg_tool.imageio_ffmpeg, "get_ffmpeg_exe", nothing)
    with pytest.raises(MissingToolError, match="expected ffmpeg on PATH or in the package imageio-ffmpeg"):
        ffmpeg_tool.find_ffmpeg()


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("ffmpeg version 5.1.6-0+deb12u1 Copyright (c) 2000-2024", "5.1.6-0+deb12u1"),
        ("ffmpeg version n7.1 Copyright", "n7.1"),
        ("something else", "unknown"),
    ],
)
def test_version(other_ffmpeg: OtherFfmpeg, said: str, version: str) -> None:
    other_ffmpeg(f"echo '{said}'\necho 'built with gcc'")
    assert ffmpeg_version() == version


def test_an_ffmpeg_that_does_not_run(other_ffmpeg: OtherFfmpeg, tmp_path: Path) -> None:
    other_ffmpeg("exit 127")  # as with a missing library
    with pytest.raises(
        MissingToolError, match=rf"{re.escape(str(tmp_path))}/bin/ffmpeg does not run .*127.*: install ffmpeg 4\.2"
    ):
        ffmpeg_version()


# -------------------------------------------------------------------------------------------- write


@pytest.mark.parametrize(("rate", "expected"), [(25, 25.0), (12.5, 12.5), (Fraction(30000, 1001), 29.97)])
def test_every_image_is_a_frame_at_the_rate(tmp_path: Path, rate: Fraction | float, expected: float) -> None:
    path = tmp_path / "numbers.mp4"
    write_video(path, numbers(30), rate)
    facts, found = read_back(path)
    assert found == list(range(30))
    assert facts["fps"] == pytest.approx(expected, abs=0.005)
    assert facts["size"] == (BITS * BLOCK, 64)
    assert facts["codec"] == "h264" and facts["pix_fmt"].startswith("yuv420p")


def test_one_image_replaces_an_older_file(tmp_path: Path) -> None:
    path = tmp_path / "a b: 'é'.mp4"
    path.write_text("older")
    write_video(path, [draw_number(77)], 25)
    assert read_back(path)[1] == [77]


def test_images_need_not_lie_in_one_piece(tmp_path: Path) -> None:
    path = tmp_path / "mirrored.mp4"
    write_video(path, [draw_number(0b00000001)[:, ::-1], draw_number(0b00000110)[:, ::-1]], 25)
    assert read_back(path)[1] == [0b10000000, 0b01100000]


def test_colours_are_rgb(tmp_path: Path) -> None:
    path = tmp_path / "red.mp4"
    write_video(path, [np.full((64, 64, 3), (255, 0, 0), np.uint8)], 25)
    reader = imageio_ffmpeg.read_frames(str(path))
    next(reader)
    red, green, blue = np.frombuffer(next(reader), np.uint8).reshape(64, 64, 3)[32, 32].tolist()
    assert red > 240
    assert max(green, blue) < 15


def test_options_are_ffmpegs(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    sizes = []
    for crf in (10, 40):
        write_video(tmp_path / f"{crf}.mp4", [noise], 25, crf=crf, preset="fast")
        sizes.append((tmp_path / f"{crf}.mp4").stat().st_size)
    assert sizes[0] > 2 * sizes[1]


# ------------------------------------------------------------------------------------ what goes wrong


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that a test starts."""
    processes: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def record(*args: Any, **kwargs: Any) -> subprocess.Popen[bytes]:
        processes.append(start(*args, **kwargs))
        return processes[-1]

    find_ffmpeg()
    monkeypatch.setattr(subprocess, "Popen", record)
    return processes


def test_an_error_while_drawing_ends_ffmpeg(tmp_path: Path, started: list[subprocess.Popen[bytes]]) -> None:
    def images() -> Iterator[NDArray[np.uint8]]:
        yield from numbers(3)
        assert started[0].poll() is None
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / "a.mp4", images(), 25)
    assert [process.returncode for process in started] == [-9]


def test_a_disk_that_is_full(started: list[subprocess.Popen[bytes]]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full, a file that is always full")
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_video(full, numbers(3), 25)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/dev/full")
    assert [process.returncode is not None for process in started] == [True]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("cat > /dev/null; echo 'Unknown encoder libx264' >&2; exit 1", "Unknown encoder libx264"),
        ("echo first >&2; echo last >&2; exit 1", "last"),  # before it has read all the images
        ("exit 1", "no reason given"),
    ],
)
def test_an_ffmpeg_without_h264(other_ffmpeg: OtherFfmpeg, tmp_path: Path, script: str, reason: str) -> None:
    other_ffmpeg(script)
    expected = f"expected an ffmpeg that writes h264 (libx264), {tmp_path}/bin/ffmpeg says: {reason}"
    with pytest.raises(MissingToolError, match=rf"^{re.escape(expected)}$"):
        write_video(tmp_path / "a.mp4", numbers(200), 25)


def test_a_flood_of_messages_does_not_block(other_ffmpeg: OtherFfmpeg, tmp_path: Path) -> None:
    other_ffmpeg("yes 'broken' | head -100000 >&2\ncat > /dev/null\nexit 1")
    with pytest.raises(MissingToolError, match=r"says: broken$"):
        write_video(tmp_path / "a.mp4", numbers(200), 25)


def test_the_header_says_container_and_length(tmp_path: Path) -> None:
    header = ffmpeg_tool.read_header(write_numbers(tmp_path / "a.mp4", 50))
    assert (header.container, header.length) == ("mov", 2.0)
    (tmp_path / "b.mp4").write_text("#EXTM3U\n#EXTINF:2,\na.mp4\n#EXT-X-ENDLIST\n")  # names another file
    other = ffmpeg_tool.read_header(tmp_path / "b.mp4")
    assert (other.container, other.length) == ("", 0)
    assert ffmpeg_tool.has_filters("scale", "select") and not ffmpeg_tool.has_filters("scale", "none such")
