from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_training import MakeConfig

from camfuse.clips.table import Clip
from camfuse.errors import BadClipsError, ClipError
from camfuse.prep.clipwise import ShardJob, finished_clips, make_shard
from camfuse.run.shard import ClipData, LeftOut, Shard


def clip(name: str, identity: str = "i") -> Clip:
    return Clip(name, Path(f"{name}.mp4"), 0.0, float("inf"), None, identity)


class Counter:
    """A stage that counts its calls, and fails where it is told to."""

    def __init__(self, *bad: str) -> None:
        self.calls: list[str] = []
        self.bad = bad

    def __call__(self, one: Clip) -> ClipData:
        self.calls.append(one.clip_id)
        if one.clip_id in self.bad:
            raise ClipError(one.clip_id, "it is broken")
        rows = np.full((2, 3), len(one.clip_id), np.float32)
        return ClipData({"rows": rows}, [b"p", b"qq"], {"fps": 25.0, "size": np.array([4, 5])})


@pytest.fixture
def job(make_config: MakeConfig, tmp_path: Path) -> ShardJob:
    return ShardJob("pose", make_config(), tmp_path / "0000.h5", {"tool": "x"}, keep_work=True)


def test_all_bad_clips_are_named_and_the_good_ones_kept(job: ShardJob) -> None:
    clips = [clip("a"), clip("b"), clip("c"), clip("d")]
    with pytest.raises(BadClipsError) as caught:
        make_shard(job, clips, Counter("b", "d"))
    assert caught.value.reasons == {"b": "it is broken", "d": "it is broken"}
    assert not job.output.exists()
    fixed = Counter()
    make_shard(job, clips, fixed)
    assert fixed.calls == ["b", "d"]
    shard = Shard(job.output, stage="pose")
    assert list(shard) == ["a", "b", "c", "d"]
    assert shard.jpeg("a") == [b"p", b"qq"]
    assert shard.fact("identity", "a") == "i"
    np.testing.assert_array_equal(shard.fact("size", "a"), [4, 5])
    assert [path.name for path in job.output.parent.glob("0000*")] == ["0000.h5"]


def test_resumed_and_undisturbed_runs_give_the_same_bytes(job: ShardJob) -> None:
    clips = [clip("a"), clip("b")]
    with pytest.raises(BadClipsError):
        make_shard(job, clips, Counter("b"))
    make_shard(job, clips, Counter())
    resumed = job.output.read_bytes()
    job.output.unlink()
    make_shard(job, clips, Counter())
    assert job.output.read_bytes() == resumed


def test_finished_clips_of_a_job_that_was_cut_off_and_of_an_old_shard(job: ShardJob) -> None:
    def finished(stage: str, *clips: Clip) -> set[str]:
        return finished_clips(stage, job.config, job.output, clips)

    assert finished("pose", clip("a")) == set()
    with pytest.raises(BadClipsError):
        make_shard(job, [clip("a"), clip("b")], Counter("b"))
    assert finished("pose", clip("a"), clip("b")) == {"a"}
    make_shard(job, [clip("a"), clip("b")], Counter())
    assert finished("pose", clip("a"), clip("b", "replaced"), clip("c")) == {"a"}
    assert finished("crops", clip("a")) == set()  # which makes all its clips anew


def test_skipped_clips_are_listed_in_the_shard(make_config: MakeConfig, tmp_path: Path) -> None:
    job = ShardJob("pose", make_config(bad_clips="skip"), tmp_path / "0000.h5", {})
    make_shard(job, [clip("a"), clip("b")], Counter("a"))
    shard = Shard(job.output, stage="pose")
    assert list(shard) == ["b"]
    assert shard.left_out == {"a": LeftOut("pose", "it is broken")}


def test_unchanged_clips_of_the_old_shard_are_taken_over(make_config: MakeConfig, tmp_path: Path) -> None:
    job = ShardJob("pose", make_config(), tmp_path / "0000.h5", {}, keep_work=True, previous=tmp_path / "0000.h5")
    make_shard(job, [clip("a"), clip("b"), clip("c")], Counter())
    again = Counter()
    make_shard(job, [clip("a"), clip("b", "other bytes"), clip("new")], again)
    assert again.calls == ["b", "new"]
    assert list(Shard(job.output, stage="pose")) == ["a", "b", "new"]


