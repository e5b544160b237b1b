"""What the videos are: each is decoded as the stage `frames` will, so that what is broken is known before."""

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from pathlib import Path

from tqdm import tqdm

from camfuse.clips.table import Clip
from camfuse.errors import ClipError
from camfuse.prep.video import read_frames

MOST = 400
"""Videos that are decoded; of more, as many are chosen, evenly over the folder."""


@dataclass(frozen=True)
class VideoFacts:
    """One video.

    Attributes
    ----------
    path
        From the folder of words.
    frames, seconds
        Its length.
    width, height
        Of its images, pixels.
    problem
        Why it cannot be used; empty where it can.
    """

    path: str
    frames: int = 0
    seconds: float = 0.0
    width: int = 0
    height: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Videos:
    """What was found.

    Attributes
    ----------
    listed
        Videos of the folder.
    looked
        Those that were decoded.
    """

    listed: int
    looked: tuple[VideoFacts, ...]

    @property
    def whole(self) -> list[VideoFacts]:
        """Those that can be used."""
        return [one for one in self.looked if not one.problem]

    @property
    def broken(self) -> list[VideoFacts]:
        """Those that cannot."""
        return [one for one in self.looked if one.problem]

    @property
    def frames(self) -> int:
        """Frames of all, by the mean of those that were decoded."""
        return round(self.listed * sum(one.frames for one in self.looked) / max(len(self.looked), 1))

    def sentences(self) -> Iterator[str]:
        """Say how long and how large they are, and which are broken."""
        if self.listed > len(self.looked):
            yield f"Looked into {len(self.looked)} of {self.listed} videos."
        if self.whole:
            seconds = [one.seconds for one in self.whole]
            rates = [one.frames / one.seconds for one in self.whole if one.seconds > 0]
            sizes = Counter(f"{one.width} x {one.height}" for one in self.whole).most_common()
            others = f" and {len(sizes) - 3} other sizes" if len(sizes) > 3 else ""
            yield (
                f"Length: {min(seconds):.1f} to {max(seconds):.1f} s, median {statistics.median(seconds):.1f} s; "
                f"{min(rates, default=math.nan):.0f} to {max(rates, default=math.nan):.0f} images a second."
            )
            yield f"Size: {', '.join(f'{size} ({count})' for size, count in sizes[:3])}{others}."
        yield f"Broken: {len(self.broken)}{':' if self.broken else '.'}"
        yield from (f"  {one.path}: {one.problem}" for one in self.broken)


def look_at_videos(folder: Path, paths: Sequence[str], threads: int) -> Videos:
    """Decode videos, or `MOST` of them.

    Parameters
    ----------
    folder, paths
        The folder, and the videos in it.
    threads
        How many are decoded at once.

    Raises
    ------
    MissingToolError
        If there is no ffmpeg.
    """
    chosen = [paths[number * len(paths) // MOST] for number in range(MOST)] if len(paths) > MOST else list(paths)
    with ThreadPool(max(1, min(threads, len(chosen)))) as pool:
        looked = pool.imap(lambda path: _look(folder, path), chosen)
        return Videos(len(paths), tuple(tqdm(looked, desc="looking at videos", total=len(chosen), leave=False)))


def _look(folder: Path, path: str) -> VideoFacts:
    frames, last, size = 0, 0.0, (0, 0)
    try:
        for frame in read_frames(Clip(path, folder / path, 0.0, math.inf, None, "")):
            frames, last, size = frames + 1, frame.time + frame.duration, frame.image.shape[:2]
    except ClipError as error:
        return VideoFacts(path, problem=error.reason)
    height, width = size
    return VideoFacts(path, frames, last, width, height)
