"""Drawn clips for the page: which ones, and their contact sheets as data URLs."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from camfuse.jpeg import encode_jpeg
from camfuse.report.classes import Prediction
from camfuse.run.layout import Run
from camfuse.show.clip_images import ClipImages
from camfuse.show.clip_view import view_stored
from camfuse.show.draw import Image

COLUMNS = 5
TILE = 200
"""Width of an image on a sheet in pixels."""
QUALITY = 82


@dataclass(frozen=True)
class Example:
    """One drawn clip.

    Attributes
    ----------
    clip_id, label
        The clip and its word.
    image
        The sheet as a data URL.
    width, height
        Of the sheet, in pixels.
    alt
        What the sheet shows, for readers who do not see it.
    verdict
        What the clip was taken for, or empty where there is no prediction.
    right
        Whether that is its label.
    """

    clip_id: str
    label: str
    image: str
    width: int
    height: int
    alt: str
    verdict: str
    right: bool


def choose_predictions(predictions: Sequence[Prediction], wanted: int) -> list[Prediction]:
    """Choose half right and half wrong ones by a hash of the clip id: not the nicest, and always the same.

    Where there are too few of the one kind, the other fills up. The wrong ones come last.
    """
    right = sorted((p for p in predictions if p.right), key=lambda p: _order(p.clip_id))
    wrong = sorted((p for p in predictions if not p.right), key=lambda p: _order(p.clip_id))
    number_wrong = max(min(len(wrong), wanted // 2), wanted - len(right))
    return right[: wanted - min(number_wrong, len(wrong))] + wrong[:number_wrong]


def choose_clips(clip_ids: Iterable[str], wanted: int) -> list[str]:
    """Choose clips by a hash of their id."""
    return sorted(clip_ids, key=_order)[:wanted]


def _order(clip_id: str) -> str:
    return hashlib.sha256(clip_id.encode()).hexdigest()


def draw_examples(run: Run, predictions: Sequence[Prediction]) -> list[Example]:
    """Draw the chosen test clips, with what they were taken for."""
    chosen = choose_predictions(predictions, run.config.report.examples)
    return [_draw(run, p.clip_id, p) for p in tqdm(chosen, desc="draw examples", unit="clip", mininterval=1.0)]


def draw_clips(run: Run, clip_ids: Iterable[str]) -> list[Example]:
    """Draw some clips of a run that has not been evaluated yet."""
    chosen = choose_clips(clip_ids, run.config.report.examples)
    return [_draw(run, clip_id, None) for clip_id in tqdm(chosen, desc="draw examples", unit="clip")]


def _draw(run: Run, clip_id: str, prediction: Prediction | None) -> Example:
    images = ClipImages(view_stored(run, clip_id), run.config)
    sheet = images.sheet(COLUMNS, TILE)
    label = images.label or clip_id
    verdict = "" if prediction is None else f"taken for {prediction.predicted} ({prediction.probability:.0%})"
    return Example(
        clip_id=clip_id,
        label=label,
        image=jpeg_url(sheet),
        width=sheet.shape[1],
        height=sheet.shape[0],
        alt=f"Contact sheet of clip {clip_id}, {label}: frames with skeleton and crop box, crops and heatmaps",
        verdict=verdict,
        right=prediction is not None and prediction.right,
    )


def jpeg_url(image: Image) -> str:
    """Return an image as a data URL."""
    return f"data:image/jpeg;base64,{base64.b64encode(encode_jpeg(image, QUALITY)).decode('ascii')}"
