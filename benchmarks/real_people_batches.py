"""What the trainings of `real_people_device` see of the packed clips: drawn on the CPU, made on the device.

Images are moved and heatmaps rendered for a whole batch at once, as the package does for each clip; sampling and the
sequence stream's augmentation are the package's own.

Shapes: B batch, R RGB frames, P pose frames, S crop side, Q heatmap side, K keypoints.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from camfuse.config import (
    Augment,
    Fusion,
    Model,
    PoseStream,
    RgbStream,
    Sampling,
    SequenceAugment,
    SequenceStream,
)
from camfuse.data.augment import affine_matrix, colour_matrix
from camfuse.data.sampling import evaluation_frames, training_frames
from camfuse.data.sequence import POINTS
from camfuse.data.sequence_augment import augmented
from camfuse.data.sequence_channels import features
from camfuse.data.sequence_views import plain_channels
from camfuse.prep.hands import hand_zoom, zoom_hands
from camfuse.skeleton import MIRROR

SIZE, TILE = 128, 64
SIDE = SIZE // 4
SIGMA = 0.7
CUT = 3
SAMPLING = Sampling(rgb_frames=8, pose_frames=16)
SAMPLINGS = 10
WHOLE = 24
"""Stored frames of the whole clip; those of the active part come behind."""


@dataclass(frozen=True)
class Setting:
    """How a stream is trained, in what its candidates differ."""

    views: int = 100
    batch: int = 8
    active: bool = False
    tiles: bool = False
    zoom: bool = False
    mirror: float = 0.0
    mixup: float = 0.0
    limbs: float = 0.0
    """Logarithm of the largest change of an arm's length, of the shoulders' width and of the hands' size."""
    smoothing: float = 0.1
    decay: float = 0.05
    sequence: SequenceStream = field(default_factory=SequenceStream)
    augment: SequenceAugment = field(default_factory=SequenceAugment)


SEQUENCE = SequenceStream()
STREAMS: dict[str, Any] = {
    "rgb": RgbStream(depths=(1, 1, 1, 1), channels=16),
    "pose": PoseStream(depths=(1, 1, 1), channels=16),
    "sequence": SEQUENCE,
}


def model_of(streams: tuple[str, ...], fusion: Fusion | None, setting: Setting) -> Model:
    """Return the small model of `config/videos.yaml` with these streams."""
    there: dict[str, Any] = {name: STREAMS[name] if name in streams else None for name in STREAMS}
    if "sequence" in streams:
        there["sequence"] = setting.sequence
    return Model(fusion=fusion, **there)


class Clips:
    """The packed clips, their images on the device.

    Parameters
    ----------
    path
        The pack.
    device
        Where the images are.
    half
        Whether a CPU, too, computes images and heatmaps in bf16.
    """

    def __init__(self, path: Path, device: torch.device, *, half: bool = False) -> None:
        with np.load(path) as stored:
            data = {name: stored[name] for name in stored.files}
        self.device, self.half = device, half
        self.table = {name: data[name] for name in ("video", "word", "label8", "signer", "source", "group8")}
        self.keypoints = data["keypoints"].astype(np.float32)
        ends = np.cumsum(data["points_count"])
        self.points = np.split(data["points"].astype(np.float32), ends[:-1])
        self.images = {name: _decoded(data, name, device) for name in ("whole", "active", "tiles")}
        self.index = {name: data[f"{name}_index"].astype(np.int64) for name in ("whole", "active", "tiles")}
        self.zooms = np.array([hand_zoom(clip, SIZE) for clip in self.keypoints])

        self._views: dict[int, NDArray[np.float32]] = {}

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.points)

    def views(self, row: int) -> NDArray[np.float32]:
        """Return what a test's samplings see of a clip's points, (SAMPLINGS, F, frames)."""
        if row not in self._views:
            self._views[row] = plain_channels(self.points[row], SEQUENCE.frames, SequenceAugment(), SAMPLINGS)
        return self._views[row]


def _decoded(data: Mapping[str, NDArray[Any]], name: str, device: torch.device) -> Tensor:
    raw, offset = data[f"{name}_bytes"].tobytes(), data[f"{name}_offset"]
    images = np.empty((len(offset) - 1, SIZE, SIZE, 3), np.uint8)
    for number, (first, last) in enumerate(pairwise(offset)):
        coded = np.frombuffer(raw[first:last], np.uint8)
        images[number] = cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return torch.from_numpy(images).to(device)


