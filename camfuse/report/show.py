"""Look at a clip: its frames with skeleton and crop box, its crops, its heatmaps.

From the shards of a finished run (`show`) or straight from a video file (`show_video`), as a PNG contact sheet, a GIF
or an mp4; the report takes the same images.
"""

import difflib
import logging
import re
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pandas as pd
from PIL import Image as PilImage
from tqdm import tqdm

from camfuse.clips.table import SHARD_COLUMNS, read_clips, shard_names, shard_of
from camfuse.config import Config
from camfuse.errors import CamfuseError, ConfigError, MissingToolError, ShardError
from camfuse.files import atomic
from camfuse.jpeg import decode_jpeg
from camfuse.report.draw import (
    COLOURS,
    INK,
    PALE,
    PAPER,
    Colour,
    Image,
    box_corners,
    contact_sheet,
    draw_box,
    draw_heatmaps,
    draw_skeleton,
    resize,
    scale_points,
    side_by_side,
)
from camfuse.run.shard import Shard
from camfuse.run.stages import fingerprint

log = logging.getLogger(__name__)

SUFFIXES = (".png", ".gif", ".mp4")
COLUMNS = 8
"""Frames on a contact sheet."""
TILE = 256
"""Width of an image on a sheet, height of one in an animation, in pixels."""
GIF_SIDE = 208
"""The same for a GIF, which is many times larger than an mp4."""
WIDEST = 2.0
"""Frames wider than this many heights get smaller in animations, to leave room for crop and heatmap."""


def show(config: Config, clip_id: str, output: Path, columns: int = COLUMNS) -> None:
    """Draw one clip of a finished run.

    Parameters
    ----------
    config
        The run's config; its shards are read.
    clip_id
        The clip.
    output
        ``.png`` for a contact sheet, ``.gif`` or ``.mp4`` for all frames.
    columns
        Frames on a contact sheet.

    Raises
    ------
    CamfuseError
        If there is no such clip, or the suffix is another one.
    ShardError
        If the clip's shards are not there or were made with another config.
    """
    _check_suffix(output)
    clip = ClipImages(config, clip_id)
    _save(clip, output, columns)


def show_video(video: Path, config: Config, output: Path, columns: int = COLUMNS) -> None:
    """Draw any video file: frames, pose, crops and heatmaps are made in a temporary folder.

    Raises
    ------
    ConfigError
        If the config's estimator only reads keypoints from files.
    CamfuseError
        If the video cannot be decoded, or shows nobody.
    """
    _check_suffix(output)
    if config.pose.annotations:
        raise ConfigError(
            "expected a pose estimator that works on any video, found `pose: annotations`; "
            "give a config with `pose: {mediapipe: {}}`"
        )
    if not video.is_file():
        raise CamfuseError(f"{video}: expected a video file, found nothing")

    # The stages, and MediaPipe behind them, are not needed to draw a finished run.
    from camfuse.prep.crops import crop_clips
    from camfuse.prep.frames import extract_frames
    from camfuse.prep.heatmaps import render_heatmaps
    from camfuse.prep.pose.run import estimate_poses

    clip_id = re.sub(r"[^A-Za-z0-9_.\-]+", "_", video.stem)
    with tempfile.TemporaryDirectory(prefix="camfuse-") as folder:
        root = Path(folder)
        alone = config.model_copy(
            update={"output": root, "bad_clips": "stop", "clips": config.clips.model_copy(update={"shards": 1})}
        )
        (shard,) = shard_names(1)
        clips = root / "clips.csv"
        row = dict(zip(SHARD_COLUMNS, (clip_id, str(video.resolve()), 0.0, None, None, "video"), strict=True))
        pd.DataFrame([row]).to_csv(clips, index=False)
        files = {stage: root / stage / f"{shard}.h5" for stage in ("frames", "pose", "crops", "heatmaps")}
        extract_frames(alone, clips, files["frames"])
        estimate_poses(alone, clips, files["frames"], files["pose"])
        crop_clips(alone, clips, files["frames"], files["pose"], files["crops"])
        render_heatmaps(alone, clips, files["crops"], files["heatmaps"])
        _save(ClipImages(alone, clip_id), output, columns)


