"""A batch from the loader to the network.

A clip's dense heatmaps are 17 MB at the paper's size (133 x 32 x 64 x 64), and ten samplings of a test clip 174 MB:
handing them from process to process takes longer than a GPU's step. So a `ClipDataset` with `compact` gives what they
are made of, and `with_heatmaps` makes them where the network is: in training from the augmented keypoints, in a test
from the stored maps, of which each frame travels once however many samplings show it.

Shapes: B batch, V samplings per clip, K keypoints, P pose frames, Q heatmap side, F stored frames of a batch.
"""

from collections.abc import Sequence
from typing import Any, TypedDict, cast

import torch
from torch import Tensor
from torch.utils.data import default_collate

from camfuse.config import Config
from camfuse.data.dataset import Sample
from camfuse.geometry import rescale
from camfuse.prep.heatmaps import CUT, STRIDE


def collate(samples: Sequence[Sample]) -> Sample:
    """Make a batch: every tensor gets the axis B, but the stored maps lie one after the other.

    ``volume`` is (F, K, Q, Q) then, and ``pose_frames`` (B, V, P) counts through it.
    """
    if "volume" not in samples[0]:
        batch: Sample = default_collate(list(samples))
        return batch
    shifted: list[dict[str, Any]] = []
    start = 0
    for sample in samples:
        shifted.append({**sample, "pose_frames": sample["pose_frames"] + start})
        start += len(sample["volume"])
    volumes = [one.pop("volume") for one in shifted]
    batch = default_collate(shifted)
    batch["volume"] = torch.cat(volumes)
    return batch


def to_device(batch: Sample, device: torch.device) -> Sample:
    """Move every tensor of a batch."""
    there = {key: cast(Tensor, value).to(device, non_blocking=True) for key, value in batch.items()}
    return cast(Sample, there)


def with_heatmaps(batch: Sample, config: Config, number: int | None = None) -> Sample:
    """Return the batch of dense tensors that the network takes, made on the device where its tensors are.

    Parameters
    ----------
    batch
        As `collate` gives it, of a compact data set or not.
    config
        The run's config.
    number
        Which of the V samplings; without it, all.

    Returns
    -------
    Sample
        With ``rgb`` (B, V, 3, R, S, S) and ``heatmaps`` (B, V, K, P, Q, Q) uint8, ``sequence`` (B, V, F, L) float32,
        as far as the data set has them; V is 1 with `number`.
    """
    chosen = slice(None) if number is None else slice(number, number + 1)
    out = Sample(label=batch["label"], index=batch["index"])
    if "rgb" in batch:
        out["rgb"] = batch["rgb"][:, chosen]
    if "sequence" in batch:
        out["sequence"] = batch["sequence"][:, chosen]
    if "heatmaps" in batch:
        out["heatmaps"] = batch["heatmaps"][:, chosen]
    elif "keypoints" in batch:
        side = config.crops.size // STRIDE
        out["heatmaps"] = render_on_device(batch["keypoints"][:, chosen], side, config.heatmaps.sigma)
    elif "volume" in batch:
        # (F, K, Q, Q) -> (B, V, P, K, Q, Q) -> (B, V, K, P, Q, Q)
        out["heatmaps"] = batch["volume"][batch["pose_frames"][:, chosen]].transpose(2, 3).contiguous()
    return out


class Inputs(TypedDict):
    """What a recogniser is called with; None for what the data set does not have."""

    rgb: Tensor | None
    heatmaps: Tensor | None
    sequence: Tensor | None


def inputs_of(batch: Sample) -> Inputs:
    """Return the dense tensors of a batch with every sampling as a clip of its own, (B, V, ...) to (B V, ...)."""
    flat = {key: batch[key].flatten(0, 1) for key in ("rgb", "heatmaps", "sequence") if key in batch}
    return Inputs(rgb=flat.get("rgb"), heatmaps=flat.get("heatmaps"), sequence=flat.get("sequence"))


def render_on_device(keypoints: Tensor, size: int, sigma: float, *, scale: float = 1 / STRIDE) -> Tensor:
    """Render keypoints as `camfuse.prep.heatmaps.render` does, by torch: whole maps, as a GPU likes them.

    Parameters
    ----------
    keypoints
        (B, ..., 3) x, y in crop pixels and score; what `render` leaves empty stays empty here.
    size
        Side Q of a map in pixels.
    sigma
        Standard deviation in heatmap pixels.
    scale
        Heatmap pixels per crop pixel.

    Returns
    -------
    Tensor
        (B, ..., Q, Q) uint8, 255 for a score of 1.
    """
    out = torch.empty(*keypoints.shape[:-1], size, size, dtype=torch.uint8, device=keypoints.device)
    for clip, maps in zip(keypoints.double(), out, strict=True):  # one by one: the products of all would be large
        live = clip.isfinite().all(-1) & (clip[..., 2] > 0)
        points = torch.where(live[..., None], clip, 0.0)
        peak = torch.where(live, points[..., 2].clamp(max=1) * 255, 0.0)
        across, down = (_gaussian(rescale(points[..., axis], scale), size, sigma) for axis in (0, 1))
        values = (peak[..., None] * down).float()[..., :, None] * across.float()[..., None, :]
        maps.copy_(values.round_())
    return out


def _gaussian(centre: Tensor, size: int, sigma: float) -> Tensor:
    """Return the Gaussian (..., Q) along one axis, 0 beyond the cut."""
    distance = (torch.arange(size, device=centre.device) - centre[..., None]).abs()
    return torch.where(distance <= CUT * sigma, torch.exp(-0.5 * (distance / sigma).square()), 0.0)