def draw(
    clips: Clips,
    rows: NDArray[np.int64],
    setting: Setting,
    streams: tuple[str, ...],
    augment: bool,
    rng: np.random.Generator,
    number: int = 0,
) -> dict[str, NDArray[Any]]:
    """Return what `inputs` makes a batch of: frames chosen and changes drawn, anew or as a test's sampling `number`."""
    out: dict[str, NDArray[Any]] = {}
    if "sequence" in streams:
        if augment:
            views = [restyled(clips.points[row], setting.limbs, rng) for row in rows]
            views = [augmented(one, SEQUENCE.frames, setting.augment, rng) for one in views]
            out["sequence"] = features(np.stack(views))
        else:
            out["sequence"] = np.stack([clips.views(row)[number] for row in rows])
    if "rgb" not in streams and "pose" not in streams:
        return out
    first, total = (WHOLE, clips.keypoints.shape[1] - WHOLE) if setting.active else (0, WHOLE)
    choices = [
        training_frames(total, SAMPLING, Augment().span, rng)
        if augment
        else evaluation_frames(
            total, SAMPLING, np.random.default_rng([int(row), number]), number=number, samplings=SAMPLINGS
        )
        for row in rows
    ]
    count = len(rows)
    mirrored = rng.random(count) < setting.mirror if augment else np.zeros(count, bool)
    changes = Augment()
    affine = np.stack([_affine(changes, bool(flip), rng, augment) for flip in mirrored])
    if "rgb" in streams:
        name = "tiles" if setting.tiles else "active" if setting.active else "whole"
        out["images"] = np.stack(
            [clips.index[name][row][choice.rgb] for row, choice in zip(rows, choices, strict=True)]
        )
        back = np.linalg.inv(np.concatenate([affine, np.tile([[[0, 0, 1.0]]], (count, 1, 1))], 1))[:, :2]
        out["back"] = back.astype(np.float32)
        out["mirrored"] = mirrored
        out["colour"] = np.stack([_colour(changes, rng, augment) for _ in rows]).astype(np.float32)
    if "pose" in streams:
        chosen = np.stack(
            [clips.keypoints[row][first + choice.pose] for row, choice in zip(rows, choices, strict=True)]
        )
        out["keypoints"] = moved(chosen, affine, mirrored, clips.zooms[rows] if setting.zoom else None)
    return out


