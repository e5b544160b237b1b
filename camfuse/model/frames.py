"""A test's samplings share frames: what looks at one frame at a time looks once at each, however many show it.

Shapes: F stored frames of a batch, K keypoints, S crop side, Q heatmap side, N clips, T frames of a clip.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from camfuse.model.recogniser import Begun, Recogniser

FRAMES_AT_ONCE = {"cpu": 16, "cuda": 256}
"""Frames of one pass: all passes are of one size, as each size has kernels of its own to make."""
SMALL_GPU = 16e9
"""Bytes of memory, below which a GPU's pass has a quarter of them: by the sizes of the first layers' tensors 256 frames
need some 5 GB at full size in float32."""


def begin_frames(model: Recogniser, images: Tensor | None, maps: Tensor | None) -> Begun:
    """Run a recogniser's `begin` on frames instead of clips.

    Parameters
    ----------
    model
        The recogniser.
    images
        Crops (F, S, S, 3) uint8; None without.
    maps
        Heatmaps (F, K, Q, Q) uint8, of frames of their own; None without.

    Returns
    -------
    Begun
        Each frame as a clip of one.
    """
    rgb = pose = visible = None
    if images is not None and model.rgb is not None:
        rgb = _in_passes(images, lambda some: [model.begin(rgb=some.permute(0, 3, 1, 2).unsqueeze(2)).rgb])[0]
    if maps is not None and model.pose is not None:
        pose, visible = _in_passes(maps, lambda some: model.begin(heatmaps=some.unsqueeze(2))[1:])
    return Begun(rgb, pose, visible)


def clips_of(frames: Begun, rgb_frames: Tensor | None, pose_frames: Tensor | None) -> Begun:
    """Return clips of frames that `begin_frames` has looked at.

    Parameters
    ----------
    frames
        What it returned.
    rgb_frames, pose_frames
        (N, T) which of the frames a clip shows, of each stream.
    """
    rgb = None if frames.rgb is None or rgb_frames is None else _together(frames.rgb, rgb_frames)
    if frames.pose is None or frames.visible is None or pose_frames is None:
        return Begun(rgb)
    return Begun(rgb, _together(frames.pose, pose_frames), frames.visible[:, 0][pose_frames])


def _in_passes(frames: Tensor, run: Callable[[Tensor], Sequence[Tensor | None]]) -> list[Tensor]:
    """Return what `run` gives of all frames; the last pass is filled up with the last frame."""
    count = len(frames)
    parts = []
    at_once = frames_at_once(frames.device)
    for first in range(0, count, at_once):
        some = torch.arange(first, first + at_once, device=frames.device).clamp(max=count - 1)
        parts.append([part[: count - first] for part in run(frames[some]) if part is not None])
    return [torch.cat(column) for column in zip(*parts, strict=True)]


def frames_at_once(device: torch.device) -> int:
    """Return how many frames a pass on a device has."""
    most = FRAMES_AT_ONCE.get(device.type, FRAMES_AT_ONCE["cpu"])
    small = device.type == "cuda" and torch.cuda.get_device_properties(device).total_memory < SMALL_GPU
    return most // 4 if small else most


def _together(frames: Tensor, chosen: Tensor) -> Tensor:
    """Return (N, C, T, H, W) of frames (F, C, 1, H, W), in the same layout."""
    images = frames.squeeze(2)
    if frames.is_contiguous():
        return images[chosen].transpose(1, 2).contiguous()
    return images.permute(0, 2, 3, 1)[chosen].permute(0, 4, 1, 2, 3)
