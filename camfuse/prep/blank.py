"""Frames of a clip that has no video: black, as many as its keypoint file has, and of its image's shape.

The streams on heatmaps and on the keypoints' sequence look at no image; what draws a clip shows its keypoints on black.
"""

import numpy as np

from camfuse.clips.table import Clip
from camfuse.errors import ClipError
from camfuse.jpeg import encode_jpeg
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.annotations.stored import StoredPoses

FPS = 25.0
"""Frames per second of a file that does not say."""
SIDE = 512
"""Longest side in pixels: black takes 3 kB a frame so, and keypoints are brought to the frames' size."""


def blank_frames(clip: Clip, stored: StoredPoses, quality: int) -> ClipFrames:
    """Return black frames for the clip's segment of the stored poses.

    Raises
    ------
    ClipError
        If the file has no frame in the segment.
    """
    fps = stored.fps or FPS
    time = np.arange(len(stored)) / fps
    time = time[(time >= clip.start) & (time < clip.end)]
    if not len(time):
        found = f"found {len(stored)} frames at {fps:g} fps"
        raise ClipError(clip.clip_id, f"{clip.video}: expected keypoints from {clip.start:g} s on, {found}")
    scale = min(1.0, SIDE / max(stored.height, stored.width))
    height, width = (max(1, round(side * scale)) for side in (stored.height, stored.width))
    image = encode_jpeg(np.zeros((height, width, 3), np.uint8), quality)
    return ClipFrames([image] * len(time), time, height, width, fps)