def restyled(points: NDArray[np.float32], most: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a clip's points (T, N, 2) as a signer of another build would give them: shoulders, arms, hands."""
    if most == 0:
        return points
    width, upper, fore, hand = np.exp(rng.uniform(-most, most, 4)).astype(np.float32)
    out = points.copy()
    middle = (points[:, 5] + points[:, 6]) / 2
    for shoulder, elbow, wrist, side in ((5, 7, 9, "left"), (6, 8, 10, "right")):
        out[:, shoulder] = middle + (points[:, shoulder] - middle) * width
        out[:, elbow] = out[:, shoulder] + (points[:, elbow] - points[:, shoulder]) * upper
        out[:, wrist] = out[:, elbow] + (points[:, wrist] - points[:, elbow]) * fore
        place = POINTS[side]
        moved_by = np.where(np.isfinite(out[:, wrist]), out[:, wrist] - points[:, wrist], 0)[:, None]
        root = points[:, place][:, :1]
        out[:, place] = root + moved_by + (points[:, place] - root) * hand
    return out


def _affine(changes: Augment, flip: bool, rng: np.random.Generator, augment: bool) -> NDArray[np.float64]:
    if not augment:
        return np.array([[1.0, 0, 0], [0, 1, 0]])
    return affine_matrix(
        SIZE,
        scale=float(np.exp(rng.uniform(*np.log(changes.scale)))),
        degrees=float(rng.uniform(-changes.rotate, changes.rotate)),
        shift=rng.uniform(-changes.shift, changes.shift, 2) * SIZE,
        mirror=flip,
    )


def _colour(changes: Augment, rng: np.random.Generator, augment: bool) -> NDArray[np.float64]:
    spread = changes.colour if augment else 0.0
    return colour_matrix(*rng.uniform(1 - spread, 1 + spread, 3))


def moved(
    keypoints: NDArray[np.float32],
    affine: NDArray[np.float64],
    mirrored: NDArray[np.bool_],
    zooms: NDArray[np.float64] | None,
) -> NDArray[np.float32]:
    """Return keypoints (B, P, K, 3) moved, and the hands zoomed about their own middle, as (B, K, P, 3)."""
    out = keypoints.copy()
    places = np.einsum("bij,bpkj->bpki", affine[:, :, :2], keypoints[..., :2]) + affine[:, None, None, :, 2]
    out[..., :2] = places
    out[mirrored] = out[mirrored][:, :, list(MIRROR)]
    if zooms is not None:
        out = np.stack([zoom_hands(clip, SIZE, zoom) for clip, zoom in zip(out, zooms.tolist(), strict=True)])
    return np.ascontiguousarray(out.swapaxes(1, 2))


def inputs(clips: Clips, batch: Mapping[str, Tensor], setting: Setting) -> dict[str, Tensor]:
    """Return the network's input on the device, float32."""
    out = {}
    if "images" in batch:
        name = "tiles" if setting.tiles else "active" if setting.active else "whole"
        out["rgb"] = moved_images(clips.images[name][batch["images"]], batch, 2 if setting.tiles else 1)
    if "keypoints" in batch:
        out["heatmaps"] = rendered(batch["keypoints"], torch.bfloat16 if clips.half else torch.float32)
    if "sequence" in batch:
        out["sequence"] = batch["sequence"]
    return out


def moved_images(images: Tensor, batch: Mapping[str, Tensor], tiles: int) -> Tensor:
    """Return images (B, R, S, S, 3) after the change, (B, 3, R, S, S); each of `tiles` x `tiles` tiles by itself."""
    count, frames, size, _, _ = images.shape
    side = size // tiles
    # (B, R, a, s, b, s, 3) -> (B, (R, a, b, 3), s, s)
    planes = images.view(count, frames, tiles, side, tiles, side, 3).permute(0, 1, 2, 4, 6, 3, 5).float()
    back = batch["back"]
    pixel = (torch.arange(side, device=images.device, dtype=torch.float32) + 0.5) * tiles - 0.5
    y, x = torch.meshgrid(pixel, pixel, indexing="ij")
    source = (
        back[:, None, None, :, 0] * x[..., None] + back[:, None, None, :, 1] * y[..., None] + back[:, None, None, :, 2]
    )
    grid = (2 * source + 1) / size - 1
    out = functional.grid_sample(planes.flatten(1, 4), grid, align_corners=False).view_as(planes)
    if tiles == 2:  # left and right hand change places
        swapped = torch.stack([out[:, :, 0], out[:, :, 1].flip(2)], 2)
        out = torch.where(batch["mirrored"].view(-1, 1, 1, 1, 1, 1, 1), swapped, out)
    colours = torch.einsum("bij,brxyjhw->brxyihw", batch["colour"][..., :3], out)
    colours = (colours + batch["colour"][:, None, None, None, :, 3, None, None]).clamp(0, 255)
    # (B, R, a, b, 3, s, s) -> (B, 3, R, a, s, b, s)
    return colours.permute(0, 4, 1, 2, 5, 3, 6).reshape(count, 3, frames, size, size)


def rendered(keypoints: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the maps 0..255 (B, K, P, Q, Q) of keypoints (B, K, P, 3) in crop pixels."""
    live = keypoints.isfinite().all(-1) & (keypoints[..., 2] > 0)
    points = torch.where(live[..., None], keypoints, 0.0)
    peak = torch.where(live, points[..., 2].clamp(max=1) * 255, 0.0)
    pixels = torch.arange(SIDE, device=keypoints.device)

    def gaussian(places: Tensor) -> Tensor:
        distance = (pixels - ((places + 0.5) / 4 - 0.5)[..., None]).abs()
        return torch.where(distance <= CUT * SIGMA, torch.exp(-0.5 * (distance / SIGMA).square()), 0.0)

    rows, columns = (peak[..., None] * gaussian(points[..., 1])).to(dtype), gaussian(points[..., 0]).to(dtype)
    maps = rows[..., :, None] * columns[..., None, :]
    return maps if dtype == torch.bfloat16 else maps.round()  # which is no finer than that anyway
