"""The demo's drawn videos: frames match the recording, points lie where they were recorded."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from camfuse.clips.sources.fingerspelling import lexicon
from camfuse.clips.table import SHARD_COLUMNS, Clip
from camfuse.config import Config
from camfuse.demo.avatar_drawing import FINGER_TINTS, SHIRTS, draw, look_of
from camfuse.demo.avatars import draw_avatars, draw_clip
from camfuse.errors import BadClipsError, ConfigError
from camfuse.prep.pose.annotations.recording import Recording, read_recording
from camfuse.prep.video import read_frames

LANGUAGES = ("ase", "asq", "bzs", "cse", "csq", "eso", "gsg", "ise", "lls", "mfs", "psr", "sgg", "ssp", "svk", "swl")


@pytest.fixture(scope="session")
def real() -> Path:
    return sorted((lexicon() / "ase").glob("*.pose"))[0]


@pytest.fixture
def demo_config(make_config: Any) -> Config:
    languages = {"train": ["ase"], "val": [], "test": []}
    source = {"letters": ["A"], "languages": languages, "avatar_height": 97}
    config: Config = make_config(clips={"fingerspelling": source}, pose={"annotations": {}})
    return config


def write_clips(path: Path, recordings: dict[str, Path]) -> Path:
    rows = [(clip_id, f"{clip_id}.mp4", 0.0, np.nan, recording, "id") for clip_id, recording in recordings.items()]
    pd.DataFrame(rows, columns=list(SHARD_COLUMNS)).to_csv(path, index=False)
    return path


def hand_only(frames: int = 3) -> Recording:
    """A right hand with straight fingers on a 100 x 100 image; the index finger points up at x = 50."""
    hand = np.zeros((frames, 21, 4), np.float32)
    hand[..., 3] = 1
    hand[:, 0, :2] = (50, 90)
    for finger, x in enumerate((20, 50, 60, 70, 80)):
        for joint in range(4):
            hand[:, 1 + 4 * finger + joint, :2] = (x, 60 - 15 * joint)
    return Recording(100, 100, 25.0, np.zeros((frames, 33, 4), np.float32), None, None, hand)


def test_a_finger_is_drawn_where_it_was_recorded() -> None:
    look = look_of("ase")
    image = next(draw(hand_only(), look, 200, 200)).astype(int)
    assert image.shape == (200, 200, 3)
    at_index, beside = image[80, 100], image[80, 70]  # recorded (50, 40), and a place between thumb and index
    assert np.abs(beside - look.wall).max() < 40
    assert np.abs(at_index - look.wall).max() > 60
    tinted = [np.abs(image[80, 2 * x] - image[80, 100]).max() for x in (20, 60, 70, 80)]
    assert min(tinted) > 25  # each finger has its own colour
    rows = np.flatnonzero(np.abs(image[:, 100] - image[:, 70]).max(-1) > 40)
    assert 20 <= rows.min() < 30  # the tip at y = 15, less its radius of 4


def test_the_middle_of_a_finger_is_its_recorded_place() -> None:
    look = look_of("ase")
    image = next(draw(hand_only(), look, 200, 200)).astype(int)
    row = image[80]
    drawn = np.flatnonzero(np.abs(row - row[70]).max(-1) > 40)
    index = drawn[(drawn > 80) & (drawn < 110)]
    assert index.mean() == pytest.approx(2 * 50 - 0.5, abs=0.5)


def test_unseen_parts_are_left_out_and_gaps_closed() -> None:
    recording, look = hand_only(5), look_of("ase")
    assert recording.right is not None
    hand = recording.right.copy()
    hand[[0, 2]] = 0  # before the hand was first seen, and a gap
    wall = next(draw(replace(recording, right=None), look, 50, 50))
    images = list(draw(replace(recording, right=hand), look, 50, 50))
    np.testing.assert_array_equal(images[0], wall)
    np.testing.assert_array_equal(images[2], images[1])
    assert (images[1] != wall).any()


def test_looks_are_steady_and_differ() -> None:
    assert look_of("ase") == look_of("ase")
    assert len({look_of(language) for language in LANGUAGES}) == len(LANGUAGES)
    assert len({look_of(language).shirt for language in LANGUAGES}) > len(SHIRTS) // 2
    assert len(set(FINGER_TINTS)) == 5


def test_one_frame_of_video_per_recorded_frame(tmp_path: Path, real: Path) -> None:
    recording = read_recording(real, "ase_A")
    path = tmp_path / "ase_A.mp4"
    clip = Clip("ase_A", path, 0.0, float("inf"), real, "id")
    draw_clip(clip, 97, path)
    frames = list(read_frames(clip))
    assert len(frames) == len(recording)
    assert {frame.image.shape for frame in frames} == {(98, 98, 3)}  # h264 wants even sides
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(len(recording)) / recording.fps, atol=1e-3)
    drawn = np.stack(list(draw(recording, look_of("ase"), 98, 98)))
    shown = np.stack([frame.image for frame in frames])
    assert np.abs(shown.astype(int) - drawn).mean() < 4  # what the codec loses


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path, real: Path) -> None:
    files = [tmp_path / "a.mp4", tmp_path / "other" / "b.mp4"]
    for path in files:
        draw_clip(Clip("ase_A", path, 0.0, float("inf"), real, "id"), 64, path)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_bad_recordings_are_named_and_the_others_drawn(tmp_path: Path, real: Path, demo_config: Config) -> None:
    broken = tmp_path / "broken.pose"
    broken.write_bytes(real.read_bytes()[:500])
    clips = write_clips(tmp_path / "0000.csv", {"ase_B": broken, "ase_A": real, "ase_C": tmp_path / "none.pose"})
    with pytest.raises(BadClipsError) as caught:
        draw_avatars(demo_config, clips, tmp_path / "avatars")
    assert set(caught.value.reasons) == {"ase_B", "ase_C"}
    assert [path.name for path in (tmp_path / "avatars").iterdir()] == ["ase_A.mp4"]
    draw_avatars(demo_config.model_copy(update={"bad_clips": "skip"}), clips, tmp_path / "avatars")


def test_other_data_has_no_avatars(tmp_path: Path, make_config: Any) -> None:
    with pytest.raises(ConfigError, match=r"expected clips\.fingerspelling"):
        draw_avatars(make_config(), tmp_path / "0000.csv", tmp_path)
