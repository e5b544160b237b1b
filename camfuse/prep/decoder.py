"""One streaming ffmpeg process that decodes a video: images and their exact time stamps.

Images are as a player shows them: turned as the file's rotation says, one per frame of the file (a variable
frame rate is kept, nothing is doubled or dropped). The colours of HDR video (HLG, PQ) are brought into the range of
others where this ffmpeg can; else a note says that they are washed out. Alpha is dropped, pixels that are not square
stay as stored, and a file whose image size changes is scaled to its first size.

ffmpeg has three outputs: images on stdout (PPM, which names its own size), one line with the exact time stamp
per image on a pipe of its own, always ahead of the image, and what it says on stderr, which a thread reads. So no
pipe can fill up and block another, and no log line can be taken for a time.

A frame that damage costs is an error, never a gap. MP4, MOV and Matroska that were cut off are noticed; what ends
early in a container that needs no proper end (MPEG-TS, Ogg, GIF, AVI without its index) cannot always be.

Files are untrusted: they are opened by the `file:` protocol only, whatever their name looks like, and only as a
container that holds its own data, never as a playlist that names other files.
"""

import logging
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from threading import Event, Thread
from time import monotonic
from typing import IO

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip
from camfuse.errors import ClipError, MissingToolError
from camfuse.ffmpeg_tool import (
    CONTAINERS,
    ERROR_LINE,
    PLACE,
    compiled,
    ffmpeg_version,
    find_ffmpeg,
    has_filters,
    read_header,
)
from camfuse.files import found_instead

log = logging.getLogger(__name__)

LONGEST = 2.0
"""A frame that is held longer than this counts as this long (seconds) when the segment is cut."""
SLACK = 0.1
"""Seconds by which a damaged file's frames may end before the container does and still be complete."""
TICKS = 705_600_000
"""Ticks per second that time stamps are counted in: every usual frame rate and time base divides it (a "flick")."""
PATIENCE = 600.0
"""Seconds that ffmpeg may take for the next image; up to a late segment's start it gives none."""
OLDEST = (4, 3)
"""The oldest ffmpeg that writes time stamps without delay."""
KEPT_ERRORS = 20
SHOWN = 200
HDR = {b"arib-std-b67": "HLG", b"smpte2084": "PQ"}
"""Transfer curves of HDR video, as ffmpeg names them, and what people call them."""
TONE_MAP: tuple[tuple[str, Mapping[str, str | int]], ...] = (
    ("zscale", {"transfer": "linear", "npl": 203}),  # the white of a page in HDR video, in cd/m2 (ITU-R BT.2408)
    ("format", {"pix_fmts": "gbrpf32le"}),
    ("zscale", {"primaries": "bt709"}),
    ("tonemap", {"tonemap": "mobius", "desat": 0}),
    ("zscale", {"transfer": "bt709", "matrix": "bt709", "range": "tv"}),
    ("format", {"pix_fmts": "yuv444p"}),
)
"""ffmpeg's filters, and their options, that bring HDR into the range of other video."""
OPENED = 5.0
"""Seconds to wait for what ffmpeg says of a file, once its first image is there."""
_STREAM = re.compile(rb"\[info]   Stream #0:\d+.*: Video: .*[/(](" + b"|".join(HDR) + rb")\b")
_OUTPUT = b"[info] Output #0"
_STAMP = re.compile(rb"frame:\d+ +pts:(NOPTS|-?\d+) ")

Stamped = tuple[int, NDArray[np.uint8]]
"""A time stamp in `TICKS` from the container's beginning, and the image (H, W, 3), RGB, read-only."""
Note = Callable[[str], None]
"""Takes a sentence on what is odd and no error."""


def decode(
    clip: Clip, note: Note, seek: float | None = None, patience: float = PATIENCE
) -> Generator[Stamped, None, None]:
    """Decode from the first frame on, or from a key frame before `seek` (seconds from the container's beginning).

    Of a clip that starts late, frames long before its start are left out, but for the first. With `seek`, that one is
    left out too unless it is a whole image: decoding from anything else (intra refresh) is nearly right, not right.

    Raises
    ------
    ClipError
        If the file is missing or is no video, frames are lost to damage, time stamps are missing or run backwards, or
        nothing comes for `patience` seconds.
    MissingToolError
        If there is no ffmpeg.
    """
    if not clip.video.is_file():
        raise ClipError(clip.clip_id, f"expected a video file at {clip.video}, found none")
    try:
        yield from _decode(clip, seek, patience, mapped=False)
    except _HdrError as found:
        yield from _mapped(clip, seek, patience, note, found.kind)


class _HdrError(Exception):
    """The video is HDR; raised before its first image is given out."""

    def __init__(self, kind: str) -> None:
        self.kind = kind


