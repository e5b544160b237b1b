"""One Gaussian per keypoint and frame: the heatmap volumes.

Pixel rule: a keypoint at x of a crop of side S has its centre at ``(x + 0.5) * Q / S - 0.5`` of the map of side Q,
exactly and between pixels, so that mirroring the map and mirroring the keypoint agree. The value is
``score * exp(-(dx^2 + dy^2) / (2 sigma^2))`` where both ``|dx|`` and ``|dy|`` are at most 3 sigma, as in PYSKL
(kennymckormick/pyskl ``GeneratePoseTarget``), and 0 elsewhere.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip, read_shard_clips
from camfuse.config import Config
from camfuse.geometry import rescale
from camfuse.prep.arrays import Floats
from camfuse.prep.clipwise import ShardJob, make_shard
from camfuse.prep.hands import hand_zoom, zoom_hands
from camfuse.run.shard import ClipData, Shard
from camfuse.run.stages import fingerprint

STRIDE = 4
"""Crop pixels per heatmap pixel."""
CUT = 3.0
"""Where a Gaussian ends, in sigma."""


def render_heatmaps(config: Config, clips: Path, crops: Path, output: Path) -> None:
    """Render every clip of a shard.

    Writes ``volume`` (T, 133, Q, Q) uint8, where 255 stands for a score of 1, beside ``keypoints`` (T, 133, 3) float32
    in crop pixels and the fact ``affine`` of the crops, so that training may also render on its own. With zoomed hands
    the keypoints are where they lie in the crop all the same.

    Raises
    ------
    ShardError
        If the shard of crops is missing or was made with another config.
    """
    upstream = Shard(crops, stage="crops", fingerprint=fingerprint("crops", config))

    def compute(clip: Clip) -> ClipData:
        keypoints = upstream.read("keypoints", clip.clip_id)
        volume = render_clip(keypoints, config)
        affine = upstream.fact("affine", clip.clip_id)
        return ClipData(frames={"volume": volume, "keypoints": keypoints}, facts={"affine": affine})

    provenance = {
        "numpy": np.__version__,
        "sigma": config.heatmaps.sigma,
        "peak": "score * 255, rounded to nearest",
        "pixel_rule": f"centre at (x + 0.5) / {STRIDE} - 0.5",
        "cut": f"{CUT:g} sigma along each axis",
    }
    if config.heatmaps.hands:
        provenance["hands"] = config.heatmaps.hands
    job = ShardJob("heatmaps", config, output, provenance, upstream=(upstream,))
    make_shard(job, read_shard_clips(clips), compute)


def render_clip(keypoints: Floats, config: Config) -> NDArray[np.uint8]:
    """Render one clip as the shards have it.

    Parameters
    ----------
    keypoints
        (T, 133, 3) in pixels of the crop.
    config
        The run's config.

    Returns
    -------
    NDArray
        (T, 133, Q, Q) uint8, 255 for a score of 1.
    """
    drawn = drawn_keypoints(keypoints, config)
    volume: NDArray[np.uint8] = render(drawn, config.crops.size // STRIDE, config.heatmaps.sigma)
    return volume


def drawn_keypoints(keypoints: Floats, config: Config) -> Floats:
    """Return the keypoints of a whole clip (T, 133, 3) where their maps have them, in pixels of the crop."""
    if config.heatmaps.hands is None:
        return keypoints
    return zoom_hands(keypoints, config.crops.size, hand_zoom(keypoints, config.crops.size))


def render(
    keypoints: NDArray[np.floating[Any]],
    size: int,
    sigma: float,
    *,
    scale: float = 1 / STRIDE,
    dtype: type[np.uint8 | np.float32] = np.uint8,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Render keypoints as Gaussians.

    Only a window of 6 sigma per keypoint is computed and written. On large volumes a fresh array costs more than the
    rendering (page faults), so a caller in a loop should give `out`.

    Parameters
    ----------
    keypoints
        (T, K, 3) x, y in crop pixels and score, or (T, K, 2) for a score of 1. NaN, infinity or a score of 0 or less
        gives an empty map; a score above 1 counts as 1.
    size
        Side Q of a map in pixels.
    sigma
        Standard deviation in heatmap pixels.
    scale
        Heatmap pixels per crop pixel, Q / S.
    dtype
        uint8 (0..255, rounded to nearest: within 1/510 of the exact value) or float32 (0..1); `out` decides if given.
    out
        (T, K, Q, Q) uint8 or float32, C-contiguous, to write to; what it held is gone.

    Returns
    -------
    NDArray
        (T, K, Q, Q), `out` if it was given.

    Raises
    ------
    ValueError
        If an array has the wrong shape or type.
    """
    frames, joints = _check_keypoints(keypoints)
    volume = _cleared((frames, joints, size, size), dtype, out)
    points = keypoints.reshape(frames * joints, -1).astype(np.float64)
    score = points[:, 2] if points.shape[1] == 3 else np.ones(len(points))
    with np.errstate(invalid="ignore"):
        live = np.flatnonzero(np.isfinite(points).all(axis=1) & (score > 0))
    centre = rescale(points[live, :2], scale)
    peak = np.minimum(score[live], 1) * (255 if volume.dtype == np.uint8 else 1)

    columns, across = _gaussian(centre[:, 0], size, sigma)
    rows, down = _gaussian(centre[:, 1], size, sigma)
    values = (peak[:, None] * down).astype(np.float32)[:, :, None] * across.astype(np.float32)[:, None, :]
    if volume.dtype == np.uint8:
        np.rint(values, out=values)
    pixels = (live[:, None] * size + rows)[:, :, None] * size + columns[:, None, :]
    volume.reshape(-1)[pixels] = values.astype(volume.dtype)
    return volume


def _check_keypoints(keypoints: NDArray[np.floating[Any]]) -> tuple[int, int]:
    if keypoints.ndim != 3 or keypoints.shape[2] not in (2, 3):
        raise ValueError(f"expected keypoints (T, K, 2 or 3), found {keypoints.shape}")
    return keypoints.shape[0], keypoints.shape[1]


def _cleared(
    shape: tuple[int, int, int, int], dtype: type[np.uint8 | np.float32], out: NDArray[Any] | None
) -> NDArray[Any]:
    if out is None:
        return np.zeros(shape, dtype)
    if out.shape != shape or out.dtype not in (np.uint8, np.float32) or not out.flags.c_contiguous:
        raise ValueError(f"expected out {shape}, uint8 or float32, C-contiguous, found {out.shape} {out.dtype}")
    out.fill(0)
    return out


def _gaussian(centre: NDArray[np.float64], size: int, sigma: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return for n centres the w pixels that a window may reach (n, w) and the Gaussian there (n, w).

    The window is pushed into the map where it would stand out, so every index is a pixel of the map; it is wide enough
    to still hold all pixels within the cut.
    """
    reach = CUT * sigma
    width = min(int(2 * reach) + 1, size)
    start = np.clip(np.ceil(centre - reach), 0, size - width).astype(np.intp)
    pixels = start[:, None] + np.arange(width)
    distance = np.abs(pixels - centre[:, None])
    return pixels, np.where(distance <= reach, np.exp(-0.5 * np.square(distance / sigma)), 0)
