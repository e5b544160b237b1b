"""Drawing on images: skeleton, crop box, heatmaps, and the sheet that puts them together.

Images are (H, W, 3) uint8, RGB; every function returns a new one. Coordinates: 0 is the centre of the first pixel.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from camfuse.geometry import rescale_points, transform_points
from camfuse.skeleton import BODY, BONES, FACE, FEET, LEFT_HAND, RIGHT_HAND

Image = NDArray[np.uint8]
Floats = NDArray[np.floating[Any]]
Colour = tuple[int, int, int]

GROUPS: dict[str, tuple[int, ...]] = {
    "face": FACE,
    "body": BODY,
    "feet": FEET,
    "left_hand": LEFT_HAND,
    "right_hand": RIGHT_HAND,
}
"""Keypoints by group, in drawing order: hands come last, so that they lie on top."""
COLOURS: dict[str, Colour] = {
    "face": (250, 228, 150),
    "body": (38, 208, 150),
    "feet": (38, 208, 150),
    "left_hand": (255, 122, 26),
    "right_hand": (64, 156, 255),
}
"""Left is orange and right is blue: told apart with every kind of colour vision."""
HANDS = ("right_hand", "left_hand")
"""In the order in which they lie before a signer who is seen from the front."""
INK: Colour = (28, 32, 38)
PALE: Colour = (112, 120, 130)
EDGE: Colour = (205, 210, 216)
PAPER: Colour = (255, 255, 255)
BOX: Colour = (255, 255, 255)

_FINE = 4  # lines are drawn on a grid this much finer, so that thin ones are smooth and may be a fraction of a pixel
_SHIFT = 4  # fractional bits of OpenCV's drawing coordinates
_LINE = {"face": 0.75, "body": 1.5, "feet": 1.5, "left_hand": 1.0, "right_hand": 1.0}
_DOT = {"face": 0.0, "body": 1.9, "feet": 1.5, "left_hand": 1.25, "right_hand": 1.25}


# --------------------------------------------------------------------------------------- coordinates


def box_corners(affine: Floats, size: int) -> NDArray[np.float64]:
    """Return the four corners (x, y) in frame pixels of the crop that `affine` (2, 3) cuts out, clockwise."""
    low, high = -0.5, size - 0.5
    corners = np.array([[low, low], [high, low], [high, high], [low, high]])
    inverse = np.asarray(cv2.invertAffineTransform(affine), np.float64)
    return np.asarray(transform_points(corners, inverse), np.float64)


def resize(image: Image, height: int, width: int) -> Image:
    """Resize an image: averaging when shrinking, bicubic when enlarging."""
    how = cv2.INTER_AREA if height < image.shape[0] else cv2.INTER_CUBIC
    return cv2.resize(image, (width, height), interpolation=how).astype(np.uint8, copy=False)


# ------------------------------------------------------------------------------------------ drawing


def draw_skeleton(image: Image, keypoints: Floats, *, min_score: float = 0.1) -> Image:
    """Draw the bones and joints of one frame.

    Parameters
    ----------
    image
        (H, W, 3).
    keypoints
        (133, 3): x, y in pixels of `image`, score. Those that are NaN, have score 0 or less than `min_score` are left
        out, with their bones.
    """
    height, width = image.shape[:2]
    unit = _unit(image)
    points = keypoints[:, :2].astype(np.float64)
    seen = np.isfinite(points).all(axis=1) & (keypoints[:, 2] > 0) & (keypoints[:, 2] >= min_score)
    # Coordinates far outside overflow OpenCV's integers; cut there, a line still leaves in its direction.
    points = np.clip(np.where(seen[:, None], points, 0), -4 * max(height, width), 5 * max(height, width))
    fine = rescale_points(points, _FINE)
    canvas = cv2.resize(image, None, fx=_FINE, fy=_FINE, interpolation=cv2.INTER_NEAREST)
    for group, members in GROUPS.items():
        bones = [bone for bone in BONES[group] if seen[list(bone)].all()]
        dots = [k for k in members if seen[k]] if _DOT[group] else []
        for colour, extra in ((INK, 0.9), (COLOURS[group], 0.0)):  # a dark rim keeps it readable on any ground
            thickness = max(1, round((_LINE[group] + extra) * unit))
            radius = (_DOT[group] + extra / 2) * unit
            for a, b in bones:
                cv2.line(canvas, _fixed(fine[a]), _fixed(fine[b]), colour, thickness, cv2.LINE_AA, _SHIFT)
            for k in dots:
                cv2.circle(canvas, _fixed(fine[k]), round(radius * (1 << _SHIFT)), colour, -1, cv2.LINE_AA, _SHIFT)
    return resize(canvas.astype(np.uint8, copy=False), height, width)


def draw_box(image: Image, corners: Floats, colour: Colour = BOX) -> Image:
    """Draw a polygon with `corners` (N, 2), as of `box_corners`; parts outside the image are cut off."""
    height, width = image.shape[:2]
    canvas = cv2.resize(image, None, fx=_FINE, fy=_FINE, interpolation=cv2.INTER_NEAREST)
    ring = (rescale_points(corners, _FINE) * (1 << _SHIFT)).round().astype(np.int32)[:, None]
    unit = _unit(image)
    for ink, thickness in ((INK, 2.2), (colour, 1.1)):
        cv2.polylines(canvas, [ring], True, ink, max(1, round(thickness * unit)), cv2.LINE_AA, _SHIFT)
    return resize(canvas.astype(np.uint8, copy=False), height, width)


def _unit(image: Image) -> float:
    """Return the width of a line of 1, on the fine grid: a pixel of an image of 256 x 256."""
    return float(np.sqrt(image.shape[0] * image.shape[1])) / 256 * _FINE


def _fixed(point: Floats) -> tuple[int, int]:
    x, y = np.round(point * (1 << _SHIFT)).astype(int).tolist()
    return x, y


def draw_heatmaps(
    crop: Image, volume: NDArray[np.uint8], *, dim: float = 0.4, groups: Sequence[str] = tuple(GROUPS)
) -> Image:
    """Lay the heatmaps of one frame over its crop.

    Each group of keypoints shines in its colour, by the maximum over its maps; the crop behind is dimmed.

    Parameters
    ----------
    crop
        (S, S, 3).
    volume
        (133, Q, Q), 255 for a score of 1.
    dim
        Brightness of the crop behind.
    groups
        Which groups of keypoints shine.
    """
    height, width = crop.shape[:2]
    grey = crop.mean(axis=2, keepdims=True)
    blended = (0.6 * grey + 0.4 * crop) * dim
    for group in groups:
        strongest = volume[list(GROUPS[group])].max(axis=0).astype(np.float32) / 255
        alpha = np.clip(cv2.resize(strongest, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)[..., None]
        blended = blended * (1 - alpha) + np.array(COLOURS[group]) * alpha
    blended_bytes: Image = blended.round().astype(np.uint8)
    return blended_bytes


# ------------------------------------------------------------------------------------------- layout


@cache
def _font(size: int) -> Any:
    return ImageFont.load_default(size)


@cache
def _has_letter(letter: str) -> bool:
    return bytes(_font(20).getmask(letter)) != bytes(_font(20).getmask("\uffff"))


def drawable(text: str) -> str:
    """Return a text in which letters that the font has without their accent alone are written so: plaît as plait."""
    letters = unicodedata.normalize("NFC", text)
    plain = [unicodedata.normalize("NFKD", letter)[0] for letter in letters]
    pairs = zip(letters, plain, strict=True)
    return "".join(bare if not _has_letter(one) and _has_letter(bare) else one for one, bare in pairs)


def write(image: Image, text: str, at: tuple[float, float], *, size: int, colour: Colour, anchor: str = "lm") -> Image:
    """Write one line of text; `anchor` as Pillow's (lm = left and middle of the text at `at`)."""
    canvas = PilImage.fromarray(image)
    ImageDraw.Draw(canvas).text(at, drawable(text), fill=colour, font=_font(size), anchor=anchor)
    return np.asarray(canvas).copy()


