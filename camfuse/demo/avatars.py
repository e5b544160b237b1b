"""Stage `avatars`: a video for clips that are landmarks only (the demo's letters), one mp4 per clip.

N recorded frames become N frames of video at the recording's own rate, so keypoints and images stay together.
"""

import logging
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from camfuse.clips.table import Clip, read_shard_clips
from camfuse.config import Config
from camfuse.demo.avatar_drawing import draw, look_of
from camfuse.errors import BadClipsError, ClipError, ConfigError
from camfuse.ffmpeg_tool import write_video
from camfuse.files import atomic
from camfuse.prep.pose.annotations.recording import read_recording

log = logging.getLogger(__name__)

QUALITY = 17
"""x264's constant rate factor; visually lossless for such drawings."""


def draw_avatars(config: Config, clips: Path, output: Path) -> None:
    """Draw and encode the clips of one shard.

    Parameters
    ----------
    config
        The run's config.
    clips
        The shard's clip table; the column `annotation` names the recordings.
    output
        Folder that gets ``<clip_id>.mp4``.

    Raises
    ------
    ConfigError
        If the clips do not come from ``clips.fingerspelling``.
    BadClipsError
        If recordings cannot be drawn and the config does not skip them; the others are drawn first.
    MissingToolError
        If pose-format is not installed or ffmpeg cannot write h264.
    """
    if config.clips.fingerspelling is None:
        raise ConfigError("avatars: expected clips.fingerspelling; other data has its own videos")
    height = config.clips.fingerspelling.avatar_height
    failed: dict[str, str] = {}
    output.mkdir(parents=True, exist_ok=True)
    for clip in tqdm(read_shard_clips(clips), desc=f"avatars {output.name}", unit="clip", mininterval=1.0):
        try:
            draw_clip(clip, height, output / f"{clip.clip_id}.mp4")
        except ClipError as error:
            failed[clip.clip_id] = error.reason
            log.warning("%s", error)
    if failed and config.bad_clips == "stop":
        raise BadClipsError("avatars", failed)


def draw_clip(clip: Clip, height: int, path: Path) -> None:
    """Draw one clip's recording as the signer that its id begins with, and encode it.

    Sides are rounded up to even numbers, as h264 wants them. The same recording gives the same bytes.

    Raises
    ------
    ClipError
        If the clip names no recording, or it cannot be read.
    MissingToolError
        If ffmpeg cannot write h264.
    """
    if clip.annotation is None:
        raise ClipError(clip.clip_id, "expected a recording in the column `annotation`, found none")
    recording = read_recording(clip.annotation, clip.clip_id)
    if not recording.fps > 0:
        raise ClipError(clip.clip_id, f"{clip.annotation}: expected frames per second, found {recording.fps:g}")
    width = height * recording.width / recording.height
    size = _even(height), _even(width)
    signer = clip.clip_id.partition("_")[0]
    images = draw(recording, look_of(signer), *size)
    with atomic(path) as part:
        _encode(images, Fraction(recording.fps).limit_denominator(1001), part)


def _even(length: float) -> int:
    return 2 * int(np.ceil(length / 2))


def _encode(images: Iterable[NDArray[np.uint8]], rate: Fraction, path: Path) -> None:
    """Write RGB images as h264; one thread and no tags, so that the bytes are always the same."""
    exact: dict[str, str | int] = {"threads": 1, "map_metadata": -1, "fflags": "+bitexact", "flags:v": "+bitexact"}
    write_video(path, images, rate, crf=QUALITY, preset="fast", **exact)
