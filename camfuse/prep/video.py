"""Decode a clip's segment of a video into RGB frames with their true times.

`camfuse.prep.decoder` says what the images are and what is refused; here the segment is found and cut.

A segment far inside an MP4, MOV, Matroska or WebM file is decoded from a key frame well before it; where the file's
index does not lead there, from the first frame on like any other. The frames and their times are the same.
"""

import logging
import math
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip
from camfuse.errors import ClipError
from camfuse.ffmpeg_tool import read_header
from camfuse.prep.decoder import LONGEST, PATIENCE, TICKS, Note, decode

log = logging.getLogger(__name__)

BEYOND = 1.0
"""Seconds that a segment may end after its video without a word."""
LATE = 0.1
"""Seconds by which a video's first frame may follow its sound without a word."""
FAR = 15.0
"""A segment that starts later than this (seconds) is looked for by the file's index."""
AHEAD = 5.0
"""Seconds of decoding before the first frame that may be of use: what stands right behind a key frame may be broken."""
INDEXED = ("mov", "matroska")
"""Containers whose index can be relied on."""
_TIE = 1e-6


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


def _no_notes(_: str) -> None:
    """Keep no notes."""


def read_frames(clip: Clip, note: Note | None = None, patience: float = PATIENCE) -> Iterator[Frame]:
    """Decode the frames of ``[clip.start, clip.end)``, one at a time.

    A frame belongs to the segment when the middle of the time that it is shown does. For a constant rate that is
    a tolerance of half a frame on either end: borders that were counted at another rate fall on the nearest frame,
    and adjoining segments share none.

    Parameters
    ----------
    clip
        The video and its segment.
    note
        Called with each sentence on what is odd and no error; it is logged in any case.
    patience
        Seconds that ffmpeg may take for the next frame.

    Raises
    ------
    ClipError
        If the file is missing or is no video, frames are lost to damage before the segment's end, time stamps are
        missing or run backwards, the segment holds no frame, or ffmpeg hangs.
    MissingToolError
        If there is no ffmpeg.
    """

    def say(text: str) -> None:
        log.warning("clip %s: %s", clip.clip_id, text)
        if note:
            note(text)

    last, count, shown = 0.0, 0, 0.0
    with closing(_frames(clip, say, patience)) as decoded:
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
        say(f"its segment ends at {clip.end:.3f} s, but {clip.video} is {shown:.3f} s long: is that in seconds?")


def _empty(clip: Clip, last: float) -> str:
    if last >= clip.start:
        return f"no frame of {clip.video} lies between {clip.start:.3f} and {clip.end:.3f} s"
    length = read_header(clip.video).length
    return (
        f"the segment starts at {clip.start:.3f} s, but {clip.video} is {length:.3f} s long: is that in seconds? If "
        "the files hold one sign each already, leave start and end out of the table, or, of WLASL, set "
        "`clips.wlasl.trimmed: true`"
    )


def _frames(clip: Clip, say: Note, patience: float) -> Generator[Frame, None, None]:
    """Decode what is needed of a clip, and perhaps more before and after it; durations are not known yet."""
    if clip.start > FAR:
        with closing(_found(clip, say, patience)) as found:
            # the first frame only tells that the search went well
            if _first_of(found) is not None:
                yield from found
                return
    first: int | None = None
    for stamp, image in decode(clip, say, patience=patience):
        if first is None:
            first = stamp
            _say_whose_clock(clip, first / TICKS, say)
        yield Frame(image, (stamp - first) / TICKS, 0.0)


def _say_whose_clock(clip: Clip, late: float, say: Note) -> None:
    """Say that a segment is counted from the first frame, where a player's clock begins with the sound before it."""
    if late > LATE and (clip.start > 0 or clip.end < math.inf):
        say(
            f"the images of {clip.video} begin {late:.3f} s after the sound; start and end count from the first image, "
            "players and `ffmpeg -ss` from the sound"
        )


def _first_of(frames: Iterator[Frame]) -> Frame | None:
    try:
        return next(frames, None)
    except ClipError as error:  # decoding from the first frame on tells what is wrong, if anything is
        log.info("clip %s: not looked for by the index: %s", error.clip_id, error.reason)
        return None


def _found(clip: Clip, say: Note, patience: float) -> Generator[Frame, None, None]:
    """Decode from a key frame before the clip, which comes first; nothing where the index does not lead there."""
    header = read_header(clip.video)
    if header.container not in INDEXED or clip.start >= header.length:
        return
    with closing(decode(replace(clip, start=0.0), say, patience=patience)) as decoded:
        first, example = next(decoded, (0, None))
    if example is None:
        return
    _say_whose_clock(clip, first / TICKS, say)
    needed = first / TICKS + clip.start - LONGEST
    with closing(decode(clip, say, needed - AHEAD, patience)) as decoded:
        for number, (stamp, image) in enumerate(decoded):
            # later images are scaled to the size of the first one
            if number == 0 and (stamp >= needed * TICKS or image.shape != example.shape):
                return
            yield Frame(image, (stamp - first) / TICKS, 0.0)


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
