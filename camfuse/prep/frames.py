"""Stage `frames`: every frame of a clip as a JPEG image, with its true time; black ones where there is no video."""

from pathlib import Path

import cv2
import numpy as np

from camfuse.clips.table import Clip, read_shard_clips
from camfuse.config import Config
from camfuse.config.estimators import names_keypoints
from camfuse.errors import CamfuseError, ClipError
from camfuse.ffmpeg_tool import ffmpeg_version
from camfuse.jpeg import encode_jpeg
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.blank import blank_frames
from camfuse.prep.clipwise import ShardJob, make_shard
from camfuse.prep.decoder import PATIENCE
from camfuse.prep.pose.annotations.files import KeypointFiles
from camfuse.prep.video import Frame, read_frames
from camfuse.run.shard import ClipData


def extract_frames(config: Config, clips: Path, output: Path) -> None:
    """Decode the clips of one shard; those that are keypoints alone get black frames (`blank_frames`).

    Per frame: the image and its `time` (float64, seconds from the first frame of the video). Facts: `height`,
    `width` and `fps`, see `average_rate`.

    Parameters
    ----------
    clips
        The shard's clip table.
    output
        The shard file to write.

    Raises
    ------
    BadClipsError
        If clips cannot be decoded and the config does not skip them.
    MissingToolError
        If there is no ffmpeg.
    """
    provenance = {"ffmpeg": ffmpeg_version(), "opencv": cv2.__version__}
    job = ShardJob("frames", config, output, provenance, keep_work=True)

    files = KeypointFiles()

    def compute(clip: Clip) -> ClipData:
        if names_keypoints(clip.video):  # keypoints without a video
            return blank_frames(clip, files.read(clip.video, clip), config.frames.quality).data()
        return read_clip(clip, config.frames.quality, config.machine.patience).data()

    make_shard(job, read_shard_clips(clips), compute)


def read_clip(clip: Clip, quality: int, patience: float = PATIENCE) -> ClipFrames:
    """Decode one clip and encode its frames at JPEG `quality`; ffmpeg may take `patience` seconds for each.

    Raises
    ------
    ClipError
        If the clip cannot be decoded, or a frame is too large for JPEG.
    """
    jpeg, times, size = [], [], (0, 0)
    notes: list[str] = []
    for frame in read_frames(clip, notes.append, patience):
        jpeg.append(_encode(clip, frame, quality))
        times.append(frame.time)
        size, last = frame.image.shape[:2], frame.duration
    note = "; ".join(dict.fromkeys(notes))
    return ClipFrames(jpeg, np.array(times, np.float64), size[0], size[1], average_rate(times, last), note=note)


def average_rate(times: list[float], last: float) -> float:
    """Return the frames per second that `times` (seconds) give on average.

    The true times count, not what the container claims; only of a single frame its duration `last` has to do, and
    0 means that nothing tells.
    """
    span = times[-1] - times[0]
    if span > 0:
        return (len(times) - 1) / span
    return 1 / last if last > 0 else 0.0


def _encode(clip: Clip, frame: Frame, quality: int) -> bytes:
    try:
        return encode_jpeg(frame.image, quality)
    except CamfuseError as error:
        raise ClipError(clip.clip_id, str(error)) from error
