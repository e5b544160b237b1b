"""One clip from its video to its heatmaps, without a shard: the same functions and the same bits as the stages.

Frames and crops go through JPEG here too, since training saw them so.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip
from camfuse.config import Config
from camfuse.prep.arrays import ClipCrops, ClipFrames
from camfuse.prep.crops import crop_clip
from camfuse.prep.frames import read_clip
from camfuse.prep.heatmaps import render_clip
from camfuse.prep.pose.estimator import Estimator, Poses
from camfuse.prep.pose.run import estimate_clip


@dataclass(frozen=True)
class PreparedClip:
    """What the data stages make of one clip.

    Attributes
    ----------
    frames, poses, crops
        What the stages of these names give.
    volume
        (T, 133, Q, Q) uint8 heatmaps, 255 for a score of 1.
    """

    frames: ClipFrames
    poses: Poses
    crops: ClipCrops
    volume: NDArray[np.uint8]


def prepare_clip(config: Config, clip: Clip, estimator: Estimator) -> PreparedClip:
    """Decode, estimate, crop and render one clip.

    Parameters
    ----------
    config
        The run's config: quality of the frames, crops, heatmaps.
    clip
        The video and its segment; its id stands in messages.
    estimator
        As `camfuse.prep.pose.run.make_estimator` gives it, entered; it serves any number of clips.

    Raises
    ------
    ClipError
        If the clip cannot be decoded, has no pose, or shows nobody.
    """
    frames = read_clip(clip, config.frames.quality)
    poses = estimate_clip(estimator, clip, frames)
    crops = crop_clip(clip.clip_id, frames, poses.keypoints, config.crops)
    return PreparedClip(frames, poses, crops, render_clip(crops.keypoints, config))
