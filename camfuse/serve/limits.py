"""What an upload may be, checked before anybody works on it."""

from dataclasses import dataclass
from pathlib import Path

from camfuse.errors import ClipError
from camfuse.predict.recognise import clip_of
from camfuse.prep.video import read_frames


@dataclass(frozen=True)
class Limits:
    """The most that one upload may have.

    Attributes
    ----------
    megabytes
        Of the file.
    seconds
        Of the video.
    frames
        Of the video.
    pixels
        Of a frame.
    work
        Seconds that the work on it may take.
    waiting
        Uploads that wait for their turn; one more is sent away.
    live
        Cameras that are answered at the same time; one more is sent away.
    live_seconds
        How long a camera is answered without a break.
    """

    megabytes: float = 50.0
    seconds: float = 60.0
    frames: int = 3600
    pixels: int = 1920 * 1200
    work: float = 300.0
    waiting: int = 8
    live: int = 2
    live_seconds: float = 600.0


def check_video(video: Path, limits: Limits) -> None:
    """Look through an upload, one frame at a time.

    Raises
    ------
    ClipError
        If it cannot be decoded, or is too long or too large.
    """
    for number, frame in enumerate(read_frames(clip_of(video)), start=1):
        height, width = frame.image.shape[:2]
        if height * width > limits.pixels:
            raise ClipError("upload", f"expected frames of at most {limits.pixels} pixels, found {width} x {height}")
        if number > limits.frames or frame.time > limits.seconds:
            raise ClipError("upload", f"expected at most {limits.seconds:g} s and {limits.frames} frames, found more")
