"""Look at a clip: its frames with skeleton and crop box, its crops, its heatmaps.

From the shards of a finished run (`show`) or straight from a video file (`show_video`), as a PNG contact sheet, a GIF
or an mp4; the report shows the same images.
"""

import logging
from pathlib import Path

from camfuse.clips.table import Clip
from camfuse.config import Config
from camfuse.errors import CamfuseError, ConfigError
from camfuse.files import check_targets
from camfuse.prep.pose.entry import estimator_entry
from camfuse.run.layout import Run
from camfuse.show.clip_images import COLUMNS, ClipImages
from camfuse.show.clip_view import view_prepared, view_stored
from camfuse.show.save import check_suffix, save

log = logging.getLogger(__name__)


def is_clip(run: Run, name: str) -> bool:
    """Whether a clip of the run has this id; where a file is called the same, ``./`` before its name tells them apart.

    Raises
    ------
    TableError
        If the clip table is damaged.
    """
    there = run.clip_files.clips.is_file() and name in set(run.clips()["clip_id"])
    if there and Path(name).is_file():
        log.warning("%s is a clip of %s and a file: the clip is drawn; for the file say ./%s", name, run.output, name)
    return there


def show(run: Run, clip_id: str, output: Path, columns: int = COLUMNS) -> None:
    """Draw one clip of a finished run.

    Parameters
    ----------
    run
        The run; its shards are read.
    clip_id
        The clip.
    output
        ``.png`` for a contact sheet, ``.gif`` or ``.mp4`` for all frames.
    columns
        Frames on a contact sheet.

    Raises
    ------
    CamfuseError
        If there is no such clip, or the suffix is another one.
    ShardError
        If the clip's shards are not there or were made with another config.
    """
    check_suffix(output)
    save(ClipImages(view_stored(run, clip_id), run.config), output, columns)


def show_video(video: Path, config: Config, output: Path, columns: int = COLUMNS) -> None:
    """Draw any video file, prepared as the stages prepare the clips of a run.

    Raises
    ------
    ConfigError
        If the config's estimator only reads keypoints from files, or the drawing would replace the video.
    CamfuseError
        If the video cannot be decoded, or shows nobody.
    """
    check_suffix(output)
    if estimator_entry(config.pose).from_files:
        raise ConfigError(
            f"expected a pose estimator that works on any video, found `pose: {config.pose.key}`; "
            "give a config with `pose: {mediapipe: {}}`"
        )
    if not video.is_file():
        raise CamfuseError(f"{video}: expected a video file, found nothing")
    check_targets("--output", [output], [video])

    # MediaPipe and the like are not needed to draw a finished run
    from camfuse.prep.one_video import prepare_clip
    from camfuse.prep.pose.run import make_estimator

    name = video.stem.encode(errors="backslashreplace").decode()  # a file's name need not be text
    clip = Clip(name, video.resolve(), 0.0, float("inf"), None, identity="video")
    with make_estimator(config) as estimator:
        prepared = prepare_clip(config, clip, estimator)
    save(ClipImages(view_prepared(clip.clip_id, prepared), config), output, columns)
