"""Show: a clip's images out of shards that are written by hand, and a real video from end to end."""

import hashlib
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from camfuse.clips.table import SHARD_COLUMNS, shard_of
from camfuse.errors import CamfuseError, ConfigError, ShardError, StaleShardError
from camfuse.prep.crops import crop_clips
from camfuse.prep.heatmaps import render_heatmaps
from camfuse.run.layout import Run
from camfuse.run.shard import ClipData, ShardWriter
from camfuse.run.stages import fingerprint
from camfuse.show.clip_images import ClipImages
from camfuse.show.clip_view import view_stored
from camfuse.show.run import show, show_video
from camfuse.skeleton import NUM_KEYPOINTS

FRAMES, HEIGHT, WIDTH = 12, 90, 161
CLIPS = {"book_01": "book", "book_02": "book", "drink_01": "drink"}


def person(t: int) -> Any:
    keypoints = np.full((NUM_KEYPOINTS, 3), np.nan, np.float32)
    keypoints[:, 2] = 0
    keypoints[0] = (80, 20, 1)
    keypoints[5:11] = [(100, 40, 1), (60, 40, 1), (110, 60, 1), (50, 60, 1), (100, 80 - 2 * t, 1), (60, 80, 1)]
    keypoints[112] = (60, 80, 1)
    return keypoints


@pytest.fixture
def run(make_config: Any) -> Any:
    """A run's folder with one shard of three clips."""
    config = make_config(clips={"folder": {"videos": "videos"}, "shards": 1}, crops={"size": 64}, bad_clips="skip")
    shard = f"{shard_of('book_01', 1)}.h5"
    folder = config.output / "clips"
    folder.mkdir(parents=True)
    rows = [{"clip_id": clip_id, "label": label} for clip_id, label in CLIPS.items()]
    clips = pd.DataFrame(rows).assign(signer="", split="test", class_index=[0, 0, 1], shard="0000")
    clips.to_csv(folder / "clips.csv", index=False)
    table = folder / "0000.csv"
    lines = [f"{clip_id},{clip_id}.mp4,0,,,{clip_id}" for clip_id in CLIPS]
    table.write_text("\n".join([",".join(SHARD_COLUMNS), *lines]) + "\n")
    keypoints = np.stack([person(t) for t in range(FRAMES)])
    paths = {stage: config.output / stage / shard for stage in ("frames", "pose", "crops", "heatmaps")}
    image = np.full((HEIGHT, WIDTH, 3), (60, 90, 30), np.uint8)
    jpeg = [cv2.imencode(".jpg", image)[1].tobytes()] * FRAMES
    facts = {"height": HEIGHT, "width": WIDTH, "fps": 12.5}
    with (
        ShardWriter(
            paths["frames"], stage="frames", fingerprint=fingerprint("frames", config), provenance={}
        ) as frames,
        ShardWriter(paths["pose"], stage="pose", fingerprint=fingerprint("pose", config), provenance={}) as pose,
    ):
        for clip_id in list(CLIPS)[:2]:
            frames.add(clip_id, ClipData(frames={"time": 3 + np.arange(FRAMES) / 12.5}, jpeg=jpeg, facts=facts))
            pose.add(clip_id, ClipData(frames={"keypoints": keypoints}))
        frames.add("drink_01", ClipData(frames={"time": np.arange(FRAMES) / 12.5}, jpeg=jpeg, facts=facts))
        pose.add("drink_01", ClipData(frames={"keypoints": np.full_like(keypoints, np.nan) * [1, 1, 0]}))
    crop_clips(config, table, paths["frames"], paths["pose"], paths["crops"])
    render_heatmaps(config, table, paths["crops"], paths["heatmaps"])
    return Run(config)


def images(run: Run, clip_id: str) -> ClipImages:
    return ClipImages(view_stored(run, clip_id), run.config)


def test_contact_sheet(run: Any, tmp_path: Path) -> None:
    output = tmp_path / "new" / "book.png"
    show(run, "book_01", output, columns=4)
    with Image.open(output) as image:
        assert image.format == "PNG"
        width, height = image.size
    assert width == pytest.approx(4 * 256, abs=150)
    assert height == pytest.approx(256 * HEIGHT / WIDTH + 2 * 256, abs=150)
    assert not list(output.parent.glob("*.part"))


def test_the_same_twice_gives_the_same_bytes(run: Any, tmp_path: Path) -> None:
    digests = set()
    for name in ("one.png", "two.png"):
        show(run, "book_01", tmp_path / name)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_gif_has_every_frame_and_lasts_as_long_as_the_clip(run: Any, tmp_path: Path) -> None:
    output = tmp_path / "book.gif"
    show(run, "book_01", output)
    with Image.open(output) as image:
        assert image.n_frames == FRAMES
        total = 0
        for t in range(FRAMES):
            image.seek(t)
            total += image.info["duration"]
    assert total == pytest.approx(1000 * FRAMES / 12.5, abs=10)


def test_mp4_has_every_frame_at_the_clips_rate(run: Any, tmp_path: Path) -> None:
    output = tmp_path / "book.mp4"
    show(run, "book_01", output)
    frames = imageio_ffmpeg.read_frames(str(output))
    facts = next(frames)
    assert facts["codec"] == "h264" and facts["pix_fmt"].startswith("yuv420p")
    assert facts["fps"] == 12.5
    assert facts["size"][0] % 2 == facts["size"][1] % 2 == 0
    assert len(list(frames)) == FRAMES


