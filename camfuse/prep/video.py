"""Decode a clip's segment of a video into RGB frames with their true times, in one streaming ffmpeg process.

Images are as a player shows them: turned as the file's rotation says, one per frame of the file (a variable
frame rate is kept, nothing is doubled or dropped). Alpha is dropped, pixels that are not square stay as stored, and a
file whose image size changes is scaled to its first size.

ffmpeg has three outputs: images on stdout (PPM, which names its own size), one line with the exact time stamp
per image on a pipe of its own, always ahead of the image, and errors on stderr, which a thread reads. So no
pipe can fill up and block another, and no log line can be taken for a time.

A segment far inside an MP4, MOV, Matroska or WebM file is decoded from a key frame well before it; where the file's
index does not lead there, from the first frame on like any other. The frames and their times are the same.

A frame that damage costs is an error, never a gap. MP4, MOV and Matroska that were cut off are noticed; what ends
early in a container that needs no proper end (MPEG-TS, Ogg, GIF, AVI without its index) cannot always be.

Files are untrusted: they are opened by the `file:` protocol only, whatever their name looks like, and only as a
container that holds its own data, never as a playlist that names other files.
"""

import logging
import math
import os
import re
import subprocess
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from threading import Thread
from typing import IO

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip
from camfuse.errors import ClipError, MissingToolError
from camfuse.ffmpeg_tool import CONTAINERS, ERROR_LINE, PLACE, compiled, ffmpeg_version, find_ffmpeg, read_header
from camfuse.files import found_instead

log = logging.getLogger(__name__)

BEYOND = 1.0
"""Seconds that a segment may end after its video without a word."""
LATE = 0.1
"""Seconds by which a video's first frame may follow its sound without a word."""
LONGEST = 2.0
"""A frame that is held longer than this counts as this long (seconds) when the segment is cut."""
FAR = 15.0
"""A segment that starts later than this (seconds) is looked for by the file's index."""
AHEAD = 5.0
"""Seconds of decoding before the first frame that may be of use: what stands right behind a key frame may be broken."""
INDEXED = ("mov", "matroska")
"""Containers whose index can be relied on."""
SLACK = 0.1
"""Seconds by which a damaged file's frames may end before the container does and still be complete."""
TICKS = 705_600_000
"""Ticks per second that time stamps are counted in: every usual frame rate and time base divides it (a "flick")."""
OLDEST = (4, 3)
"""The oldest ffmpeg that writes time stamps without delay."""
KEPT_ERRORS = 20
SHOWN = 200
_TIE = 1e-6
_STAMP = re.compile(rb"frame:\d+ +pts:(NOPTS|-?\d+) ")


