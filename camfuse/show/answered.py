"""A video with what was seen and answered drawn on it: skeleton, crop box, words, and the signs on a time line."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from camfuse.config import Crops
from camfuse.errors import ConfigError
from camfuse.ffmpeg_tool import write_video
from camfuse.files import atomic
from camfuse.geometry import rescale_points
from camfuse.predict.answer import Sign, VideoAnswer
from camfuse.predict.recognise import Observed
from camfuse.prep.arrays import Floats
from camfuse.prep.crops import crop_affine, dropped_keypoints, zero_keypoints
from camfuse.show.draw import (
    COLOURS,
    EDGE,
    INK,
    PALE,
    PAPER,
    Image,
    box_corners,
    draw_box,
    draw_skeleton,
    resize,
    write,
)

HIGHEST = 480
"""Height in pixels that larger frames are shrunk to."""
SHOWN = 3
"""Words of a sign on the video."""


def drawing_of(video: Path, save: Path, videos: Sequence[Path]) -> Path:
    """Return where a video's drawing belongs: `save` itself for a single video, else a file of its name in there.

    Raises
    ------
    ConfigError
        If `save` is one file for several videos, or the drawing would replace a video.
    """
    if save.suffix.lower() == ".mp4":
        if len(videos) > 1:
            raise ConfigError(f"--save: expected a folder for {len(videos)} videos, found the file {save}")
        place = save
    else:
        same = [one for one in videos if one.stem == video.stem]
        name = video.stem if len(same) == 1 else f"{video.stem}-{same.index(video) + 1}"
        place = save / f"{name}.mp4"
    if place.resolve() in {one.resolve() for one in videos}:
        raise ConfigError(f"--save: expected another place than the video itself, found {place}")
    return place


def save_answered(video: Observed, answer: VideoAnswer, crops: Crops, output: Path, *, highest: int = HIGHEST) -> None:
    """Write the video as an mp4, at its own average rate.

    Raises
    ------
    MissingToolError
        If ffmpeg cannot write h264.
    OSError
        If the file cannot be written.
    """
    rate = video.frames.fps if video.frames.fps > 0 else 25.0
    with atomic(output) as part:
        write_video(
            part, answered_frames(video, answer, crops, highest), rate, crf=20, preset="fast", movflags="+faststart"
        )


def answered_frames(video: Observed, answer: VideoAnswer, crops: Crops, highest: int = HIGHEST) -> Iterator[Image]:
    """Yield every frame, at most `highest` pixels high, above a strip that has the words and the time line."""
    height = min(video.frames.height, highest)
    height += height % 2
    width = round(height * video.frames.width / video.frames.height)
    width += width % 2
    scale = width / video.frames.width
    boxes = [_box(video, sign, crops) for sign in answer.signs]
    times = (video.frames.time - video.frames.time[0]).tolist()
    for time, image, points in zip(times, video.frames, video.keypoints, strict=True):
        sign, box = next(
            ((one, box) for one, box in zip(answer.signs, boxes, strict=True) if one.start <= time < one.end),
            (None, None),
        )
        drawn = resize(image, height, width)
        if box is not None:
            drawn = draw_box(drawn, rescale_points(box, scale))
        drawn = draw_skeleton(drawn, rescale_points(points, scale), min_score=crops.min_score)
        yield np.concatenate([drawn, _strip(width, height, answer, sign, time)])


def _box(video: Observed, sign: Sign, crops: Crops) -> Floats | None:
    """Return the corners (4, 2) of the sign's crop in pixels of the frame."""
    times = video.frames.time - video.frames.time[0]
    kept = zero_keypoints(video.keypoints[(times >= sign.start) & (times < sign.end)], dropped_keypoints(crops))
    try:
        affine = crop_affine(
            kept,
            video.frames.height,
            video.frames.width,
            size=crops.size,
            padding=crops.padding,
            min_score=crops.min_score,
        )
    except ValueError:
        return None
    return box_corners(affine, crops.size)


def _strip(width: int, height: int, answer: VideoAnswer, sign: Sign | None, time: float) -> Image:
    """Return the strip below a frame: at the top the time line, then a line a word."""
    text = max(10, round(height / 22))
    line = round(text * 1.5)
    strip = np.full((line * (SHOWN + 1) + line * (SHOWN + 1) % 2, width, 3), INK, np.uint8)
    _draw_time_line(strip[: line // 2], answer, time)
    if sign is None:
        return write(strip, "no sign", (text, line * 1.2), size=text, colour=PALE)
    words = [f"{label}  {probability:.0%}" for label, probability in sign.top(SHOWN)]
    if not sign.known:
        words = ["no known sign", *words[: SHOWN - 1]]
    for number, word in enumerate(words):
        at = (text, line * (number + 1.2))
        strip = write(strip, word, at, size=text, colour=PALE if number else PAPER)
    return strip


def _draw_time_line(strip: Image, answer: VideoAnswer, time: float) -> None:
    """Draw the signs and where the video is into the strip."""
    pixels = strip.shape[1] / max(answer.seconds, 1e-6)
    strip[:] = PALE
    for sign in answer.signs:
        colour = COLOURS["body"] if sign.known else EDGE
        strip[:, round(sign.start * pixels) : round(sign.end * pixels)] = colour
    here = min(round(time * pixels), strip.shape[1] - 2)
    strip[:, here : here + 2] = COLOURS["left_hand"]
