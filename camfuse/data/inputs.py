"""What a trained recogniser is given of one clip, as a test gives it, in numpy alone: exported models need no torch.

Shapes: V samplings, R RGB frames, P pose frames, crop side S, heatmap side Q, K keypoints.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camfuse.config import Config, Part
from camfuse.data.sampling import FrameChoice, clip_choices, sampled_part
from camfuse.data.sequence import normalise
from camfuse.data.sequence_views import plain_channels
from camfuse.jpeg import decode_jpeg
from camfuse.prep.arrays import ClipCrops, Floats
from camfuse.prep.heatmaps import STRIDE, drawn_keypoints, render

Inputs = Mapping[str, NDArray[Any]]
"""The recogniser's inputs by the names of its arguments, each (V, ...)."""


def clip_inputs(
    config: Config, part: Part, clip_id: str, keypoints: Floats, crops: ClipCrops | None
) -> dict[str, NDArray[Any]]:
    """Return the samplings of one clip, to the bit those that `ClipDataset` takes out of the shards.

    Parameters
    ----------
    config
        Under which the model was trained.
    part
        Of the model: only what it looks at is made.
    clip_id
        Which frames are drawn depends on it.
    keypoints
        (T, 133, 3) in pixels of the frames, as the estimator gave them.
    crops
        The clip, T frames; None for a part that `needs_crops` says it of.

    Returns
    -------
    dict
        ``rgb`` (V, 3, R, S, S) and ``heatmaps`` (V, K, P, Q, Q), uint8, and ``sequence`` (V, F, L) float32, as far as
        the part has them.
    """
    samplings, streams = config.evaluate.samplings, config.model.streams_of(part)
    made: dict[str, NDArray[Any]] = {}
    if config.model.sequence and "sequence" in streams:
        frames, augment = config.model.sequence.frames, config.train.sequence_augment
        made["sequence"] = plain_channels(normalise(keypoints), frames, augment, samplings)
    if crops is None:
        return made
    sampled = sampled_part(crops.keypoints, config.sampling)
    choices = clip_choices(clip_id, sampled, config.sampling, samplings)
    if "rgb" in streams:
        made["rgb"] = _images(crops, choices)
    if "pose" in streams:
        made["heatmaps"] = _heatmaps(config, crops, choices)
    return made


def needs_crops(config: Config, part: Part) -> bool:
    """Return whether a part looks at crops, or at heatmaps, which are made in their frame."""
    return not {"rgb", "pose"}.isdisjoint(config.model.streams_of(part))


def _images(crops: ClipCrops, choices: Sequence[FrameChoice]) -> NDArray[np.uint8]:
    wanted, place = np.unique(np.stack([choice.rgb for choice in choices]), return_inverse=True)
    decoded = np.stack([decode_jpeg(crops.jpeg[frame], f"crop {frame}") for frame in wanted.tolist()])
    # (V, R, S, S, 3) -> (V, 3, R, S, S)
    return np.ascontiguousarray(decoded[place].transpose(0, 4, 1, 2, 3))


def _heatmaps(config: Config, crops: ClipCrops, choices: Sequence[FrameChoice]) -> NDArray[np.uint8]:
    wanted, place = np.unique(np.stack([choice.pose for choice in choices]), return_inverse=True)
    drawn = drawn_keypoints(crops.keypoints, config)[wanted]
    maps = render(drawn, config.crops.size // STRIDE, config.heatmaps.sigma)
    # (V, P, K, Q, Q) -> (V, K, P, Q, Q)
    return np.ascontiguousarray(maps[place].swapaxes(1, 2))
