"""What a trained recogniser is given of one clip, as a test gives it, in numpy alone: exported models need no torch.

Shapes: V samplings, R RGB frames, P pose frames, crop side S, heatmap side Q, K keypoints.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camfuse.config import Config, Part
from camfuse.data.sampling import FrameChoice, clip_choices
from camfuse.jpeg import decode_jpeg
from camfuse.prep.arrays import ClipCrops
from camfuse.prep.heatmaps import STRIDE, render
from camfuse.run.layout import INPUTS

Inputs = Mapping[str, NDArray[Any]]
"""The recogniser's inputs by the names of its arguments, each (V, ...)."""


def clip_inputs(config: Config, part: Part, clip_id: str, crops: ClipCrops) -> dict[str, NDArray[Any]]:
    """Return the samplings of one clip, to the bit those that `ClipDataset` takes out of the shards.

    Parameters
    ----------
    config
        Under which the model was trained.
    part
        Of the model: only what it looks at is made.
    clip_id
        Which frames are drawn depends on it.
    crops
        The clip, T frames.

    Returns
    -------
    dict
        ``rgb`` (V, 3, R, S, S) and ``heatmaps`` (V, K, P, Q, Q), uint8, as far as the part has them.
    """
    choices = clip_choices(clip_id, len(crops), config.sampling, config.evaluate.samplings)
    made: dict[str, NDArray[Any]] = {}
    if "crops" in INPUTS[part]:
        made["rgb"] = _images(crops, choices)
    if "heatmaps" in INPUTS[part]:
        made["heatmaps"] = _heatmaps(config, crops, choices)
    return made


def _images(crops: ClipCrops, choices: Sequence[FrameChoice]) -> NDArray[np.uint8]:
    wanted, place = np.unique(np.stack([choice.rgb for choice in choices]), return_inverse=True)
    decoded = np.stack([decode_jpeg(crops.jpeg[frame], f"crop {frame}") for frame in wanted.tolist()])
    # (V, R, S, S, 3) -> (V, 3, R, S, S)
    return np.ascontiguousarray(decoded[place].transpose(0, 4, 1, 2, 3))


def _heatmaps(config: Config, crops: ClipCrops, choices: Sequence[FrameChoice]) -> NDArray[np.uint8]:
    wanted, place = np.unique(np.stack([choice.pose for choice in choices]), return_inverse=True)
    maps = render(crops.keypoints[wanted], config.crops.size // STRIDE, config.heatmaps.sigma)
    # (V, P, K, Q, Q) -> (V, K, P, Q, Q)
    return np.ascontiguousarray(maps[place].swapaxes(1, 2))
