"""The drawn images of one clip: single frames, the contact sheet, the animation."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from camfuse.config import Config
from camfuse.errors import ShardError
from camfuse.geometry import rescale_points
from camfuse.jpeg import decode_jpeg
from camfuse.show.clip_view import ClipView
from camfuse.show.draw import (
    GROUPS,
    HANDS,
    INK,
    Image,
    box_corners,
    contact_sheet,
    draw_box,
    draw_heatmaps,
    draw_skeleton,
    resize,
    side_by_side,
)

COLUMNS = 8
"""Frames on a contact sheet."""
TILE = 256
"""Width of an image on a sheet, height of one in an animation, in pixels."""
WIDEST = 2.0
"""Frames wider than this many heights get smaller in animations, to leave room for crop and heatmap."""


class ClipImages:
    """The drawn images of one clip, made when they are asked for."""

    def __init__(self, clip: ClipView, config: Config) -> None:
        self._clip = clip
        self._size = config.crops.size
        self._min_score = config.crops.min_score
        self._zoomed = config.heatmaps.hands is not None
        self.clip_id, self.label = clip.clip_id, clip.label

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._clip.crops)

    @property
    def rate(self) -> float:
        """Frames per second; 25 where the frames were not kept."""
        return self._clip.frames.fps if self._clip.frames else 25.0

    @cached_property
    def times(self) -> list[float]:
        """Seconds from the clip's first frame, per frame."""
        if not self._clip.frames:
            return [t / self.rate for t in range(len(self))]
        time = self._clip.frames.time
        return [float(t) for t in time - time[0]]

    @property
    def notes(self) -> str:
        """One line about the clip: length, size, rate, and what its images do not show in place."""
        parts = ["1 frame" if len(self) == 1 else f"{len(self)} frames"]
        if frames := self._clip.frames:
            parts += [f"{frames.width} x {frames.height}", f"{self.rate:.4g} fps"]
        if self._zoomed:
            parts.append("hands zoomed")
        return " · ".join(parts)

    def frame(self, t: int, *, height: int, width: int) -> Image:
        """Return frame `t` of this size with skeleton and crop box.

        Raises
        ------
        ShardError
            If the frames were not kept.
        """
        clip = self._clip
        if clip.frames is None or clip.keypoints is None:
            raise ShardError(f"clip {self.clip_id}: the frames were not kept; set `frames: keep: true`")
        image = decode_jpeg(clip.frames.jpeg[t], f"frame {t} of {self.clip_id}")
        scale = width / image.shape[1]
        corners = rescale_points(box_corners(clip.crops.affine, self._size), scale)
        drawn = draw_box(resize(image, height, width), corners)
        return draw_skeleton(drawn, rescale_points(clip.keypoints[t], scale), min_score=self._min_score)

    def crop(self, t: int, side: int, *, skeleton: bool = True) -> Image:
        """Return crop `t`, `side` pixels wide, with its skeleton."""
        crops = self._clip.crops
        image = resize(decode_jpeg(crops.jpeg[t], f"crop {t} of {self.clip_id}"), side, side)
        keypoints = rescale_points(crops.keypoints[t], side / self._size)
        return draw_skeleton(image, keypoints, min_score=self._min_score) if skeleton else image

    def heatmaps(self, t: int, side: int) -> Image:
        """Return the heatmaps of frame `t` over its crop, `side` pixels wide; zoomed hands lie elsewhere: `hands`."""
        groups = [group for group in GROUPS if not self._zoomed or group not in HANDS]
        return draw_heatmaps(self.crop(t, side, skeleton=False), self._clip.heatmaps(t), groups=groups)

    def hands(self, t: int, side: int) -> list[Image]:
        """Return the heatmaps of the right and of the left hand of frame `t`, each by itself on dark ground."""
        ground: Image = np.full((side, side, 3), INK, np.uint8)
        return [draw_heatmaps(ground, self._clip.heatmaps(t), dim=1, groups=[hand]) for hand in HANDS]

    def sheet(self, columns: int = COLUMNS, tile: int = TILE) -> Image:
        """Return the contact sheet: `columns` frames spread evenly over the clip."""
        chosen = np.unique(np.linspace(0, len(self) - 1, min(columns, len(self))).round().astype(int)).tolist()
        rows: dict[str, list[Image]] = {}
        if self._clip.frames:
            height, width = self._frame_size(width=tile)
            rows["frames"] = [self.frame(t, height=height, width=width) for t in chosen]
        rows["crops"] = [self.crop(t, tile) for t in chosen]
        rows["heatmaps"] = [self.heatmaps(t, tile) for t in chosen]
        if self._zoomed:
            rows["hands"] = [resize(np.concatenate(self.hands(t, tile // 2), 1), tile // 2, tile) for t in chosen]
        captions = [f"frame {t + 1} · {self.times[t]:.2f} s" for t in chosen]
        subtitle = f"{self.clip_id} · {self.notes}" if self.label else self.notes
        return contact_sheet(self.label or self.clip_id, subtitle, rows, captions)

    def animation(self, side: int = TILE) -> Iterator[Image]:
        """Yield every frame with its crop and heatmaps beside it."""
        height, width = self._frame_size(height=side)
        if width > WIDEST * side:
            height, width = self._frame_size(width=round(WIDEST * side))
        for t in range(len(self)):
            images = [_fit(self.frame(t, height=height, width=width), side)] if self._clip.frames else []
            images += [self.crop(t, side), self.heatmaps(t, side)]
            images += self.hands(t, side) if self._zoomed else []
            yield side_by_side(self.label or self.clip_id, f"{self.times[t]:.2f} s", images)

    def _frame_size(self, *, width: int | None = None, height: int | None = None) -> tuple[int, int]:
        frames = self._clip.frames
        if frames is None:
            return 0, 0
        if width is None:
            width = round((height or frames.height) * frames.width / frames.height)
        return round(width * frames.height / frames.width), width


def _fit(image: Image, height: int) -> Image:
    """Centre an image that is not high enough between dark bars."""
    missing = height - image.shape[0]
    return np.pad(image, ((missing // 2, missing - missing // 2), (0, 0), (0, 0)))
