"""The annotated video: as many frames at the same rate, with the words below."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_videos import write_numbers
from walker import Walker

from camfuse.config.prep import Crops
from camfuse.errors import ConfigError
from camfuse.predict.answer import Sign, VideoAnswer
from camfuse.predict.recognise import Observed, clip_of
from camfuse.prep.frames import read_clip
from camfuse.prep.video import read_frames
from camfuse.show.answered import answered_frames, drawing_of, save_answered
from camfuse.show.draw import COLOURS, PALE

WORDS = ("book", "drink")


@pytest.fixture
def observed(tmp_path: Path) -> Observed:
    clip = clip_of(write_numbers(tmp_path / "v.mp4", 20))
    frames = read_clip(clip, 95)
    return Observed(clip, frames, Walker().estimate(clip, frames).keypoints)


def answer(*spans: tuple[float, float]) -> VideoAnswer:
    signs = tuple(Sign(start, end, WORDS, np.array([0.75, 0.25], np.float32)) for start, end in spans)
    return VideoAnswer("v.mp4", signs, 20, 0.8)


def test_every_frame_is_drawn(observed: Observed, tmp_path: Path) -> None:
    output = tmp_path / "drawn" / "v.mp4"
    save_answered(observed, answer((0, 0.8)), Crops(), output)
    frames = list(read_frames(clip_of(output)))
    assert len(frames) == 20
    assert Fraction(round(1 / frames[0].duration)) == 25
    height, width = frames[0].image.shape[:2]
    assert width == 128 and height > 64 and height % 2 == 0


def test_the_time_line_shows_where_the_signs_are(observed: Observed) -> None:
    drawn = list(answered_frames(observed, answer((0.2, 0.4), (0.6, 0.8)), Crops()))
    line = drawn[0][64]
    assert tuple(line[16]) == PALE and tuple(line[48]) == COLOURS["body"] and tuple(line[120]) == COLOURS["body"]
    assert not np.array_equal(drawn[0][74:], drawn[7][74:])  # "no sign", then words


def test_a_place_for_each_drawing(tmp_path: Path) -> None:
    one, two = tmp_path / "a" / "x.mp4", tmp_path / "b" / "x.mov"
    assert drawing_of(one, tmp_path / "out.mp4", [one]) == tmp_path / "out.mp4"
    assert [drawing_of(path, tmp_path, [one, two]).name for path in (one, two)] == ["x-1.mp4", "x-2.mp4"]
    assert drawing_of(one, tmp_path, [one]) == tmp_path / "x.mp4"
    with pytest.raises(ConfigError, match="expected a folder for 2 videos"):
        drawing_of(one, tmp_path / "out.mp4", [one, two])


@pytest.mark.parametrize("save", ["a/x.mp4", "a"])
def test_a_video_is_never_drawn_over(tmp_path: Path, save: str) -> None:
    video = tmp_path / "a" / "x.mp4"
    with pytest.raises(ConfigError, match="another place than the video itself"):
        drawing_of(video, tmp_path / save, [video])