def test_another_setting_takes_nothing_over(make_config: MakeConfig, tmp_path: Path) -> None:
    path = tmp_path / "0000.h5"
    make_shard(ShardJob("pose", make_config(), path, {}, keep_work=True, previous=path), [clip("a")], Counter())
    other = make_config(pose={"mediapipe": {"detection_confidence": 0.9}})
    again = Counter()
    make_shard(ShardJob("pose", other, path, {}, keep_work=True, previous=path), [clip("a")], again)
    assert again.calls == ["a"]


def test_a_bug_is_not_a_bad_clip(job: ShardJob) -> None:
    def broken(one: Clip) -> ClipData:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_shard(job, [clip("a")], broken)


def test_a_finished_shard_that_snakemake_deleted_is_taken_over(make_config: MakeConfig, tmp_path: Path) -> None:
    job = ShardJob("pose", make_config(), tmp_path / "0000.h5", {}, keep_work=True, previous=tmp_path / "0000.h5")
    clips = [clip("a"), clip("b")]
    make_shard(job, clips, Counter())
    made = job.output.read_bytes()
    job.output.unlink()  # what Snakemake does when a job is killed after its last write
    again = Counter()
    make_shard(job, clips, again)
    assert again.calls == []
    assert job.output.read_bytes() == made
    assert job.output.stat().st_nlink == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [".0000.h5.kept", "0000.h5"]


def test_what_was_kept_under_other_settings_is_not_taken_over(make_config: MakeConfig, tmp_path: Path) -> None:
    path = tmp_path / "0000.h5"
    make_shard(ShardJob("pose", make_config(), path, {}, previous=path), [clip("a")], Counter())
    path.unlink()
    other = make_config(pose={"mediapipe": {"detection_confidence": 0.9}})
    again = Counter()
    make_shard(ShardJob("pose", other, path, {}, previous=path), [clip("a")], again)
    assert again.calls == ["a"]


def test_notes_survive_a_stop_and_go_on_to_later_stages(make_config: MakeConfig, tmp_path: Path) -> None:
    def noted(one: Clip) -> ClipData:
        return replace(Counter("b")(one), note=f"{one.clip_id} is odd" if one.clip_id == "a" else "")

    clips = [clip("a"), clip("b"), clip("c")]
    frames = ShardJob("frames", make_config(), tmp_path / "frames" / "0000.h5", {}, keep_work=True)
    with pytest.raises(BadClipsError):
        make_shard(frames, clips, noted)
    make_shard(frames, clips, Counter())  # a was done before
    source = Shard(frames.output, stage="frames")
    assert source.notes == {"a": "a is odd"}
    pose = ShardJob("pose", make_config(), tmp_path / "pose" / "0000.h5", {}, upstream=(source,))
    make_shard(pose, clips, Counter())
    assert Shard(pose.output, stage="pose").notes == {"a": "a is odd"}


@pytest.mark.bad_input("a damaged shard or half-done clip of an earlier run", "made again; nothing of it is reused")
def test_what_is_damaged_is_not_reused(make_config: MakeConfig, tmp_path: Path) -> None:
    path = tmp_path / "0000.h5"
    job = ShardJob("pose", make_config(), path, {}, keep_work=True, previous=path)
    make_shard(job, [clip("a"), clip("bb")], Counter())
    whole = path.read_bytes()
    numbers = np.full((2, 3), 2, np.float32).tobytes()
    for one in (path, path.with_name(".0000.h5.kept")):
        one.unlink()
        one.write_bytes(whole.replace(numbers, numbers[:-1] + b"\1"))
    again = Counter()
    make_shard(job, [clip("a"), clip("bb")], again)
    assert again.calls == ["bb"] and path.read_bytes() == whole

    job = replace(job, previous=None, output=tmp_path / "0001.h5")
    with pytest.raises(BadClipsError):
        make_shard(job, [clip("a"), clip("bb")], Counter("bb"))
    (saved,) = (tmp_path / "0001.h5.work").iterdir()
    saved.write_bytes(saved.read_bytes()[:-300])
    again = Counter()
    make_shard(job, [clip("a"), clip("bb")], again)
    assert again.calls == ["a", "bb"]