def test_more_columns_than_frames(run: Any, tmp_path: Path) -> None:
    show(run, "book_01", tmp_path / "book.png", columns=50)
    with Image.open(tmp_path / "book.png") as image:
        assert image.size[0] == pytest.approx(FRAMES * 264, abs=60)


def test_facts_of_a_clip(run: Any) -> None:
    clip = images(run, "book_02")
    assert (len(clip), clip.label, clip.rate) == (FRAMES, "book", 12.5)
    assert clip.times[:2] == pytest.approx([0, 0.08])
    assert clip.notes == "12 frames · 161 x 90 · 12.5 fps"


def test_skeleton_and_box_follow_a_resized_frame(run: Any) -> None:
    clip = images(run, "book_01")
    drawn = clip.frame(0, height=4 * HEIGHT, width=4 * WIDTH).astype(int)
    shoulder = drawn[40 * 4 + 2, 80 * 4 + 2]  # halfway between the shoulders (100, 40) and (60, 40)
    assert np.abs(shoulder - (38, 208, 150)).max() < 15
    # The box: the keypoints kept span 60 x 60 around (80, 50), padded to 75: its left edge is x = 42.5.
    edge = drawn[50 * 4, round((42.5 + 0.5) * 4 - 0.5)]
    assert edge.min() > 200


def test_unknown_clip_names_what_is_near(run: Any, tmp_path: Path) -> None:
    with pytest.raises(CamfuseError, match=r"book_03: no such clip among the 3.*book_0[12], book_0[12]"):
        show(run, "book_03", tmp_path / "x.png")
    with pytest.raises(CamfuseError, match=r"book: no such clip.*near it: book_01, book_02$"):
        show(run, "book", tmp_path / "x.png")  # a label is not a clip
    with pytest.raises(CamfuseError, match="near it: "):
        show(run, "zzz", tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


def test_a_clip_that_was_left_out_says_why(run: Any, tmp_path: Path) -> None:
    with pytest.raises(CamfuseError, match=r"drink_01: left out of the run by stage crops: nobody was found"):
        show(run, "drink_01", tmp_path / "x.png")


def test_a_clip_that_is_not_prepared_yet(run: Any, tmp_path: Path) -> None:
    table = run.output / "clips" / "clips.csv"
    table.write_text(table.read_text() + "eat_01,eat,,test,2,0000\n")
    with pytest.raises(CamfuseError, match=r"eat_01: in the clip table, but not in .*; run the workflow again"):
        show(run, "eat_01", tmp_path / "x.png")


def test_wrong_suffix(run: Any, tmp_path: Path) -> None:
    with pytest.raises(CamfuseError, match=r"\.png, \.gif, \.mp4, found '\.jpg'"):
        show(run, "book_01", tmp_path / "x.jpg")


def test_another_config_is_refused(run: Any, tmp_path: Path) -> None:
    heatmaps = run.config.heatmaps.model_copy(update={"sigma": 1.5})
    other = Run(run.config.model_copy(update={"heatmaps": heatmaps}))
    with pytest.raises(StaleShardError):
        show(other, "book_01", tmp_path / "x.png")


def test_a_run_that_is_not_there(make_config: Any, tmp_path: Path) -> None:
    with pytest.raises(ShardError, match="run the workflow"):
        show(Run(make_config()), "a", tmp_path / "x.png")


def test_frames_that_were_not_kept(run: Any, tmp_path: Path) -> None:
    (run.output / "frames" / "0000.h5").unlink()
    with pytest.raises(ShardError, match="no such shard"):
        show(run, "book_01", tmp_path / "x.png")
    frames = run.config.frames.model_copy(update={"keep": False})
    unkept = Run(run.config.model_copy(update={"frames": frames}))
    show(unkept, "book_01", tmp_path / "x.png", columns=3)
    with Image.open(tmp_path / "x.png") as image:
        assert image.size[1] == pytest.approx(2 * 256, abs=110)  # crops and heatmaps only
    show(unkept, "book_01", tmp_path / "x.gif")


def test_video_wants_an_estimator(make_config: Any, tmp_path: Path) -> None:
    config = make_config(pose={"annotations": {}})
    with pytest.raises(ConfigError, match="mediapipe"):
        show_video(tmp_path / "a.mp4", config, tmp_path / "a.png")


def test_video_that_is_not_there(make_config: Any, tmp_path: Path) -> None:
    with pytest.raises(CamfuseError, match=r"a\.mp4: expected a video file"):
        show_video(tmp_path / "a.mp4", make_config(), tmp_path / "a.png")


def test_a_real_video_end_to_end(shared_data: Path, make_config: Any, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    output = tmp_path / "real.png"
    show_video(shared_data / "clips" / "wlasl" / "videos" / "02712.mp4", make_config(), output, columns=3)
    with Image.open(output) as image:
        sheet = np.asarray(image).astype(int)
    # Skeletons are drawn: there is a lot of exactly the body's colour.
    assert np.count_nonzero((np.abs(sheet - (38, 208, 150)) < 8).all(axis=2)) > 1000