@dataclass(frozen=True)
class Frame:
    """One decoded frame.

    Attributes
    ----------
    image
        (H, W, 3) uint8, RGB, read-only.
    time
        Seconds from the first frame of the video.
    duration
        Seconds until the next frame; of the last frame, as long as the one before. 0 where nothing tells.
    """

    image: NDArray[np.uint8]
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
        If the file is missing or is no video, frames are lost to damage before the segment's end, time stamps are
        missing or run backwards, or the segment holds no frame.
    MissingToolError
        If there is no ffmpeg.
    """
    last, count, shown = 0.0, 0, 0.0
    with closing(_frames(clip)) as decoded:
        for frame in _with_durations(decoded):
            last, shown = frame.time, frame.time + frame.duration
            if frame.time >= clip.end:
                break
            middle = frame.time + min(frame.duration, LONGEST) / 2
            if clip.start - _TIE <= middle < clip.end - _TIE:
                count += 1
                yield frame
    if count == 0:
        raise ClipError(clip.clip_id, _empty(clip, last))
    if shown + BEYOND < clip.end < math.inf:
        log.warning(
            "clip %s: its segment ends at %.3f s, but %s is %.3f s long: is that in seconds?",
            *(clip.clip_id, clip.end, clip.video, shown),
        )


def _empty(clip: Clip, last: float) -> str:
    if last >= clip.start:
        return f"no frame of {clip.video} lies between {clip.start:.3f} and {clip.end:.3f} s"
    length = read_header(clip.video).length
    return (
        f"the segment starts at {clip.start:.3f} s, but {clip.video} is {length:.3f} s long; if the files hold one "
        "sign each already, set `clips.wlasl.trimmed: true` or leave start and end out of the table"
    )


def _keep_every_frame() -> dict[str, str]:
    """Return the option that forbids doubling and dropping; ffmpeg 5.1 renamed it, later ones lack the old name.

    Raises
    ------
    MissingToolError
        If ffmpeg is too old to write time stamps to a pipe.
    """
    found = re.match(r"n?(\d+)\.(\d+)", ffmpeg_version())
    number = (int(found[1]), int(found[2])) if found else (99, 0)  # a build without number is a recent one
    if number < OLDEST:
        raise MissingToolError(
            f"expected ffmpeg {OLDEST[0]}.{OLDEST[1]} or newer, found {ffmpeg_version()} ({find_ffmpeg()}): renew it, "
            "or take it off PATH to use the one of the package imageio-ffmpeg"
        )
    return {"vsync": "passthrough"} if number < (5, 1) else {"fps_mode": "passthrough"}


def _command(clip: Clip, times: int, seek: float | None) -> list[str]:
    """Return the command that writes images to stdout and their time stamps to the descriptor `times`.

    With `seek`, the seconds from the container's beginning to look for, images begin at a key frame before that.
    """
    # copied stamps that start at zero are what ffmpeg gives without a search
    there = {} if seek is None else {"ss": f"{seek:.6f}", "noaccurate_seek": None}
    video = ffmpeg.input(PLACE, threads=1, protocol_whitelist="file,pipe", format_whitelist=CONTAINERS, **there)["V:0"]
    if clip.start > LONGEST:
        # Only spares the pipe the frames long before the segment; the first frame says when the video begins, or that a
        # search went well: decoding from anything but a whole image (intra refresh) is nearly right, not right.
        first = "eq(n,0)" if seek is None else "eq(n,0)*eq(pict_type,I)"
        video = video.filter("select", f"{first}+gte(t,{clip.start - LONGEST})")
    video = (
        video.filter("settb", f"1/{TICKS}")
        .filter("metadata", mode="delete")
        .filter("metadata", mode="add", key="camfuse", value="1")
        .filter("metadata", mode="print", key="camfuse", file=f"pipe:{times}", direct="1")
    )
    images = video.output("pipe:", format="image2pipe", vcodec="ppm", pix_fmt="rgb24", **_keep_every_frame())
    # xerror: a packet that cannot be decoded ends the run with an error instead of leaving its frame out.
    options = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+error", "-xerror", "-filter_threads", "1")
    stamps = () if seek is None else ("-copyts", "-start_at_zero")
    return compiled(images.global_args(*options, *stamps), clip.video)


class _Errors(Thread):
    """Reads ffmpeg's stderr to its end and keeps the first error lines, without addresses and odd characters."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self.lines: list[str] = []
        self.start()

    def run(self) -> None:
        """Read to the end."""
        for line in self._stream:
            if (error := ERROR_LINE.match(line.decode(errors="replace").strip())) and len(self.lines) < KEPT_ERRORS:
                self.lines.append("".join(c if c.isprintable() else "?" for c in error[1]))


def _frames(clip: Clip) -> Generator[Frame, None, None]:
    """Decode what is needed of a clip, and perhaps more before and after it; durations are not known yet."""
    if clip.start > FAR:
        with closing(_found(clip)) as found:
            # the first frame only tells that the search went well
            if _first_of(found) is not None:
                yield from found
                return
    first: int | None = None
    for stamp, image in _decode(clip):
        if first is None:
            first = stamp
            _say_whose_clock(clip, first / TICKS)
        yield Frame(image, (stamp - first) / TICKS, 0.0)


def _say_whose_clock(clip: Clip, late: float) -> None:
    """Say that a segment is counted from the first frame, where a player's clock begins with the sound before it."""
    if late > LATE and (clip.start > 0 or clip.end < math.inf):
        log.warning(
            "clip %s: the images of %s begin %.3f s after the sound; start and end count from the first image, players "
            "and `ffmpeg -ss` from the sound",
            *(clip.clip_id, clip.video, late),
        )


def _first_of(frames: Iterator[Frame]) -> Frame | None:
    try:
        return next(frames, None)
    except ClipError as error:  # decoding from the first frame on tells what is wrong, if anything is
        log.info("clip %s: not looked for by the index: %s", error.clip_id, error.reason)
        return None