class ClipImages:
    """The drawn images of one clip, made when they are asked for.

    Raises
    ------
    CamfuseError
        If the run has no such clip, or left it out.
    ShardError
        If a shard is missing or was made with another config.
    """

    def __init__(self, config: Config, clip_id: str) -> None:
        self.clip_id = clip_id
        self._config = config
        self._size = config.crops.size
        self._crops = self._shard("crops")
        if clip_id not in self._crops:
            raise CamfuseError(self._why_not())
        self._heatmaps = self._shard("heatmaps")
        # With `frames: keep: false` the frames are gone once the crops are made; crops and heatmaps can still be shown.
        gone = not config.frames.keep and not self._path("frames").exists()
        self._frames = None if gone else self._shard("frames")
        self._pose = None if gone else self._shard("pose")
        if gone:
            log.warning("%s: frames were not kept; showing crops and heatmaps only", self._path("frames"))

    def _path(self, stage: str) -> Path:
        shard = shard_of(self.clip_id, self._config.clips.shards)
        return self._config.output / stage / f"{shard}.h5"

    def _shard(self, stage: str) -> Shard:
        return Shard(self._path(stage), stage=stage, fingerprint=fingerprint(stage, self._config))

    def __len__(self) -> int:
        """Return the number of frames."""
        return self._crops.count(self.clip_id)

    def _why_not(self) -> str:
        """Say why the run has no crops of the clip."""
        for stage in ("crops", "pose", "frames"):
            if self._path(stage).exists() and (reason := self._shard(stage).failed.get(self.clip_id)):
                return f"clip {self.clip_id}: left out of the run by stage {stage}: {reason}"
        return _not_found(self._config, self.clip_id, self._crops)

    @cached_property
    def rate(self) -> float:
        """Frames per second; 25 where the frames were not kept."""
        return float(self._frames.fact("fps", self.clip_id)) if self._frames else 25.0

    @cached_property
    def times(self) -> list[float]:
        """Seconds from the clip's first frame, per frame."""
        if not self._frames:
            return [t / self.rate for t in range(len(self))]
        time = self._frames.read("time", self.clip_id)
        return [float(t) for t in time - time[0]]

    @cached_property
    def label(self) -> str:
        """The clip's word, or nothing where the clip table is not at hand."""
        rows = _clip_table(self._config)
        found = rows.loc[rows["clip_id"] == self.clip_id, "label"]
        return str(found.iloc[0]) if len(found) else ""

    @property
    def notes(self) -> str:
        """One line about the clip: length, size, rate."""
        parts = ["1 frame" if len(self) == 1 else f"{len(self)} frames"]
        if self._frames:
            height, width = (int(self._frames.fact(name, self.clip_id)) for name in ("height", "width"))
            parts += [f"{width} x {height}", f"{self.rate:.4g} fps"]
        return " · ".join(parts)

    def frame(self, t: int, *, height: int, width: int) -> Image:
        """Return frame `t` of this size with skeleton and crop box."""
        if not (self._frames and self._pose):
            raise ShardError(f"{self._path('frames')}: the frames were not kept; set `frames: keep: true`")
        image = decode_jpeg(self._frames.jpeg(self.clip_id, [t])[0], f"frame {t} of {self.clip_id}")
        scale = width / image.shape[1]
        keypoints = scale_points(self._pose.read("keypoints", self.clip_id, [t])[0], scale)
        corners = scale_points(box_corners(self._crops.fact("affine", self.clip_id), self._size), scale)
        drawn = draw_box(resize(image, height, width), corners)
        return draw_skeleton(drawn, keypoints, min_score=self._config.crops.min_score)

    def crop(self, t: int, side: int, *, skeleton: bool = True) -> Image:
        """Return crop `t`, `side` pixels wide, with its skeleton."""
        stored = decode_jpeg(self._crops.jpeg(self.clip_id, [t])[0], f"crop {t} of {self.clip_id}")
        image = resize(stored, side, side)
        keypoints = scale_points(self._crops.read("keypoints", self.clip_id, [t])[0], side / self._size)
        return draw_skeleton(image, keypoints, min_score=self._config.crops.min_score) if skeleton else image

    def heatmaps(self, t: int, side: int) -> Image:
        """Return the heatmaps of frame `t` over its crop, `side` pixels wide."""
        return draw_heatmaps(self.crop(t, side, skeleton=False), self._heatmaps.read("volume", self.clip_id, [t])[0])

    def _frame_size(self, *, width: int | None = None, height: int | None = None) -> tuple[int, int]:
        if not self._frames:
            return 0, 0
        rows, columns = (int(self._frames.fact(name, self.clip_id)) for name in ("height", "width"))
        if width is None:
            width = round((height or rows) * columns / rows)
        return round(width * rows / columns), width

    def sheet(self, columns: int = COLUMNS, tile: int = TILE) -> Image:
        """Return the contact sheet: `columns` frames spread evenly over the clip."""
        chosen = np.unique(np.linspace(0, len(self) - 1, min(columns, len(self))).round().astype(int)).tolist()
        rows: dict[str, list[Image]] = {}
        if self._frames:
            height, width = self._frame_size(width=tile)
            rows["frames"] = [self.frame(t, height=height, width=width) for t in chosen]
        rows["crops"] = [self.crop(t, tile) for t in chosen]
        rows["heatmaps"] = [self.heatmaps(t, tile) for t in chosen]
        captions = [f"frame {t + 1} · {self.times[t]:.2f} s" for t in chosen]
        return contact_sheet(self.label or self.clip_id, self._subtitle(), rows, captions)

    def animation(self, side: int = TILE) -> Iterator[Image]:
        """Yield every frame with its crop and heatmaps beside it."""
        height, width = self._frame_size(height=side)
        if width > WIDEST * side:
            height, width = self._frame_size(width=round(WIDEST * side))
        for t in range(len(self)):
            images = [_fit(self.frame(t, height=height, width=width), side)] if self._frames else []
            images += [self.crop(t, side), self.heatmaps(t, side)]
            yield side_by_side(self.label or self.clip_id, f"{self.times[t]:.2f} s", images)

    def _subtitle(self) -> str:
        return f"{self.clip_id} · {self.notes}" if self.label else self.notes


