"""A batch from the loader to the network.

A clip's dense heatmaps are 17 MB at the paper's size (133 x 32 x 64 x 64), and ten samplings of a test clip 174 MB:
handing them from process to process takes longer than a GPU's step. So a `ClipDataset` with `compact` gives what they
are made of, and `dense` makes them where the network is: in training from the augmented keypoints and the stored crops,
in a test from the stored maps and crops, of which each frame travels once however many samplings show it.

Shapes: B batch, V samplings per clip, K keypoints, P pose frames, R RGB frames, S crop side, Q heatmap side, F stored
frames of a batch.
"""

from collections.abc import Sequence
from typing import TypedDict, cast

import torch
from torch import Tensor
from torch.utils.data import default_collate

from camfuse.config import Config
from camfuse.data.dataset import Sample
from camfuse.data.on_device import PLAIN, DeviceWork, unpack_maps
from camfuse.prep.heatmaps import STRIDE

SAMPLED = ("rgb", "heatmaps", "sequence", "frames", "affine", "colour", "keypoints", "rgb_frames", "pose_frames")
"""What has an axis V."""
EVERY = slice(None)


def collate(samples: Sequence[Sample]) -> Sample:
    """Make a batch: every tensor gets the axis B, but stored frames lie one after the other.

    ``images`` is (F, S, S, 3) then, and ``rgb_frames`` (B, V, R) counts through it; ``packed`` (3, n) and
    ``pose_frames`` (B, V, P) likewise, of frames of their own.
    """
    shifted, images, packed = [dict(sample) for sample in samples], list[Tensor](), list[Tensor]()
    crops = maps = 0
    for sample in shifted:
        if "images" in sample:
            images.append(cast(Tensor, sample.pop("images")))
            sample["rgb_frames"] = cast(Tensor, sample["rgb_frames"]) + crops
            crops += len(images[-1])
        if "packed" in sample:
            frame, *words = cast(Tensor, sample.pop("packed"))
            packed.append(torch.stack([frame + maps, *words]))
            frames = cast(Tensor, sample["pose_frames"]) + maps
            sample["pose_frames"], maps = frames, int(frames.max()) + 1
    batch: Sample = default_collate(shifted)
    if images:
        batch["images"] = torch.cat(images)
    if packed:
        batch["packed"] = torch.cat(packed, 1)
    return batch


def to_device(batch: Sample, device: torch.device) -> Sample:
    """Move every tensor of a batch."""
    there = {key: cast(Tensor, value).to(device, non_blocking=True) for key, value in batch.items()}
    return cast(Sample, there)


def unpacked(batch: Sample, config: Config) -> Sample:
    """Return the batch with the stored maps whole, where it has them packed; `dense` does so by itself."""
    if "packed" not in batch:
        return batch
    frames = int(batch["pose_frames"].max()) + 1
    out = cast(Sample, {key: value for key, value in batch.items() if key != "packed"})
    out["volume"] = unpack_maps(batch["packed"], frames, config.crops.size // STRIDE)
    return out


def samplings_of(batch: Sample) -> int:
    """Return V."""
    return next(batch[key].shape[1] for key in SAMPLED if key in batch)  # type: ignore[literal-required, no-any-return]


def dense(batch: Sample, config: Config, chosen: slice = EVERY, work: DeviceWork = PLAIN) -> Sample:
    """Return the batch of dense tensors that the network takes, made on the device where its tensors are.

    Parameters
    ----------
    batch
        As `collate` gives it, of a compact data set or not.
    config
        The run's config.
    chosen
        Which of the V samplings.
    work
        How to render and move.

    Returns
    -------
    Sample
        With ``rgb`` (B, V, 3, R, S, S) and ``heatmaps`` (B, V, K, P, Q, Q) uint8, ``sequence`` (B, V, F, L) float32,
        as far as the data set has them; of compact crops the channels lie last in memory.
    """
    out = Sample(label=batch["label"], index=batch["index"])
    if "rgb" in batch:
        out["rgb"] = batch["rgb"][:, chosen]
    elif "frames" in batch:
        flat = (batch[key][:, chosen].flatten(0, 1) for key in ("frames", "affine", "colour"))
        out["rgb"] = _channels_second(work.move(*flat).unflatten(0, (len(batch["label"]), -1)))
    elif "images" in batch:
        out["rgb"] = _channels_second(batch["images"][batch["rgb_frames"][:, chosen]])
    if "sequence" in batch:
        out["sequence"] = batch["sequence"][:, chosen]
    if "heatmaps" in batch:
        out["heatmaps"] = batch["heatmaps"][:, chosen]
    elif "keypoints" in batch:
        side = config.crops.size // STRIDE
        out["heatmaps"] = work.render(batch["keypoints"][:, chosen], side, config.heatmaps.sigma)
    elif "pose_frames" in batch:
        # (F, K, Q, Q) -> (B, V, P, K, Q, Q) -> (B, V, K, P, Q, Q)
        volume = unpacked(batch, config)["volume"]
        out["heatmaps"] = volume[batch["pose_frames"][:, chosen]].transpose(2, 3).contiguous()
    return out


def _channels_second(images: Tensor) -> Tensor:
    """View images (B, V, R, S, S, 3) as the network takes them, (B, V, 3, R, S, S)."""
    return images.permute(0, 1, 5, 2, 3, 4)


class Inputs(TypedDict):
    """What a recogniser is called with; None for what the data set does not have."""

    rgb: Tensor | None
    heatmaps: Tensor | None
    sequence: Tensor | None


def inputs_of(batch: Sample) -> Inputs:
    """Return the dense tensors of a batch with every sampling as a clip of its own, (B, V, ...) to (B V, ...)."""
    flat = {key: batch[key].flatten(0, 1) for key in ("rgb", "heatmaps", "sequence") if key in batch}
    return Inputs(rgb=flat.get("rgb"), heatmaps=flat.get("heatmaps"), sequence=flat.get("sequence"))


def filled(inputs: Inputs, clips: int) -> Inputs:
    """Return inputs of `clips` clips, the last repeated: a compiled network takes batches of one size only."""
    found = {key: value for key, value in inputs.items() if isinstance(value, Tensor)}
    rows = {key: torch.arange(clips, device=x.device).clamp(max=len(x) - 1) for key, x in found.items()}
    more = {key: x if len(x) == clips else x[rows[key]] for key, x in found.items()}
    return Inputs(rgb=more.get("rgb"), heatmaps=more.get("heatmaps"), sequence=more.get("sequence"))
