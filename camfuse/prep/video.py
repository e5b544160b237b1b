"""Decode a clip's segment of a video into RGB frames with their true times, in one streaming ffmpeg process.

Pictures are as a player shows them: turned as the file's rotation says, one per frame of the file (a variable
frame rate is kept, nothing is doubled or dropped). Alpha is dropped. Pixels that are not square stay as stored.

Times come from ffmpeg's `showinfo` filter, which names each frame's exact time stamp on stderr before the frame's
bytes reach stdout; a thread reads stderr, so neither pipe can fill up and block the other.

Files are untrusted: they are opened by the `file:` protocol only, whatever their name looks like, and only as a
container that holds its own data, never as a playlist that names other files.
"""

import logging
import re
import shutil
import subprocess
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from queue import SimpleQueue
from threading import Thread
from typing import IO

import ffmpeg
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip
from camfuse.errors import ClipError, MissingToolError

log = logging.getLogger(__name__)

CONTAINERS = "mov,matroska,avi,gif,mpegts,mpeg,mpegvideo,m4v,h264,hevc,flv,asf,ogg,mxf,dv,ivf,nut,yuv4mpegpipe,wtv,rm"
"""ffmpeg demuxers that read one file and no other."""
LONGEST = 2.0
"""A frame that is held longer than this counts as this long (seconds) when the segment is cut."""
_TIE = 1e-6
_SHOWN = re.compile(r"\[Parsed_showinfo_[^]]*] \[info] n: *\d+ pts: *(NOPTS|-?\d+) .*? s:(\d+)x(\d+) ")
_CONFIG = re.compile(r"\[Parsed_showinfo_[^]]*] \[info] config in time_base: (\d+)/(\d+), frame_rate: (\d+)/(\d+)")
_ERROR = re.compile(r"(?:\[[^]]* @ [^]]*] )*\[(?:error|fatal|panic)] *(.*)")


@dataclass(frozen=True)
class Frame:
    """One decoded frame.

    Attributes
    ----------
    picture
        (H, W, 3) uint8, RGB, read-only.
    time
        Seconds from the first frame of the video.
    duration
        Seconds until the next frame; of the last frame, as long as the one before. 0 where nothing tells.
    """

    picture: NDArray[np.uint8]
    time: float
    duration: float


def read_frames(clip: Clip) -> Iterator[Frame]:
    """Decode the frames of ``[clip.start, clip.end)``, one at a time.

    A frame belongs to the segment when the middle of the time that it is shown does. For a constant rate that is
    a tolerance of half a frame on either end: borders that were counted at another rate fall on the nearest frame,
    and adjoining segments share none.

    Raises
    ------
    ClipError
        If the file is missing or is no video, a frame is lost to damage before the segment's end, the picture
        size changes, or the segment holds no frame.
    MissingToolError
        If there is no ffmpeg.
    """
    last, count = 0.0, 0
    with closing(_decode(clip)) as decoded:
        for frame in _with_durations(decoded):
            if frame.time >= clip.end:
                break
            last = frame.time + frame.duration
            middle = frame.time + min(frame.duration, LONGEST) / 2
            if clip.start - _TIE <= middle < clip.end - _TIE:
                count += 1
                yield frame
    if count == 0:
        raise ClipError(clip.clip_id, _empty(clip, last))


def _empty(clip: Clip, last: float) -> str:
    if 0 < last <= clip.start:
        return (
            f"the segment starts at {clip.start:.3f} s, but {clip.video} ends at {last:.3f} s; if the files hold one "
            "sign each already, set `clips.wlasl.trimmed: true` or leave start and end out of the table"
        )
    return f"no frame of {clip.video} lies between {clip.start:.3f} and {clip.end:.3f} s"


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


def _keep_every_frame() -> dict[str, str]:
    """Return the option that forbids doubling and dropping: ffmpeg 5.1 renamed it and 8 dropped the old name."""
    number = re.match(r"n?(\d+)\.(\d+)", ffmpeg_version())
    old = number is not None and (int(number[1]), int(number[2])) < (5, 1)
    return {"vsync": "passthrough"} if old else {"fps_mode": "passthrough"}