def _fit(image: Image, height: int) -> Image:
    """Centre an image that is not high enough between dark bars."""
    missing = height - image.shape[0]
    return np.pad(image, ((missing // 2, missing - missing // 2), (0, 0), (0, 0)))


# -------------------------------------------------------------------------------------- which clip


def _clip_table(config: Config) -> pd.DataFrame:
    path = config.output / "clips" / "clips.csv"
    return read_clips(path) if path.is_file() else pd.DataFrame({"clip_id": [], "label": []}, dtype=str)


def _not_found(config: Config, clip_id: str, crops: Shard) -> str:
    """Say which clips there are instead."""
    table = _clip_table(config)
    known = table["clip_id"].tolist() or list(crops)
    if clip_id in known:
        return f"clip {clip_id}: in the clip table, but not in {crops.path}; run the workflow again"
    same_label = table.loc[table["label"] == clip_id, "clip_id"].tolist()
    near = same_label[:5] or difflib.get_close_matches(clip_id, known, n=5, cutoff=0.5) or known[:5]
    return f"{clip_id}: no such clip among the {len(known)} of {config.output}; near it: {', '.join(near)}"


# ------------------------------------------------------------------------------------------ saving


def _check_suffix(output: Path) -> None:
    if output.suffix.lower() not in SUFFIXES:
        raise CamfuseError(f"{output}: expected a name that ends in {', '.join(SUFFIXES)}, found {output.suffix!r}")


def _save(clip: ClipImages, output: Path, columns: int) -> None:
    suffix = output.suffix.lower()
    with atomic(output) as part:
        if suffix == ".png":
            PilImage.fromarray(clip.sheet(columns)).save(part, format="PNG", optimize=True)
        elif suffix == ".gif":
            _save_gif(clip, part)
        else:
            _save_mp4(clip, part)
    log.info("%s: written", output)


def _drawn(clip: ClipImages, side: int) -> Iterator[Image]:
    return iter(tqdm(clip.animation(side), total=len(clip), desc=f"draw {clip.clip_id}", unit="frame", mininterval=1.0))


def _save_gif(clip: ClipImages, path: Path) -> None:
    images = list(_drawn(clip, GIF_SIDE))
    palette = _palette(images[:: max(1, len(images) // 6)])
    first, *others = (
        PilImage.fromarray(image).quantize(palette=palette, dither=PilImage.Dither.NONE) for image in images
    )
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


def _save_mp4(clip: ClipImages, path: Path) -> None:
    drawn = _drawn(clip, TILE)
    first = next(drawn)
    try:
        writer = imageio_ffmpeg.write_frames(
            str(path),
            (first.shape[1], first.shape[0]),
            fps=clip.rate,
            codec="libx264",
            pix_fmt_out="yuv420p",
            quality=None,
            macro_block_size=2,
            output_params=["-crf", "18", "-preset", "medium", "-movflags", "+faststart", "-f", "mp4"],
        )
        writer.send(None)
    except RuntimeError as error:
        raise MissingToolError(f"cannot write an mp4: {error}; install imageio-ffmpeg, or write a .gif") from error
    writer.send(np.ascontiguousarray(first))
    for image in drawn:
        writer.send(np.ascontiguousarray(image))
    writer.close()
