"""Drawn clips as files: a PNG contact sheet, a GIF or an mp4."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image as PilImage
from tqdm import tqdm

from camfuse.errors import CamfuseError
from camfuse.ffmpeg_tool import write_video
from camfuse.files import atomic
from camfuse.show.clip_images import TILE, ClipImages
from camfuse.show.draw import COLOURS, INK, PALE, PAPER, Colour, Image

log = logging.getLogger(__name__)

SUFFIXES = (".png", ".gif", ".mp4")
GIF_SIDE = 208
"""Height of an image in a GIF, which is many times larger than an mp4."""


def check_suffix(output: Path) -> None:
    """Refuse a name whose form is not known, before anything is computed.

    Raises
    ------
    CamfuseError
        If the name ends in none of `SUFFIXES`.
    """
    if output.suffix.lower() not in SUFFIXES:
        raise CamfuseError(f"{output}: expected a name that ends in {', '.join(SUFFIXES)}, found {output.suffix!r}")


def save(clip: ClipImages, output: Path, columns: int) -> None:
    """Write the form that the name of `output` says; a contact sheet has so many `columns`."""
    suffix = output.suffix.lower()
    with atomic(output) as part:
        if suffix == ".png":
            PilImage.fromarray(clip.sheet(columns)).save(part, format="PNG", optimize=True)
        elif suffix == ".gif":
            _save_gif(clip, part)
        else:
            write_video(part, _drawn(clip, TILE), clip.rate, crf=18, preset="medium", movflags="+faststart")
    log.info("%s: written", output)


def _drawn(clip: ClipImages, side: int) -> Iterator[Image]:
    return iter(tqdm(clip.animation(side), total=len(clip), desc=f"draw {clip.clip_id}", unit="frame", mininterval=1.0))


def _save_gif(clip: ClipImages, path: Path) -> None:
    images = list(_drawn(clip, GIF_SIDE))
    palette = _palette(images[:: max(1, len(images) // 6)])
    first, *others = (PilImage.fromarray(one).quantize(palette=palette, dither=PilImage.Dither.NONE) for one in images)
    # GIF counts in hundredths of a second: rounding the times, not the steps, keeps the whole as long as it was.
    ends = np.round(np.array([*clip.times, clip.times[-1] + 1 / clip.rate]) * 100) * 10
    steps = np.maximum(np.diff(ends), 20).astype(int).tolist()
    first.save(path, format="GIF", save_all=True, append_images=others, duration=steps, loop=0)


def _palette(samples: list[Image]) -> PilImage.Image:
    """Return one palette for the whole film: the sample frames' own colours, and the drawing's, which must not fade."""
    drawing = [colour for colours in COLOURS.values() for colour in (colours, *_shades(colours))] + [INK, PAPER, PALE]
    own = PilImage.fromarray(np.concatenate(samples)).quantize(256 - len(drawing)).getpalette() or []
    palette = PilImage.new("P", (1, 1))
    palette.putpalette(own[: 3 * (256 - len(drawing))] + [value for colour in drawing for value in colour])
    return palette


def _shades(colour: Colour) -> list[Colour]:
    red, green, blue = colour
    return [(round(red * f), round(green * f), round(blue * f)) for f in (0.75, 0.5)]
