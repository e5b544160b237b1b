"""What there is to see of a clip is what its shards hold; a clip that is not there says why."""

import numpy as np
import pytest
from made_shards import write_shard
from made_training import MakeConfig

from camfuse.errors import CamfuseError, ShardError, StaleShardError
from camfuse.prep.arrays import ClipCrops, ClipFrames
from camfuse.prep.heatmaps import render_clip
from camfuse.prep.one_video import PreparedClip
from camfuse.prep.pose.estimator import missing_poses
from camfuse.run.layout import Run
from camfuse.run.shard import LeftOut
from camfuse.show.clip_view import view_prepared, view_stored
from tests.show.made_clips import FRAMES, HEIGHT, RATE, WIDTH, not_keeping, person


def test_a_stored_clip_is_what_the_shards_hold(run: Run) -> None:
    view = view_stored(run, "book_02")
    assert (view.clip_id, view.label) == ("book_02", "book")
    assert view.frames is not None and view.keypoints is not None
    assert (view.frames.height, view.frames.width, view.frames.fps) == (HEIGHT, WIDTH, RATE)
    np.testing.assert_array_equal(view.keypoints, np.stack([person(t) for t in range(FRAMES)]))
    crops, heatmaps = run.shard("crops", "0000"), run.shard("heatmaps", "0000")
    assert view.crops.jpeg == crops.jpeg("book_02")
    np.testing.assert_array_equal(view.crops.keypoints, crops.read("keypoints", "book_02"))
    np.testing.assert_array_equal(view.heatmaps(3), heatmaps.read("volume", "book_02")[3])


def test_without_a_pose_stream_the_heatmaps_are_rendered(run: Run) -> None:
    model = run.config.model.model_copy(update={"pose": None, "fusion": None})
    other = Run(run.config.model_copy(update={"model": model}))
    assert run.shard_path("heatmaps", "0000").exists()
    stored = view_stored(other, "book_02").heatmaps(3)  # of a run that had a pose stream before
    np.testing.assert_array_equal(stored, run.shard("heatmaps", "0000").read("volume", "book_02")[3])
    run.shard_path("heatmaps", "0000").unlink()
    crops = run.shard("crops", "0000").read("keypoints", "book_02")
    np.testing.assert_array_equal(view_stored(other, "book_02").heatmaps(3), render_clip(crops, run.config)[3])
    with pytest.raises(ShardError, match="no such shard"):
        view_stored(run, "book_02")


def test_a_prepared_clip_is_what_was_prepared() -> None:
    frames = ClipFrames([b"a", b"b"], np.arange(2) / 25, 8, 10, 25.0)
    crops = ClipCrops([b"c", b"d"], np.zeros((2, 133, 3)), np.eye(2, 3))
    volume = np.random.default_rng(0).integers(0, 256, (2, 133, 4, 4), np.uint8)
    clip = PreparedClip(frames, missing_poses(2), crops, volume)
    view = view_prepared("mine", clip)
    assert (view.clip_id, view.label) == ("mine", "")
    assert (view.frames, view.keypoints, view.crops) == (frames, clip.poses.keypoints, crops)
    np.testing.assert_array_equal(view.heatmaps(1), volume[1])


def test_unknown_clip_names_what_is_near(run: Run) -> None:
    with pytest.raises(CamfuseError, match=r"book_03: no such clip among the 3.*book_0[12], book_0[12]"):
        view_stored(run, "book_03")
    with pytest.raises(CamfuseError, match=r"book: no such clip.*near it: book_01, book_02$"):
        view_stored(run, "book")  # a label is not a clip
    with pytest.raises(CamfuseError, match="near it: "):
        view_stored(run, "zzz")


def test_without_a_clip_table_there_is_no_label_and_the_shard_says_what_is_near(run: Run) -> None:
    run.clip_files.clips.unlink()
    assert view_stored(run, "book_01").label == ""
    with pytest.raises(CamfuseError, match=r"book_03: no such clip among the 2 .*book_0[12], book_0[12]$"):
        view_stored(run, "book_03")


def test_a_clip_that_was_left_out_says_why(run: Run) -> None:
    with pytest.raises(CamfuseError, match=r"drink_01: left out of the run by stage crops: nobody was found"):
        view_stored(run, "drink_01")


def test_a_clip_that_was_left_out_early_names_the_first_stage(run: Run) -> None:
    for stage in ("crops", "heatmaps"):  # each stage passes on what the ones before it left out
        path = run.shard_path(stage, "0000")
        write_shard(path, stage, run.config, {"drink_01": LeftOut("frames", "no video stream")})
    with pytest.raises(CamfuseError, match=r"drink_01: left out of the run by stage frames: no video stream$"):
        view_stored(run, "drink_01")


def test_a_clip_that_is_not_prepared_yet(run: Run) -> None:
    table = run.output / "clips" / "clips.csv"
    table.write_text(table.read_text() + "eat_01,eat,,test,2,0000\n")
    with pytest.raises(CamfuseError, match=r"eat_01: in the clip table, but not in .*; run the workflow again"):
        view_stored(run, "eat_01")


def test_another_config_is_refused(run: Run) -> None:
    heatmaps = run.config.heatmaps.model_copy(update={"sigma": 1.5})
    other = Run(run.config.model_copy(update={"heatmaps": heatmaps}))
    with pytest.raises(StaleShardError):
        view_stored(other, "book_01")


def test_a_run_that_is_not_there(make_config: MakeConfig) -> None:
    with pytest.raises(ShardError, match="run the workflow"):
        view_stored(Run(make_config()), "a")


def test_frames_that_were_not_kept(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    run.shard_path("frames", "0000").unlink()
    with pytest.raises(ShardError, match="no such shard"):
        view_stored(run, "book_01")
    view = view_stored(not_keeping(run), "book_01")
    assert (view.frames, view.keypoints, len(view.crops)) == (None, None, FRAMES)
    assert "frames were not kept; showing crops and heatmaps only" in caplog.text


def test_frames_that_need_not_be_kept_but_are_there(run: Run) -> None:
    assert view_stored(not_keeping(run), "book_01").frames is not None
