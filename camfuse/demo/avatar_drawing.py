"""Drawing of an avatar from recorded landmarks: upper body, face, and hands whose fingers can be told apart.

Everything is drawn enlarged `OVERSAMPLING` times and averaged down, far parts first. Colours are RGB. Coordinates are
those of the recording (the image spans 0 .. width) until `_Canvas` turns them into pixels.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from camfuse.prep.pose.annotations.recording import Landmarks, Recording
from camfuse.prep.pose.holistic import FACE_FROM_MESH, HAND_POINTS, NOSE_EYES_FROM_MESH, NOSE_EYES_WITHOUT_IRIS

Colour = tuple[int, int, int]
Points = NDArray[np.float64]
Image = NDArray[np.uint8]

OVERSAMPLING = 3
SHIFT = 4
"""Fractional bits of the coordinates that OpenCV draws at."""
SKINS: tuple[Colour, ...] = ((247, 214, 190), (232, 190, 158), (208, 156, 118), (168, 116, 82), (118, 78, 54))
HAIRS: tuple[Colour, ...] = (
    (36, 28, 26),
    (84, 54, 36),
    (150, 104, 56),
    (206, 170, 104),
    (120, 48, 30),
    (150, 150, 154),
)
SHIRTS: tuple[Colour, ...] = (
    *((38, 60, 104), (112, 32, 44), (40, 88, 66), (64, 64, 72), (92, 60, 110), (28, 96, 116), (128, 88, 36)),
)
WALLS: tuple[Colour, ...] = (
    *((214, 222, 230), (228, 218, 200), (206, 222, 206), (236, 226, 232), (186, 196, 210), (222, 222, 214)),
)
FINGER_TINTS: tuple[Colour, ...] = ((230, 60, 40), (250, 210, 40), (60, 190, 80), (40, 110, 235), (190, 60, 210))
"""Thumb to little finger; mixed into the skin, so that small images still tell the fingers apart."""
TINT = 0.42
PALM = (0, 1, 5, 9, 13, 17)
LIGHT = np.array((-0.35, -0.45))
"""Where highlights sit, in radii from the middle of a limb: the light comes from the top left."""


@dataclass(frozen=True)
class Look:
    """How one signer looks.

    Attributes
    ----------
    skin, hair, shirt, wall
        Colours.
    build
        Factor on the thickness of neck, torso and arms.
    long_hair, sleeves
        Whether hair falls to the shoulders and sleeves reach the wrists.
    """

    skin: Colour
    hair: Colour
    shirt: Colour
    wall: Colour
    build: float
    long_hair: bool
    sleeves: bool


def look_of(signer: str) -> Look:
    """Return the signer's look: always the same for the same name."""
    digest = hashlib.sha256(signer.encode()).digest()
    return Look(
        skin=SKINS[digest[0] % len(SKINS)],
        hair=HAIRS[digest[1] % len(HAIRS)],
        shirt=SHIRTS[digest[2] % len(SHIRTS)],
        wall=WALLS[digest[3] % len(WALLS)],
        build=0.9 + 0.2 * digest[4] / 255,
        long_hair=bool(digest[5] % 2),
        sleeves=bool(digest[6] % 2),
    )


def draw(recording: Recording, look: Look, height: int, width: int) -> Iterator[Image]:
    """Draw each frame of a recording: (height, width, 3) uint8, RGB.

    Points that the recording lacks in some frames are interpolated for the image only; a hand is not drawn
    before it was first seen nor after it was last seen.
    """
    body = _filled(recording.body, to_ends=True)
    face = None if recording.face is None else _filled(recording.face, to_ends=True)
    hands = [None if hand is None else _filled(hand, to_ends=False) for hand in (recording.left, recording.right)]
    sizes = [_hand_length(hand) for hand in hands]
    across = _breadth(body)
    for t in range(len(recording)):
        canvas = _Canvas(look.wall, height, width, (recording.height, recording.width))
        head = None if face is None or not np.isfinite(face[t]).all() else face[t, :, :2]
        if head is not None and look.long_hair:
            _draw_long_hair(canvas, head, look)
        _draw_body(canvas, body[t, :, :2], look, across)
        if head is not None:
            _draw_head(canvas, head, look)
        _draw_arms(canvas, body[t], look, across)
        for hand, size in zip(hands, sizes, strict=True):
            if hand is not None and np.isfinite(hand[t]).all():
                _draw_hand(canvas, hand[t], look, size)
        yield canvas.image()