def _mapped(clip: Clip, seek: float | None, patience: float, note: Note, kind: str) -> Generator[Stamped, None, None]:
    if has_filters("zscale", "tonemap"):
        with closing(_decode(clip, seek, patience, mapped=True)) as decoded:
            try:
                first = next(decoded, None)
            except ClipError as error:
                log.info("clip %s: colours not mapped: %s", clip.clip_id, error.reason)
            else:
                if first is not None:
                    note(f"HDR video ({kind}), its colours brought into the range of other video")
                    yield first
                    yield from decoded
                return
    note(f"HDR video ({kind}), its colours washed out: that takes an ffmpeg with the filters zscale and tonemap")
    yield from _decode(clip, seek, patience, mapped=None)


def _decode(clip: Clip, seek: float | None, patience: float, *, mapped: bool | None) -> Generator[Stamped, None, None]:
    """Decode with the colours mapped, or not (None), or not (False) with an error for HDR video."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as times:
        try:
            command = _command(clip, writer, seek, mapped=bool(mapped))
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(writer,)
            )
        finally:
            os.close(writer)
        assert process.stdout is not None
        assert process.stderr is not None
        said = _Said(process.stderr)
        watch = _Watch(process, patience)
        try:
            images = _watched(_images(clip, process.stdout, times), watch)
            if mapped is False:
                images = _unless_hdr(images, said)
            end = yield from images
            code = process.wait()
            said.join()
            if watch.hung:
                raise ClipError(
                    clip.clip_id,
                    f"ffmpeg gave nothing of {clip.video} for {patience:g} s and was ended (machine.patience)",
                )
            _check_end(clip, said.errors, end, code)
        finally:
            watch.over.set()
            process.kill()
            process.wait()
            said.join()
            process.stdout.close()
            process.stderr.close()


class _Watch(Thread):
    """Kills a process that is waited for too long.

    Attributes
    ----------
    since
        When waiting began, None while nobody waits.
    hung
        Whether it was killed.
    over
        Set when nobody will wait any more.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", patience: float) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._patience = patience
        self.since: float | None = monotonic()
        self.hung = False
        self.over = Event()
        self.start()

    def run(self) -> None:
        """Look now and then until it is over."""
        while not self.over.wait(self._patience / 8):
            since = self.since
            if since is not None and monotonic() - since > self._patience:
                self.hung = True
                self._process.kill()
                return


def _watched(images: Generator[Stamped, None, float], watch: _Watch) -> Generator[Stamped, None, float]:
    """Pass the images on; the time that their reader takes is not waiting for ffmpeg."""
    while True:
        watch.since = monotonic()
        try:
            stamped = next(images)
        except StopIteration as end:
            return float(end.value)
        watch.since = None
        yield stamped


def _unless_hdr(images: Generator[Stamped, None, float], said: "_Said") -> Generator[Stamped, None, float]:
    """Pass the images on, or raise `_HdrError` before the first."""
    try:
        first = next(images)
    except StopIteration as end:
        return float(end.value)
    said.opened.wait(OPENED)
    if said.hdr:
        raise _HdrError(said.hdr)
    yield first
    return (yield from images)


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


def _command(clip: Clip, times: int, seek: float | None, *, mapped: bool) -> list[str]:
    """Return the command that writes images to stdout and their time stamps to the descriptor `times`."""
    # copied stamps that start at zero are what ffmpeg gives without a search
    there = {} if seek is None else {"ss": f"{seek:.6f}", "noaccurate_seek": None}
    video = ffmpeg.input(PLACE, threads=1, protocol_whitelist="file,pipe", format_whitelist=CONTAINERS, **there)["V:0"]
    if clip.start > LONGEST:
        # only spares the pipe the frames long before the segment
        first = "eq(n,0)" if seek is None else "eq(n,0)*eq(pict_type,I)"
        video = video.filter("select", f"{first}+gte(t,{clip.start - LONGEST})")
    for name, keys in TONE_MAP if mapped else ():
        video = video.filter(name, **keys)
    video = (
        video.filter("settb", f"1/{TICKS}")
        .filter("metadata", mode="delete")
        .filter("metadata", mode="add", key="camfuse", value="1")
        .filter("metadata", mode="print", key="camfuse", file=f"pipe:{times}", direct="1")
    )
    images = video.output("pipe:", format="image2pipe", vcodec="ppm", pix_fmt="rgb24", **_keep_every_frame())
    # xerror: a packet that cannot be decoded ends the run with an error instead of leaving its frame out.
    options = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+info", "-xerror", "-filter_threads", "1")
    stamps = () if seek is None else ("-copyts", "-start_at_zero")
    return compiled(images.global_args(*options, *stamps), clip.video)


class _Said(Thread):
    """Reads ffmpeg's stderr to its end: whether the video is HDR, and the first errors, without odd characters."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self.errors: list[str] = []
        self.hdr = ""
        self.opened = Event()
        """Set when the video's streams were named."""
        self.start()

    def run(self) -> None:
        """Read to the end."""
        for line in self._stream:
            if line.startswith(_OUTPUT):
                self.opened.set()
            elif (stream := _STREAM.match(line)) and not self.opened.is_set():
                self.hdr = HDR[stream[1]]
            elif (error := ERROR_LINE.match(line.decode(errors="replace").strip())) and len(self.errors) < KEPT_ERRORS:
                self.errors.append("".join(c if c.isprintable() else "?" for c in error[1]))
        self.opened.set()


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
