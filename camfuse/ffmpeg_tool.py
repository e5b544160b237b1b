"""The ffmpeg that all stages use: found, asked for its version, and used to write a video."""

import errno
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import ffmpeg
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from camfuse.errors import MissingToolError

PLACE = "file:*"
"""Stands for the file's name in a graph that `compiled` makes a command of."""
CONTAINERS = "mov,matroska,avi,gif,mpegts,mpeg,mpegvideo,m4v,h264,hevc,flv,asf,ogg,mxf,dv,ivf,nut,yuv4mpegpipe,wtv,rm"
"""ffmpeg demuxers that read one file and no other."""
ERROR_LINE = re.compile(r"(?:\[[^]]* @ [^]]*] )*\[(?:error|fatal|panic)] *(.*)")
ANSWER = 60.0
"""Seconds within which ffmpeg opens a file."""
_INPUT = re.compile(r"\[info] Input #0, (\w+)")
_LENGTH = re.compile(r"\[info]   Duration: (\d+):(\d\d):(\d\d\.\d+),")


@cache
def find_ffmpeg() -> str:
    """Return the path of ffmpeg: the one on PATH, else the one that the package imageio-ffmpeg brings.

    Raises
    ------
    MissingToolError
        If there is neither.
    """
    on_path = shutil.which("ffmpeg")
    if on_path:
        return on_path
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise MissingToolError(
            "expected ffmpeg on PATH or in the package imageio-ffmpeg, found neither: install ffmpeg"
        ) from error


@cache
def ffmpeg_version() -> str:
    """Return the version as ffmpeg names it, e.g. ``5.1.6-0+deb12u1``.

    Raises
    ------
    MissingToolError
        If there is no ffmpeg, or it does not run.
    """
    binary = find_ffmpeg()
    try:
        answer = subprocess.run([binary, "-version"], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise MissingToolError(f"{binary} does not run ({error}): install ffmpeg 4.2 or newer") from error
    found = re.match(rb"ffmpeg version (\S+)", answer.stdout)
    return found[1].decode(errors="replace") if found else "unknown"


@cache
def has_filters(*names: str) -> bool:
    """Whether this build of ffmpeg has all these filters.

    Raises
    ------
    MissingToolError
        If there is no ffmpeg.
    """
    command = [find_ffmpeg(), "-hide_banner", "-filters"]
    answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    there = {words[1] for line in answer.stdout.decode(errors="replace").splitlines() if len(words := line.split()) > 2}
    return there.issuperset(names)


@dataclass(frozen=True)
class Header:
    """What ffmpeg says of a file on opening it.

    Attributes
    ----------
    container
        The first name of the container's kind, as ``mov`` of MP4; empty where it is no video.
    length
        Seconds that the container claims, 0 where it claims nothing.
    odd
        What ffmpeg finds odd, a line each.
    """

    container: str
    length: float
    odd: tuple[str, ...]


def read_header(path: Path) -> Header:
    """Open a video file without decoding it.

    Raises
    ------
    MissingToolError
        If there is no ffmpeg.
    """
    options = ["-nostdin", "-hide_banner", "-loglevel", "level+info"]
    options += ["-protocol_whitelist", "file,pipe", "-format_whitelist", CONTAINERS]
    command = [find_ffmpeg(), *options, "-i", f"file:{path}"]
    try:
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=ANSWER)
    except subprocess.TimeoutExpired:
        return Header("", 0.0, (f"ffmpeg did not open it within {ANSWER:g} s",))
    lines = answer.stderr.decode(errors="replace").splitlines()
    found = [(_INPUT.match(line), _LENGTH.match(line)) for line in lines]
    kinds = [kind[1] for kind, _ in found if kind]
    lengths = [int(one[1]) * 3600 + int(one[2]) * 60 + float(one[3]) for _, one in found if one]
    odd = tuple(error[1] for error in map(ERROR_LINE.match, lines) if error)
    return Header((kinds or [""])[0], (lengths or [0.0])[0], odd)


def compiled(stream: Any, path: str | Path) -> list[str]:
    """Return the command of an ffmpeg graph in which `PLACE` stands for the one file's name.

    The name is put in afterwards, because the graph takes only names in UTF-8.
    """
    words = ffmpeg.compile(stream, cmd=find_ffmpeg())
    return [f"file:{path}" if word == PLACE else word for word in words]


def write_video(path: Path, images: Iterable[NDArray[np.uint8]], rate: Fraction | float, **options: str | int) -> None:
    """Write (H, W, 3) RGB images of one size, with even sides, as an mp4 in h264.

    Parameters
    ----------
    path
        The file to write; an older one is replaced.
    images
        At least one; they are encoded as they come.
    rate
        Frames per second.
    **options
        Further output options of ffmpeg, as ``crf=18``.

    Raises
    ------
    MissingToolError
        If ffmpeg cannot write h264.
    OSError
        If the disk is full.
    """
    coming = iter(images)
    first = next(coming)
    height, width, _ = first.shape
    stream = ffmpeg.input("pipe:", format="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", framerate=str(rate))
    stream = stream.output(PLACE, format="mp4", vcodec="libx264", pix_fmt="yuv420p", **options)
    command = compiled(stream.global_args("-hide_banner", "-loglevel", "error", "-nostats", "-y"), path)
    with tempfile.TemporaryFile() as said:  # a file: nobody has to read it while images are written
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
        assert process.stdin is not None
        try:
            for image in chain([first], coming):
                process.stdin.write(np.ascontiguousarray(image).data)
            process.stdin.close()
        except BrokenPipeError:
            pass  # ffmpeg gave up; its exit code and words say why
        except BaseException:
            process.kill()
            raise
        finally:
            code = process.wait()
        if code != 0:
            said.seek(0)
            raise _failure(path, command[0], said.read().decode(errors="replace").strip().splitlines())


def _failure(path: Path, binary: str, said: list[str]) -> OSError | MissingToolError:
    if any(os.strerror(errno.ENOSPC) in line for line in said):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return MissingToolError(
        f"expected an ffmpeg that writes h264 (libx264), {binary} says: {(said or ['no reason given'])[-1]}"
    )