class _Canvas:
    """An enlarged image with the few shapes that an avatar needs."""

    def __init__(self, wall: Colour, height: int, width: int, recorded: tuple[int, int]) -> None:
        self._size = (width, height)
        self._scale = np.array((width / recorded[1], height / recorded[0])) * OVERSAMPLING
        rows = np.linspace(1.06, 0.82, height * OVERSAMPLING)[:, None, None]
        shaded = np.clip(rows * np.array(wall), 0, 255).astype(np.uint8)
        self._image = np.ascontiguousarray(np.broadcast_to(shaded, (len(rows), width * OVERSAMPLING, 3)))

    def image(self) -> Image:
        """Average down to the size asked for."""
        return cv2.resize(self._image, self._size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

    def _fixed(self, points: Points) -> NDArray[np.int32]:
        # Half a pixel less: OpenCV counts from the middle of the first pixel, the recording from its edge.
        fixed: NDArray[np.int32] = np.round((points * self._scale - 0.5) * (1 << SHIFT)).astype(np.int32)
        return fixed

    def disc(self, centre: Points, radius: float, colour: Colour) -> None:
        """Fill a disc."""
        x, y = self._fixed(centre).tolist()
        fixed = max(round(radius * float(self._scale[0]) * (1 << SHIFT)), 1)
        cv2.circle(self._image, (x, y), fixed, colour, -1, cv2.LINE_AA, SHIFT)

    def area(self, points: Points, colour: Colour) -> None:
        """Fill a polygon."""
        cv2.fillPoly(self._image, [self._fixed(points)], colour, cv2.LINE_AA, SHIFT)

    def line(self, points: Points, width: float, colour: Colour, *, closed: bool = False) -> None:
        """Draw a line; `width` in the recording's pixels."""
        thick = max(round(width * float(self._scale[0])), 1)
        cv2.polylines(self._image, [self._fixed(points)], closed, colour, thick, cv2.LINE_AA, SHIFT)

    def tube(self, start: Points, end: Points, radii: tuple[float, float], colour: Colour) -> None:
        """Fill a limb with round ends: dark rim, plain middle, light side."""
        rim = 0.14 * max(radii)
        for grown, offset, shade in ((rim, 0.0, 0.55), (0.0, 0.0, 1.0)):
            self._tube(start, end, (radii[0] + grown, radii[1] + grown), offset, _shaded(colour, shade))
        self._tube(start, end, (0.45 * radii[0], 0.45 * radii[1]), 1.0, _shaded(colour, 1.14))

    def _tube(self, start: Points, end: Points, radii: tuple[float, float], offset: float, colour: Colour) -> None:
        a, b = start + offset * LIGHT * radii[0], end + offset * LIGHT * radii[1]
        self.disc(a, radii[0], colour)
        self.disc(b, radii[1], colour)
        length = float(np.linalg.norm(b - a))
        if length > 1e-6:
            normal = np.array((a[1] - b[1], b[0] - a[0])) / length
            sides = (a + normal * radii[0], b + normal * radii[1], b - normal * radii[1], a - normal * radii[0])
            self.area(np.array(sides), colour)


def _shaded(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(round(value * factor), 255) for value in colour)
    return red, green, blue


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round((1 - share) * a + share * b) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _filled(landmarks: Landmarks, *, to_ends: bool) -> Points:
    """Return x, y, z (T, N, 3), interpolated where not seen; NaN at the ends unless `to_ends`."""
    points = landmarks[..., :3].astype(np.float64)
    frames = np.arange(len(points))
    for n in range(points.shape[1]):
        seen = landmarks[:, n, 3] > 0
        if not seen.any():
            points[:, n] = np.nan
        elif not seen.all():
            ends = (None, None) if to_ends else (np.nan, np.nan)
            for axis in range(3):
                points[:, n, axis] = np.interp(frames, frames[seen], points[seen, n, axis], *ends)
    return points


def _breadth(body: Points) -> float:
    """Return the distance between the shoulders, or 0 where they were never seen."""
    breadth = np.linalg.norm(body[:, 11, :2] - body[:, 12, :2], axis=1)
    return float(np.median(breadth)) if np.isfinite(breadth).all() else 0.0


def _hand_length(hand: Points | None) -> float:
    """Return the hand's length from wrist to middle knuckle; its longest tenth, since turning only shortens it."""
    if hand is None or not np.isfinite(hand).any():
        return 0.0
    return float(np.nanquantile(np.linalg.norm(hand[:, 9, :2] - hand[:, 0, :2], axis=1), 0.9))


def _draw_body(canvas: _Canvas, body: Points, look: Look, across: float) -> None:
    """Torso and neck; `across` is the shoulders' breadth in pixels."""
    left, right = body[11], body[12]
    if not np.isfinite([left, right]).all():
        return
    middle, thick = (left + right) / 2, 0.15 * across * look.build
    down = np.array((0.0, 6 * across))  # far below the image
    collar = middle - (0.0, 0.16 * across)
    side = np.array((0.17 * across, 0.0))
    canvas.tube(right, collar - side * 0.6, (thick, 0.09 * across), look.shirt)
    canvas.tube(left, collar + side * 0.6, (thick, 0.09 * across), look.shirt)
    canvas.area(np.array((left, left + down, right + down, right, collar - side, collar + side)), look.shirt)
    chin = body[[9, 10]].mean(axis=0)
    if np.isfinite(chin).all():
        neck = 0.145 * across * look.build
        canvas.tube(chin, middle - (0.0, 0.08 * across), (neck, neck * 1.05), _shaded(look.skin, 0.88))


def _draw_long_hair(canvas: _Canvas, mesh: Points, look: Look) -> None:
    """Hair that falls behind the shoulders."""
    centre, breadth = mesh.mean(axis=0), float(np.ptp(mesh[:, 0]))
    for side in (-1, 1):
        top, tip = centre + np.array((0.22 * side, -0.25)) * breadth, centre + np.array((0.42 * side, 0.95)) * breadth
        canvas.tube(top, tip, (0.36 * breadth, 0.2 * breadth), look.hair)


def _draw_head(canvas: _Canvas, mesh: Points, look: Look) -> None:
    """Hair, face, brows, eyes, nose and mouth from the face mesh."""
    outline = cv2.convexHull(mesh.astype(np.float32))[:, 0].astype(np.float64)
    marks = mesh[list(FACE_FROM_MESH)]
    centre, chin, breadth = outline.mean(axis=0), marks[8], float(np.ptp(outline[:, 0]))
    up = (centre - chin) / max(float(np.linalg.norm(centre - chin)), 1e-6)
    canvas.disc(centre + up * 0.24 * breadth, 0.6 * breadth, look.hair)
    canvas.area((outline - centre) * 1.03 + centre, _shaded(look.skin, 0.6))
    canvas.area(outline, look.skin)
    canvas.area((outline - centre) * 0.7 + centre + LIGHT * 0.08 * breadth, _shaded(look.skin, 1.06))
    _draw_face(canvas, mesh, marks, look, breadth)


def _draw_face(canvas: _Canvas, mesh: Points, marks: Points, look: Look, breadth: float) -> None:
    dark = _shaded(look.skin, 0.55)
    for brow in (marks[17:22], marks[22:27]):
        canvas.line(brow, 0.035 * breadth, _shaded(look.hair, 0.8))
    sources = NOSE_EYES_FROM_MESH if len(mesh) > 468 else NOSE_EYES_WITHOUT_IRIS
    for eye, source in ((marks[42:48], sources[1]), (marks[36:42], sources[2])):
        canvas.area(eye, (250, 250, 250))
        canvas.disc(mesh[list(source)].mean(axis=0), 0.032 * breadth, (50, 36, 30))
        canvas.line(eye, 0.012 * breadth, dark, closed=True)
    canvas.line(marks[27:31], 0.02 * breadth, _shaded(look.skin, 0.85))
    canvas.line(marks[31:36], 0.03 * breadth, dark)
    canvas.area(marks[48:60], _mixed(look.skin, (170, 40, 50), 0.55))
    canvas.area(marks[60:68], (70, 20, 24))


def _draw_arms(canvas: _Canvas, body: Points, look: Look, across: float) -> None:
    """Upper arms and forearms, the farther arm first."""
    sleeve = look.shirt if look.sleeves else look.skin
    upper, elbow_size, wrist_size = (size * across * look.build for size in (0.155, 0.12, 0.085))
    for side in sorted((0, 1), key=lambda side: -_number(body[15 + side, 2])):
        shoulder, elbow, wrist = (body[joint + side, :2] for joint in (11, 13, 15))
        if not np.isfinite([shoulder, elbow]).all():
            continue
        canvas.tube(shoulder, elbow, (upper, elbow_size), look.shirt)
        if np.isfinite(wrist).all():
            canvas.tube(elbow, wrist, (elbow_size, wrist_size), sleeve)


def _number(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0


def _draw_hand(canvas: _Canvas, hand: Points, look: Look, length: float) -> None:
    """Palm and finger segments, the farther first; each finger has its tint, the thumb is the thickest."""
    place = hand[:HAND_POINTS, :2]
    parts: list[tuple[float, int, int, float]] = [(float(hand[list(PALM), 2].mean()), -1, 0, 0.0)]
    for finger in range(5):
        joints = [1 + 4 * finger + joint for joint in range(4)]
        for step, (near, far) in enumerate(pairwise(joints)):
            depth = float(hand[[near, far], 2].mean())
            parts.append((depth, finger, near, (0.16 if finger == 0 else 0.135) * (1 - 0.08 * step)))
    for _, finger, near, thick in sorted(parts, reverse=True):
        if finger < 0:
            palm = place[list(PALM)]
            centre = palm.mean(axis=0)
            canvas.area((palm - centre) * 1.16 + centre, _shaded(look.skin, 0.5))
            canvas.area((palm - centre) * 1.06 + centre, _shaded(look.skin, 0.92))
        else:
            colour = _mixed(look.skin, FINGER_TINTS[finger], TINT)
            canvas.tube(place[near], place[near + 1], (thick * length, 0.92 * thick * length), colour)