def _found(clip: Clip) -> Generator[Frame, None, None]:
    """Decode from a key frame before the clip, which comes first; nothing where the index does not lead there."""
    header = read_header(clip.video)
    if header.container not in INDEXED or clip.start >= header.length:
        return
    with closing(_decode(replace(clip, start=0.0))) as decoded:
        first, example = next(decoded, (0, None))
    if example is None:
        return
    _say_whose_clock(clip, first / TICKS)
    needed = first / TICKS + clip.start - LONGEST
    with closing(_decode(clip, needed - AHEAD)) as decoded:
        for number, (stamp, image) in enumerate(decoded):
            # later images are scaled to the size of the first one
            if number == 0 and (stamp >= needed * TICKS or image.shape != example.shape):
                return
            yield Frame(image, (stamp - first) / TICKS, 0.0)


def _decode(clip: Clip, seek: float | None = None) -> Generator[tuple[int, NDArray[np.uint8]], None, None]:
    """Decode from the first frame on, or from a key frame before `seek`: time stamps in ticks, and images."""
    if not clip.video.is_file():
        raise ClipError(clip.clip_id, f"expected a video file at {clip.video}, found none")
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as times:
        try:
            command = _command(clip, writer, seek)
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(writer,)
            )
        finally:
            os.close(writer)
        assert process.stdout is not None
        assert process.stderr is not None
        errors = _Errors(process.stderr)
        try:
            end = yield from _images(clip, process.stdout, times)
            code = process.wait()
            errors.join()
            _check_end(clip, errors.lines, end, code)
        finally:
            process.kill()
            process.wait()
            errors.join()
            process.stdout.close()
            process.stderr.close()


def _images(clip: Clip, stdout: IO[bytes], times: IO[bytes]) -> Generator[tuple[int, NDArray[np.uint8]], None, float]:
    """Yield the images as they come; return when the last one ends as the file counts, in seconds."""
    first, last, gap = 0, 0, 0
    for position, stamp in enumerate(_stamps(times)):
        image = _read_ppm(stdout)
        if image is None:
            break
        if stamp is None:
            raise ClipError(clip.clip_id, f"{clip.video}: frame {position} has no time stamp")
        if position == 0:
            first, last = stamp, stamp
        if stamp < last:
            raise ClipError(clip.clip_id, f"{clip.video}: time runs backwards at {(last - first) / TICKS:.3f} s")
        last, gap = stamp, stamp - last
        yield stamp, image
    return (last + gap) / TICKS


def _stamps(times: IO[bytes]) -> Iterator[int | None]:
    for line in times:
        if found := _STAMP.match(line):
            yield None if found[1] == b"NOPTS" else int(found[1])


def _read_ppm(stdout: IO[bytes]) -> NDArray[np.uint8] | None:
    """Read one image (ffmpeg's header: ``P6``, ``width height``, ``255``, a line each); None at the end."""
    header = [stdout.readline() for _ in range(3)]
    if not header[2].endswith(b"\n"):
        return None
    width, height = (int(number) for number in header[1].split())
    data = stdout.read(width * height * 3)
    return np.frombuffer(data, np.uint8).reshape(height, width, 3) if len(data) == width * height * 3 else None


def _check_end(clip: Clip, errors: list[str], end: float, code: int) -> None:
    """Raise if frames are missing: ffmpeg gave up, or met damage and ended before the container does."""
    if any("matches no streams" in error for error in errors):
        raise ClipError(clip.clip_id, f"{clip.video} has no video stream")
    if code != 0:
        said = f"ffmpeg cannot decode all of {clip.video}: {(errors[0] if errors else f'exit code {code}')[:SHOWN]}"
        if instead := found_instead(clip.video):
            said = f"expected a video, found {instead} ({said})"
        elif any("moov atom not found" in error for error in errors):
            said = f"expected a whole video, found one whose index is missing: it was cut off, copy it again ({said})"
        raise ClipError(clip.clip_id, said)
    if not errors:
        return
    header = read_header(clip.video)
    damage = list((Counter(errors) - Counter(header.odd)).elements())
    if damage and end + SLACK < header.length:
        raise ClipError(
            clip.clip_id,
            f"{clip.video} should be {header.length:.2f} s long, but its frames end at {end:.2f} s: "
            f"{damage[0][:SHOWN]}",
        )
    log.warning("clip %s: all frames are there, but ffmpeg says: %s", clip.clip_id, errors[0][:SHOWN])


def _with_durations(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Replace each duration with the time to the next frame, of the last frame with that of the one before."""
    waiting: Frame | None = None
    before = 0.0
    for frame in frames:
        if waiting is not None:
            before = frame.time - waiting.time
            yield Frame(waiting.image, waiting.time, before)
        waiting = frame
    if waiting is not None:
        yield Frame(waiting.image, waiting.time, before)
