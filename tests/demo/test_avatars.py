"""The demo's drawn videos: one frame for each of the recording, the same bytes every time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_training import MakeConfig

from camfuse.clips.sources.fingerspelling import lexicon
from camfuse.clips.table import SHARD_COLUMNS, Clip
from camfuse.config import Config
from camfuse.demo.avatar_drawing import draw, look_of
from camfuse.demo.avatars import draw_avatars, draw_clip
from camfuse.errors import BadClipsError, ConfigError
from camfuse.prep.pose.annotations.recording import read_recording
from camfuse.prep.video import read_frames


@pytest.fixture(scope="session")
def real() -> Path:
    return sorted((lexicon() / "ase").glob("*.pose"))[0]


@pytest.fixture
def demo_config(make_config: MakeConfig) -> Config:
    languages = {"train": ["ase"], "val": [], "test": []}
    source = {"letters": ["A"], "languages": languages, "avatar_height": 97}
    config: Config = make_config(clips={"fingerspelling": source}, pose={"annotations": {}})
    return config


def write_clips(path: Path, recordings: dict[str, Path]) -> Path:
    rows = [(clip_id, f"{clip_id}.mp4", 0.0, np.nan, recording, "id") for clip_id, recording in recordings.items()]
    pd.DataFrame(rows, columns=list(SHARD_COLUMNS)).to_csv(path, index=False)
    return path


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


def test_other_data_has_no_avatars(tmp_path: Path, make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match=r"expected clips\.fingerspelling"):
        draw_avatars(make_config(), tmp_path / "0000.csv", tmp_path)
