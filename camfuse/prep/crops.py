"""One square crop per clip around the keypoints that are kept; one affine moves pixels and keypoints.

Coordinates: 0 is the centre of the first pixel, so an image of width W spans -0.5 .. W - 0.5. A box is
its centre and side in that frame; its left edge lands on -0.5 and its right edge on S - 0.5 of the crop.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import overload

import cv2
import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip, read_shard_clips
from camfuse.config import Config, Crops
from camfuse.errors import ClipError, ShardError
from camfuse.geometry import transform_points
from camfuse.jpeg import decode_jpeg, encode_jpeg
from camfuse.prep.arrays import ClipCrops, ClipFrames, Floats, Image
from camfuse.prep.clipwise import ShardJob, make_shard
from camfuse.run.shard import ClipData, Shard
from camfuse.run.stages import fingerprint
from camfuse.skeleton import LEFT_HAND, NUM_KEYPOINTS, RIGHT_HAND

SMALLEST_PERSON = 8.0
"""A person whose keypoints span fewer frame pixels than this is no person that a crop could show."""
STEADY_FRAMES = 3
"""Length of the running median over time that keeps a keypoint gone wild from widening the box."""


def crop_clips(config: Config, clips: Path, frames: Path, pose: Path, output: Path) -> None:
    """Cut every clip of a shard to its box.

    Writes JPEG images of S x S, ``keypoints`` (T, 133, 3) float32 in crop pixels with the lower body at the
    origin, and the fact ``affine`` (2, 3) float64, which takes frame pixels to crop pixels.

    Raises
    ------
    BadClipsError
        If nobody was found in a clip.
    ShardError
        If the shards of frames and keypoints do not belong together or to this config.
    """
    source = Shard(frames, stage="frames", fingerprint=fingerprint("frames", config))
    poses = Shard(pose, stage="pose", fingerprint=fingerprint("pose", config))

    def compute(clip: Clip) -> ClipData:
        check_counts(clip.clip_id, source, poses)
        video, keypoints = ClipFrames.of(source, clip.clip_id), poses.read("keypoints", clip.clip_id)
        return crop_clip(clip.clip_id, video, keypoints, config.crops).data()

    # A clip can fail here, so what is done is kept for the next try.
    provenance = {"opencv": cv2.__version__}
    job = ShardJob("crops", config, output, provenance, upstream=(source, poses), keep_work=True)
    make_shard(job, read_shard_clips(clips), compute)


def check_counts(clip_id: str, frames: Shard, pose: Shard) -> None:
    """Refuse two shards that have another number of frames of a clip.

    Raises
    ------
    ShardError
        If they differ.
    """
    if frames.count(clip_id) != pose.count(clip_id):
        raise ShardError(
            f"{pose.path}: clip {clip_id}: expected {frames.count(clip_id)} frames as in {frames.path}, "
            f"found {pose.count(clip_id)}; run the workflow again to renew it"
        )


def crop_clip(clip_id: str, frames: ClipFrames, keypoints: Floats, crops: Crops) -> ClipCrops:
    """Cut one clip to the box of its kept keypoints; parameters and errors as `lazy_crops` has them."""
    lazy = lazy_crops(clip_id, frames, keypoints, crops)
    return replace(lazy, jpeg=list(lazy.jpeg))


def lazy_crops(clip_id: str, frames: ClipFrames, keypoints: Floats, crops: Crops) -> ClipCrops:
    """Cut one clip to the box of its kept keypoints, each image when it is asked for.

    Parameters
    ----------
    clip_id
        For messages.
    frames
        T frames.
    keypoints
        (T, 133, 3) in pixels of the frame.
    crops
        The config's section.

    Raises
    ------
    ClipError
        If nobody was found in it.
    """
    dropped = dropped_keypoints(crops)
    kept = zero_keypoints(keypoints, dropped)
    try:
        affine = crop_affine(
            kept, frames.height, frames.width, size=crops.size, padding=crops.padding, min_score=crops.min_score
        )
    except ValueError as error:
        raise ClipError(clip_id, str(error)) from error
    moved = zero_keypoints(transform_points(kept, affine), dropped)
    return ClipCrops(_LazyJpeg(frames.jpeg, affine, crops), moved, affine)


class _LazyJpeg(Sequence[bytes]):
    """The crops of stored frames, cut anew each time that they are asked for."""

    def __init__(self, frames: Sequence[bytes], affine: Floats, crops: Crops) -> None:
        self._frames, self._affine, self._crops = frames, affine, crops

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, position: int) -> bytes: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[bytes]: ...
    def __getitem__(self, position: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(position, slice):
            return _LazyJpeg(self._frames[position], self._affine, self._crops)
        image = decode_jpeg(self._frames[position], "a stored frame")
        return encode_jpeg(crop_image(image, self._affine, self._crops.size), self._crops.quality)


def dropped_keypoints(crops: Crops) -> list[int]:
    """Return the keypoints that are set to the origin."""
    kept = {*LEFT_HAND, *RIGHT_HAND} if crops.keep == "hands" else {*range(NUM_KEYPOINTS)}
    return sorted({*range(NUM_KEYPOINTS)} - kept | {*crops.lower_body})


def zero_keypoints(keypoints: Floats, indices: Iterable[int]) -> Floats:
    """Return a copy of (..., K, 3) keypoints with those of `indices` at the origin, score 0."""
    zeroed = keypoints.copy()
    zeroed[..., list(indices), :] = 0
    return zeroed


def crop_affine(
    keypoints: Floats, height: int, width: int, *, size: int, padding: float, min_score: float
) -> NDArray[np.float64]:
    """Return the affine from frame pixels to the pixels of the clip's crop.

    The box is square, centred on the tight box of all keypoints of all frames, its side `padding` times the
    tight box's longer side; it may leave the image. Keypoints count where their score is above 0 and at
    least `min_score`. One that has gone wild does not spoil the box, in two ways: what lies outside the
    image counts as on its border, and the tight box of each frame goes through a running median of three
    frames per side, so that a jump lasting one frame is not followed.

    Parameters
    ----------
    keypoints
        (T, K, 3): x, y in frame pixels, score. NaN where not seen.
    height, width
        Size of the frames in pixels.
    size
        Side S of the crop in pixels.
    padding, min_score
        See `camfuse.config.Crops`.

    Returns
    -------
    NDArray
        (2, 3) float64, for `cv2.warpAffine` and `transform_points`.

    Raises
    ------
    ValueError
        If no keypoint counts, or all that count lie within a few pixels.
    """
    extents = _extents(keypoints, height, width, min_score)
    if not len(extents):
        raise ValueError(
            f"nobody was found in any of its {len(keypoints)} frames: no keypoint has a score of {min_score} or more; "
            "look at the video, then remove the clip or lower `crops.min_score`"
        )
    low, high = _steady(extents[:, :2]).min(axis=0), _steady(extents[:, 2:]).max(axis=0)
    person = float((high - low).max())
    if person < SMALLEST_PERSON:
        raise ValueError(
            f"expected keypoints that span at least {SMALLEST_PERSON:g} pixels of the image, found {person:.1f}; "
            "look at the video, then remove the clip"
        )
    side = padding * person
    scale = size / side
    corner = (low + high) / 2 - side / 2
    shift = -corner * scale - 0.5
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float64)


def _extents(keypoints: Floats, height: int, width: int, min_score: float) -> NDArray[np.float64]:
    """Return the tight box (x0, y0, x1, y1) of each frame that shows somebody."""
    points = keypoints[..., :2].astype(np.float64)
    score = keypoints[..., 2]
    counts = np.isfinite(points).all(-1) & (score > 0) & (score >= min_score)
    inside = np.clip(points, -0.5, (width - 0.5, height - 0.5))
    low = np.where(counts[..., None], inside, np.inf).min(axis=1)
    high = np.where(counts[..., None], inside, -np.inf).max(axis=1)
    return np.concatenate([low, high], axis=1)[counts.any(axis=1)]


def _steady(sides: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the running median of (T, 2) over time; the ends are mirrored, so a jump there goes too."""
    reach = STEADY_FRAMES // 2
    padded = np.pad(sides, ((reach, reach), (0, 0)), mode="reflect" if len(sides) > 1 else "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, STEADY_FRAMES, axis=0)
    return np.asarray(np.median(windows, axis=-1))


def crop_image(image: Image, affine: Floats, size: int) -> Image:
    """Cut the box out of a (H, W, 3) image: (S, S, 3); black where the box leaves the image.

    Shrinking samples k x k points in each pixel of the crop (k = the box's side in crop sides, rounded up) and
    averages them, so that fine texture does not alias; enlarging is bicubic.
    """
    samples = int(np.ceil(1 / np.hypot(affine[0, 0], affine[1, 0]) - 1e-9))
    if samples <= 1:
        return _warp(image, affine, size, cv2.INTER_CUBIC)
    # Pixel centres: sample i of crop pixel x lies at k x + (k - 1) / 2 of the fine grid.
    fine = affine * samples + np.array([[0, 0, (samples - 1) / 2]])
    large = _warp(image, fine, size * samples, cv2.INTER_LINEAR)
    return cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _warp(image: Image, affine: Floats, size: int, interpolation: int) -> Image:
    warped = cv2.warpAffine(image, affine, (size, size), flags=interpolation, borderMode=cv2.BORDER_CONSTANT)
    return warped.astype(np.uint8, copy=False)