def _legend(image: Image, right: int, middle: int, size: int, colour: Colour) -> Image:
    """Name the colours, ending at `right`."""
    canvas = PilImage.fromarray(image)
    pen, font = ImageDraw.Draw(canvas), _font(size)
    radius = size * 0.36
    for group in ("right_hand", "left_hand", "body", "face"):
        name = group.replace("_", " ")
        right -= round(pen.textlength(name, font=font))
        pen.text((right, middle), name, fill=colour, font=font, anchor="lm")
        right -= round(size * 0.8)
        box = (right - radius, middle - radius, right + radius, middle + radius)
        pen.ellipse(box, fill=COLOURS[group], outline=INK)
        right -= round(size * 1.4)
    return np.asarray(canvas).copy()


def contact_sheet(
    title: str,
    subtitle: str,
    rows: Mapping[str, Sequence[Image]],
    captions: Sequence[str],
    *,
    gap: int = 8,
    legend: bool = True,
) -> Image:
    """Put rows of equally wide images under each other, with a heading, row names and column captions.

    Parameters
    ----------
    title, subtitle
        The heading, and what stands small behind it: parts between " · ", the last of which fall away if all do not
        fit.
    rows
        Name of the row -> one image per column; all of one width, within a row of one height.
    captions
        One per column, below the last row.
    gap
        Pixels between images.
    legend
        Whether the groups' colours stand in the heading, if there is room.

    Raises
    ------
    ValueError
        If the rows have different numbers of images or widths.
    """
    widths = {image.shape[1] for row in rows.values() for image in row}
    counts = {len(row) for row in rows.values()} | {len(captions)}
    if len(widths) != 1 or len(counts) != 1:
        raise ValueError(f"expected rows of one length and width, found lengths {counts} and widths {widths}")
    tile, columns = widths.pop(), counts.pop()
    text = max(13, round(tile / 15))
    left, top, bottom = round(text * 1.9), round(text * 2.6), round(text * 1.9)
    heights = [row[0].shape[0] for row in rows.values()]
    sheet = np.full(
        (top + sum(heights) + gap * (len(rows) - 1) + bottom, left + columns * (tile + gap), 3), PAPER, np.uint8
    )
    y = top
    for (name, row), height in zip(rows.items(), heights, strict=True):
        for column, image in enumerate(row):
            x = left + column * (tile + gap)
            sheet[y - 1 : y + height + 1, x - 1 : x + tile + 1] = EDGE  # white images on a white page need an end
            sheet[y : y + height, x : x + tile] = image
        sheet[y : y + height, : left - 1] = _sideways(name, height, left - 1, text)
        y += height + gap
    for column, caption in enumerate(captions):
        at = (left + column * (tile + gap) + tile / 2, y - gap + bottom / 2)
        sheet = write(sheet, caption, at, size=text, colour=PALE, anchor="mm")
    return _heading(sheet, title, subtitle, left=left, right=sheet.shape[1] - gap, height=top, text=text, legend=legend)