def _start_ffmpeg(clip: Clip) -> "subprocess.Popen[bytes]":
    video = ffmpeg.input(f"file:{clip.video}", threads=1, protocol_whitelist="file,pipe", format_whitelist=CONTAINERS)[
        "V:0"
    ]
    if clip.start > LONGEST:
        # Only spares the pipe the frames long before the segment; the first frame says when the video begins.
        video = video.filter("select", f"eq(n,0)+gte(t,{clip.start - LONGEST})")
    stream = video.filter("showinfo").output("pipe:", format="rawvideo", pix_fmt="rgb24", **_keep_every_frame())
    # xerror: a packet that cannot be decoded ends the run with an error instead of leaving its frame out.
    options = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+info", "-xerror", "-filter_threads", "1")
    command = ffmpeg.compile(stream.global_args(*options), cmd=find_ffmpeg())
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class _Messages(Thread):
    """Reads ffmpeg's stderr: what `showinfo` says of each frame, and errors."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._base = Fraction(0)
        self.rate = Fraction(0)
        self.errors: list[str] = []
        self.shown: SimpleQueue[tuple[Fraction | None, int, int] | None] = SimpleQueue()
        self.start()

    def run(self) -> None:
        """Read to the end; `shown` ends with None."""
        try:
            for line in self._stream:
                self._read(line.decode(errors="replace").strip())
        finally:
            self.shown.put(None)

    def _read(self, line: str) -> None:
        if shown := _SHOWN.match(line):
            seconds = None if shown[1] == "NOPTS" else int(shown[1]) * self._base
            self.shown.put((seconds, int(shown[2]), int(shown[3])))
        elif config := _CONFIG.match(line):
            base, per, rate, of = (int(part) for part in config.groups())
            self._base = Fraction(base, per or 1)
            self.rate = Fraction(rate, of) if of else Fraction(0)
        elif (error := _ERROR.match(line)) and len(self.errors) < 100:
            self.errors.append("".join(c if c.isprintable() else "?" for c in error[1])[:200])


def _decode(clip: Clip) -> Generator[Frame, None, None]:
    """Decode from the first frame on; `duration` is the container's own."""
    if not clip.video.is_file():
        raise ClipError(clip.clip_id, f"expected a video file at {clip.video}, found none")
    process = _start_ffmpeg(clip)
    assert process.stdout is not None
    assert process.stderr is not None
    messages = _Messages(process.stderr)
    try:
        yield from _pictures(clip, process.stdout, messages)
        if process.wait() != 0:
            raise ClipError(clip.clip_id, _reason(clip, messages.errors))
        if messages.errors:
            log.warning("clip %s: no frame lost, but ffmpeg says: %s", clip.clip_id, messages.errors[0])
    finally:
        process.kill()
        process.wait()
        messages.join()
        process.stdout.close()
        process.stderr.close()


def _pictures(clip: Clip, stdout: IO[bytes], messages: _Messages) -> Iterator[Frame]:
    first, last, size = Fraction(0), Fraction(0), (0, 0)
    position = 0
    while (shown := messages.shown.get()) is not None:
        seconds, width, height = shown
        data = stdout.read(width * height * 3)
        if len(data) < width * height * 3:
            return
        if seconds is None:
            raise ClipError(clip.clip_id, f"{clip.video}: frame {position} has no time stamp")
        if position == 0:
            first, last, size = seconds, seconds, (width, height)
        if size != (width, height):
            raise ClipError(clip.clip_id, f"{clip.video}: the picture changes from {size} to {(width, height)} pixels")
        if seconds < last:
            raise ClipError(
                clip.clip_id, f"{clip.video}: time runs backwards at {float(last - first):.3f} s, from one frame on"
            )
        last = seconds
        picture = np.frombuffer(data, np.uint8).reshape(height, width, 3)
        yield Frame(picture, float(seconds - first), float(1 / messages.rate) if messages.rate else 0.0)
        position += 1


def _with_durations(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Replace each duration with the time to the next frame, of the last frame with that of the one before."""
    waiting: Frame | None = None
    before: float | None = None
    for frame in frames:
        if waiting is not None:
            before = frame.time - waiting.time
            yield Frame(waiting.picture, waiting.time, before)
        waiting = frame
    if waiting is not None:
        yield Frame(waiting.picture, waiting.time, waiting.duration if before is None else before)


def _reason(clip: Clip, errors: list[str]) -> str:
    if any("matches no streams" in error for error in errors):
        return f"{clip.video} has no video stream"
    said = errors[0] if errors else "no reason given"
    return f"ffmpeg cannot decode all of {clip.video}: {said}"
