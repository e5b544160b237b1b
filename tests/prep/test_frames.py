"""N frames in, N frames out, as JPEG with their times."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from made_training import MakeConfig
from made_videos import AsClip, MakeVideo, NumberOf

from camfuse.clips.table import SHARD_COLUMNS
from camfuse.errors import BadClipsError
from camfuse.prep.frames import average_rate, extract_frames, read_clip
from camfuse.prep.video import read_frames
from camfuse.run.shard import Shard
from camfuse.run.stages import fingerprint
from tests.prep.pose.annotations.made_files import write_pose


def write_clips(path: Path, videos: dict[str, Path], **values: Any) -> Path:
    defaults = {"start": 0.0, "end": np.nan, "annotation": np.nan}
    rows = [{"clip_id": name, "video": video, "identity": name, **defaults, **values} for name, video in videos.items()]
    pd.DataFrame(rows)[list(SHARD_COLUMNS)].to_csv(path, index=False)
    return path


def decode(image: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)


def test_numbered_frames_reach_the_shard(
    make_video: MakeVideo, make_config: MakeConfig, tmp_path: Path, number_of: NumberOf
) -> None:
    videos = {name: make_video(f"{name}.mp4", frames=30 + n, rate="30000/1001") for n, name in enumerate("ab")}
    config, output = make_config(), tmp_path / "frames.h5"
    extract_frames(config, write_clips(tmp_path / "clips.csv", videos), output)
    shard = Shard(output, stage="frames", fingerprint=fingerprint("frames", config))
    assert set(shard.provenance) == {"ffmpeg", "opencv"}
    for count, name in ((30, "a"), (31, "b")):
        assert [number_of(decode(image)) for image in shard.jpeg(name)] == list(range(count))
        np.testing.assert_allclose(shard.read("time", name), np.arange(count) * 1001 / 30000, atol=1e-8)
        assert (shard.fact("height", name), shard.fact("width", name)) == (64, 128)
        assert shard.fact("fps", name) == pytest.approx(30000 / 1001)


def test_keypoints_without_a_video_get_black_frames(make_config: MakeConfig, tmp_path: Path) -> None:
    pytest.importorskip("pose_format")
    config, output = make_config(), tmp_path / "frames.h5"
    files = {"a": write_pose(tmp_path / "a.pose", 12, fps=24), "b": write_pose(tmp_path / "b.POSE", 3)}
    extract_frames(config, write_clips(tmp_path / "clips.csv", files), output)
    shard = Shard(output, stage="frames", fingerprint=fingerprint("frames", config))
    assert [len(shard.jpeg(name)) for name in "ab"] == [12, 3] and decode(shard.jpeg("a")[0]).max() == 0
    assert [shard.fact("fps", name) for name in "ab"] == [24, 25]


def test_the_same_video_gives_the_same_bytes(make_video: MakeVideo, as_clip: AsClip) -> None:
    clip = as_clip(make_video(frames=5))
    assert read_clip(clip, 95).jpeg == read_clip(clip, 95).jpeg


def test_quality_and_colour_order(make_video: MakeVideo, as_clip: AsClip) -> None:
    clip = as_clip(make_video("red.mp4", frames=1, options=("-vf", "drawbox=color=red:t=fill,noise=alls=40")))
    good, poor = (read_clip(clip, quality).jpeg[0] for quality in (95, 30))
    assert len(good) > 2 * len(poor)
    blue, _, red = decode(good).mean(axis=(0, 1))
    assert red > 150
    assert blue < 80


def test_a_bad_clip_does_not_hide_or_cost_the_good_one(
    make_video: MakeVideo, make_config: MakeConfig, tmp_path: Path
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    videos = {"bad": tmp_path / "text.mp4", "gone": tmp_path / "gone.mp4", "good": make_video("good.mp4", frames=3)}
    clips = write_clips(tmp_path / "clips.csv", videos)
    with pytest.raises(BadClipsError) as caught:
        extract_frames(make_config(), clips, tmp_path / "frames.h5")
    assert set(caught.value.reasons) == {"bad", "gone"}
    extract_frames(make_config(bad_clips="skip"), clips, tmp_path / "frames.h5")
    shard = Shard(tmp_path / "frames.h5", stage="frames")
    assert list(shard) == ["good"]
    assert set(shard.left_out) == {"bad", "gone"}


@pytest.mark.parametrize(
    ("times", "last", "rate"),
    [([0.0, 0.04, 0.08], 0.04, 25.0), ([3.0, 3.5, 5.0], 1.5, 1.0), ([2.0], 0.1, 10.0), ([0.0], 0.0, 0.0)],
)
def test_average_rate(times: list[float], last: float, rate: float) -> None:
    assert average_rate(times, last) == pytest.approx(rate)


def count_wrong(shared_data: Path, as_clip: AsClip, every: int) -> dict[str, tuple[int, int]]:
    index = pd.read_csv(shared_data / "clips/wlasl/index.csv", dtype={"video_id": str}).iloc[::every]
    videos = shared_data / "clips/wlasl/videos"
    found = {name: sum(1 for _ in read_frames(as_clip(videos / f"{name}.mp4"))) for name in index["video_id"]}
    expected = dict(zip(index["video_id"], index["frames_decoded"], strict=True))
    return {name: (count, expected[name]) for name, count in found.items() if count != expected[name]}


def test_frames_of_real_clips(shared_data: Path, as_clip: AsClip) -> None:
    assert count_wrong(shared_data, as_clip, every=12) == {}


@pytest.mark.torture
def test_frames_of_all_real_clips(shared_data: Path, as_clip: AsClip) -> None:
    assert count_wrong(shared_data, as_clip, every=1) == {}