def _heading(
    sheet: Image, title: str, subtitle: str, *, left: int, right: int, height: int, text: int, legend: bool
) -> Image:
    large = round(text * 1.35)
    sheet = write(sheet, title, (left, height / 2), size=large, colour=INK)
    after = left + _font(large).getlength(title) + text
    parts = subtitle.split(" · ")
    while parts and after + _font(text).getlength(" · ".join(parts)) > right:  # a narrow sheet shows less of it
        parts.pop()
    subtitle = " · ".join(parts)
    sheet = write(sheet, subtitle, (after, height / 2 + text * 0.1), size=text, colour=PALE)
    needed = after + _font(text).getlength(subtitle) + text * 28
    return _legend(sheet, right, round(height / 2), text, PALE) if legend and needed < right else sheet


def _sideways(name: str, length: int, thick: int, text: int) -> Image:
    """Return a row's name, read from bottom to top: (length, thick, 3)."""
    strip = np.full((thick, length, 3), PAPER, np.uint8)
    strip = write(strip, name, (length / 2, thick * 0.45), size=text, colour=PALE, anchor="mm")
    return np.rot90(strip).copy()


def side_by_side(title: str, note: str, images: Sequence[Image], *, gap: int = 6) -> Image:
    """Put equally high images beside each other under a dark heading: one frame of an animation.

    The size is even both ways, as h264 wants it.
    """
    height = images[0].shape[0]
    text = max(12, round(height / 17))
    top = round(text * 2.1)
    width = sum(image.shape[1] for image in images) + gap * (len(images) - 1)
    sheet = np.full((top + height + height % 2 + top % 2, width + width % 2, 3), INK, np.uint8)
    x = 0
    for image in images:
        sheet[top : top + height, x : x + image.shape[1]] = image
        x += image.shape[1] + gap
    sheet = write(sheet, title, (text * 0.7, top / 2), size=text, colour=PAPER)
    after = text * 1.6 + _font(text).getlength(title)
    sheet = write(sheet, note, (after, top / 2), size=text, colour=PALE)
    free = width - after - _font(text).getlength(note) - text * 28
    return _legend(sheet, round(width - text * 0.7), round(top / 2), text, PAPER) if free > 0 else sheet
