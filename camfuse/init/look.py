"""What the videos are: each is decoded as the stage `frames` will, so that what is broken is known before."""

import math
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from camfuse.clips.label_files import name_some
from camfuse.clips.table import Clip
from camfuse.errors import ClipError
from camfuse.prep.video import read_frames

MOST = 400
"""Clips that are decoded; of more, as many are chosen, evenly over all."""


@dataclass(frozen=True)
class VideoFacts:
    """The video of one clip, or the clip's part of it.

    Attributes
    ----------
    clip_id
        Of the clip table.
    name
        What the user calls it: its path below the folder of the videos, and its seconds if it is a part.
    frames, seconds
        Its length.
    width, height
        Of its images, pixels.
    problem
        Why it cannot be used; empty where it can.
    """

    clip_id: str
    name: str
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
        Clips whose video is there.
    looked
        Those that were decoded.
    missing
        Those whose video is not there.
    """

    listed: int
    looked: tuple[VideoFacts, ...]
    missing: tuple[VideoFacts, ...] = ()

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
        """Say how long and how large they are, and which are missing or broken."""
        if self.missing:
            yield f"Missing: {len(self.missing)}: {name_some([one.name for one in self.missing])}."
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
        yield from (f"  {one.name}: {one.problem}" for one in self.broken)


def look_at_videos(rows: pd.DataFrame, folder: Path, threads: int) -> Videos:
    """Decode clips, or `MOST` of them.

    Parameters
    ----------
    rows
        clip_id, video, start and end of each (seconds; an end of NaN is the video's).
    folder
        Where the user's paths start.
    threads
        How many are decoded at once.

    Raises
    ------
    MissingToolError
        If there is no ffmpeg.
    """
    clips = [
        Clip(row.clip_id, Path(row.video), row.start, math.inf if math.isnan(row.end) else row.end, None, "")
        for row in rows.itertuples(index=False)
    ]
    missing = tuple(_facts(clip, folder) for clip in clips if not clip.video.is_file())
    there = [clip for clip in clips if clip.video.is_file()]
    chosen = [there[number * len(there) // MOST] for number in range(MOST)] if len(there) > MOST else there
    with ThreadPool(max(1, min(threads, len(chosen)))) as pool:
        looked = pool.imap(lambda clip: _look(clip, folder), chosen)
        bar = tqdm(looked, desc="looking at videos", total=len(chosen), leave=False)
        return Videos(len(there), tuple(bar), missing)


def _facts(clip: Clip, folder: Path) -> VideoFacts:
    """Return what a clip is called, and nothing of it yet."""
    path = clip.video.relative_to(folder) if clip.video.is_relative_to(folder) else clip.video
    part = f", from {clip.start:g} s" if clip.start else ""
    return VideoFacts(clip.clip_id, f"{path.as_posix()}{part}")


def _look(clip: Clip, folder: Path) -> VideoFacts:
    facts = _facts(clip, folder)
    frames, first, last, size = 0, math.nan, math.nan, (0, 0)
    try:
        for frame in read_frames(clip):
            first = frame.time if not frames else first
            frames, last, size = frames + 1, frame.time + frame.duration, frame.image.shape[:2]
    except ClipError as error:
        return replace(facts, problem=error.reason)
    height, width = size
    return replace(facts, frames=frames, seconds=last - first, width=width, height=height)
