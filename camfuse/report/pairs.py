"""The most confused pairs of words, moving: a tested clip beside a training clip of the word that it was taken for."""

import base64
import logging
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from camfuse.errors import MissingToolError
from camfuse.ffmpeg_tool import write_video
from camfuse.report.classes import Prediction
from camfuse.report.examples import choose_clips
from camfuse.run.layout import Run
from camfuse.show.clip_images import ClipImages
from camfuse.show.clip_view import view_stored

log = logging.getLogger(__name__)

MOST_PAIRS = 6
SIDE = 160
"""Width and height of a video in pixels."""
FASTEST, LONGEST = 12.5, 40
"""Frames per second and frames that a video has at most; a longer clip shows fewer of its frames, in its own time."""


@dataclass(frozen=True)
class Moving:
    """A clip as a small video in a data URL."""

    clip_id: str
    label: str
    video: str


@dataclass(frozen=True)
class Pair:
    """Two words, the first of which was taken for the second.

    Attributes
    ----------
    label, taken
        The true word and the other.
    times, clips
        How often, of how many tested clips of the word.
    sure
        The model's probability for the wrong word in the clip that is shown.
    tested, trained
        The tested clip that it was surest of, and a training clip of the other word (None where none can be drawn).
    """

    label: str
    taken: str
    times: int
    clips: int
    sure: float
    tested: Moving
    trained: Moving | None


def confused_pairs(predictions: Sequence[Prediction]) -> list[list[Prediction]]:
    """Return the errors by pair of words, the most frequent pair first; in each the surest error first.

    Among pairs that are equally frequent, that comes first in which the model was surest.
    """
    pairs: dict[tuple[str, str], list[Prediction]] = {}
    for one in sorted((p for p in predictions if not p.right), key=lambda p: (-p.probability, p.clip_id)):
        pairs.setdefault((one.label, one.predicted), []).append(one)
    return sorted(pairs.values(), key=lambda found: (-len(found), -found[0].probability, found[0].clip_id))


def draw_pairs(
    run: Run, predictions: Sequence[Prediction], clips: pd.DataFrame | None, ready: Collection[str]
) -> tuple[list[Pair], str]:
    """Draw the most confused pairs; a note says why there are none where ffmpeg cannot write the videos.

    Parameters
    ----------
    run
        Whose shards are read.
    predictions
        Of the tested clips.
    clips
        The clip table, once it is there.
    ready
        Ids of the clips that can be drawn.
    """
    if clips is None or not run.config.report.examples:  # who wants no drawn clips on the page wants no moving ones
        return [], ""
    totals = pd.Series([p.label for p in predictions]).value_counts()
    training = clips[(clips["split"] == "train") & clips["clip_id"].isin(set(ready))]
    found = [[p for p in errors if p.clip_id in ready] for errors in confused_pairs(predictions)]
    shown = [errors for errors in found if errors][:MOST_PAIRS]
    drawn = []
    try:
        for first, *others in tqdm(shown, desc="draw confused pairs", unit="pair", mininterval=1.0, disable=not shown):
            beside = choose_clips(training["clip_id"][training["label"] == first.predicted], 1)
            drawn.append(
                Pair(
                    label=first.label,
                    taken=first.predicted,
                    times=1 + len(others),
                    clips=int(totals[first.label]),
                    sure=first.probability,
                    tested=Moving(first.clip_id, first.label, video_url(run, first.clip_id)),
                    trained=Moving(beside[0], first.predicted, video_url(run, beside[0])) if beside else None,
                )
            )
    except MissingToolError as error:
        log.warning("the report has no videos: %s", error)
        return [], f"The confused pairs are not shown moving: {error}"
    return drawn, ""


def video_url(run: Run, clip_id: str) -> str:
    """Return the clip's crops with their skeleton as a small mp4 in a data URL.

    H.264 is as small as VP9 and half of an animated WebP, written in a third of VP9's time, and every browser plays it.
    """
    clip = ClipImages(view_stored(run, clip_id), run.config)
    seconds = len(clip) / clip.rate
    frames = max(1, min(LONGEST, len(clip), round(seconds * FASTEST)))
    chosen = np.linspace(0, len(clip) - 1, frames).round().astype(int).tolist()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        images = (clip.crop(t, SIDE) for t in chosen)
        write_video(path, images, frames / seconds, crf=26, preset="slow", threads=1, movflags="+faststart")
        content = path.read_bytes()
    return f"data:video/mp4;base64,{base64.b64encode(content).decode('ascii')}"
