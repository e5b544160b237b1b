"""What the loader leaves to the device where the network is: rendering, moving images, unpacking stored maps.

Each gives what its counterpart on the CPU gives, to one level of 255.

Shapes: B batch, V samplings per clip, K keypoints, R RGB frames, S crop side, Q heatmap side, F stored frames.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from camfuse.geometry import rescale
from camfuse.prep.heatmaps import CUT, STRIDE
from camfuse.skeleton import NUM_KEYPOINTS

WORD = 8
"""Bytes of a packed word."""


def render_on_device(keypoints: Tensor, size: int, sigma: float, *, scale: float = 1 / STRIDE) -> Tensor:
    """Render keypoints as `camfuse.prep.heatmaps.render` does, by torch: whole maps, as a GPU likes them.

    Parameters
    ----------
    keypoints
        (B, ..., K, P, 3) x, y in crop pixels and score; what `render` leaves empty stays empty here.
    size
        Side Q of a map in pixels.
    sigma
        Standard deviation in heatmap pixels.
    scale
        Heatmap pixels per crop pixel.

    Returns
    -------
    Tensor
        (B, ..., K, P, Q, Q) uint8, 255 for a score of 1; compiled, K lies last in memory, as the network reads it.
    """
    points = keypoints.double()
    live = points.isfinite().all(-1) & (points[..., 2] > 0)
    points = torch.where(live[..., None], points, 0.0)
    peak = torch.where(live, points[..., 2].clamp(max=1) * 255, 0.0)
    across, down = (_gaussian(rescale(points[..., axis], scale), size, sigma) for axis in (0, 1))
    rows, columns = (peak[..., None] * down).float(), across.float()
    if torch.compiler.is_compiling():  # one kernel, that keeps nothing
        # (B, ..., K, P, Q) -> (B, ..., P, Q, K)
        rows, columns = rows.movedim(-3, -1).contiguous(), columns.movedim(-3, -1).contiguous()
        maps = (rows[..., :, None, :] * columns[..., None, :, :]).round().to(torch.uint8)
        return maps.movedim(-1, -4)
    out = torch.empty(*keypoints.shape[:-1], size, size, dtype=torch.uint8, device=keypoints.device)
    for row, column, maps in zip(rows, columns, out, strict=True):  # one by one: the products of all would be large
        maps.copy_((row[..., :, None] * column[..., None, :]).round_())
    return out


def _gaussian(centre: Tensor, size: int, sigma: float) -> Tensor:
    """Return the Gaussian (..., Q) along one axis, 0 beyond the cut."""
    distance = (torch.arange(size, device=centre.device) - centre[..., None]).abs()
    return torch.where(distance <= CUT * sigma, torch.exp(-0.5 * (distance / sigma).square()), 0.0)


def move_on_device(images: Tensor, affine: Tensor, colour: Tensor) -> Tensor:
    """Move images as `camfuse.data.augment.move_images` does.

    Parameters
    ----------
    images
        (N, R, S, S, 3) uint8, RGB.
    affine
        (N, 2, 3) float32, maps crop pixels to crop pixels.
    colour
        (N, 3, 4) float32, maps R, G, B, 1 (0..255) to R, G, B.

    Returns
    -------
    Tensor
        (N, R, S, S, 3) uint8; beyond the images' edge is black.
    """
    frames, size = images.shape[1:3]
    planes = images.permute(0, 1, 4, 2, 3).flatten(1, 2).float()  # (N, R 3, S, S)
    moved = functional.grid_sample(planes, _grid(affine, size), align_corners=False).round_()
    moved = moved.unflatten(1, (frames, 3)).permute(0, 1, 3, 4, 2)  # (N, R, S, S, 3)
    weights = colour[:, None, None, None]  # (N, 1, 1, 1, 3, 4)
    coloured = weights[..., 3].expand(moved.shape).clone()
    for channel in range(3):  # not by a product of matrices, which may round to fewer digits
        coloured.addcmul_(moved[..., channel, None], weights[..., channel])
    return coloured.round_().clamp_(0, 255).to(torch.uint8)


def _grid(affine: Tensor, size: int) -> Tensor:
    """Return where each pixel comes from (N, S, S, 2), as torch counts: -1 and 1 are the outer edges of the image."""
    back = _inverse(affine.double())  # target pixels to source pixels
    pixel = torch.arange(size, device=affine.device, dtype=torch.float64)
    y, x = torch.meshgrid(pixel, pixel, indexing="ij")
    source = torch.einsum("nij,hwj->nhwi", back, torch.stack([x, y, torch.ones_like(x)], -1))
    return ((2 * source + 1) / size - 1).float()


def _inverse(affine: Tensor) -> Tensor:
    """Return the inverse of affine maps (N, 2, 3), written out: `torch.linalg.inv` makes the program wait for a GPU."""
    a, b, x, c, d, y = affine.flatten(1).unbind(1)
    rows = [torch.stack([d, -b, b * y - d * x], 1), torch.stack([-c, a, c * x - a * y], 1)]
    return torch.stack(rows, 1) / (a * d - b * c)[:, None, None]


def pack_maps(volume: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pack stored maps, nearly all of which is 0: the words of eight bytes that are not, and where they lie.

    Parameters
    ----------
    volume
        (F, K, Q, Q), C-contiguous; Q is a multiple of 8, as crops are of 32.

    Returns
    -------
    NDArray
        (3, n): the frame, the word's number in it, the word.
    """
    words = volume.reshape(-1).view(np.int64)
    places = np.flatnonzero(words)
    return np.stack([*np.divmod(places, volume[0].size // WORD), words[places]])


def unpack_maps(packed: Tensor, frames: int, size: int) -> Tensor:
    """Return `frames` maps (F, K, Q, Q) uint8 of side Q that `pack_maps` packed, on the device of `packed`."""
    per_frame = NUM_KEYPOINTS * size * size // WORD
    words = torch.zeros(frames * per_frame, dtype=torch.int64, device=packed.device)
    words.scatter_(0, packed[0] * per_frame + packed[1], packed[2])
    return words.view(torch.uint8).view(frames, NUM_KEYPOINTS, size, size)


@dataclass(frozen=True)
class DeviceWork:
    """How a device renders and moves: as the functions of this module, or compiled."""

    render: Callable[[Tensor, int, float], Tensor] = render_on_device
    move: Callable[[Tensor, Tensor, Tensor], Tensor] = move_on_device


def compiled_work() -> DeviceWork:
    """Return both compiled by torch, for batches of one size: every value is read and written once."""
    return DeviceWork(*(torch.compile(one, dynamic=False) for one in (render_on_device, move_on_device)))


PLAIN = DeviceWork()
