import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_training import MakeConfig

from camfuse.clips.coverage import split_totals
from camfuse.clips.refresh import refresh
from camfuse.clips.table import read_classes, read_clips, read_shard_clips, shard_of
from camfuse.config import Config
from camfuse.errors import TableError

SHARDS = 4
NAMES = [f"{label}/{number}.mp4" for label in ("hello", "thanks") for number in range(10)]


def write(folder: Path, name: str, content: str | None = None) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name if content is None else content)
    return path


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    for name in NAMES:
        write(tmp_path / "videos", name)
    return tmp_path / "videos"


@pytest.fixture
def from_folder(make_config: MakeConfig, videos: Path) -> Callable[..., Config]:
    def make(**keys: Any) -> Config:
        return make_config(clips={"folder": {"videos": str(videos)}, "shards": SHARDS, **keys})

    return make


@pytest.fixture
def from_csv(make_config: MakeConfig, tmp_path: Path) -> Callable[..., Config]:
    """Write a table and return its config: `from_csv("video,label,...", missing="drop")`."""

    def make(text: str, pose: dict[str, Any] | None = None, **keys: Any) -> Config:
        write(tmp_path, "table.csv", text)
        source = {"table": str(tmp_path / "table.csv"), "videos": str(tmp_path / "videos")}
        return make_config(clips={"csv": source, "shards": SHARDS, **keys}, pose=pose or {"mediapipe": {}})

    return make


def snapshot(config: Config) -> dict[str, tuple[int, str]]:
    """Time of change and content of all that refresh writes, but the cache."""
    out = config.output / "clips"
    return {
        path.relative_to(out).as_posix(): (path.stat().st_mtime_ns, path.read_text())
        for path in out.rglob("*")
        if path.is_file() and path.name != "hashes.csv"
    }


def changed(before: dict[str, tuple[int, str]], after: dict[str, tuple[int, str]]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_what_is_written(from_folder: Callable[..., Config]) -> None:
    config = from_folder()
    refreshed = refresh(config)
    out = config.output / "clips"
    assert set(snapshot(config)) == {
        *(f"{name}.csv" for name in ("clips", "classes", "coverage", "duplicates", "leaks", "missing")),
        "notes.txt",
        *(f"shards/000{number}.csv" for number in range(SHARDS)),
    }
    rows = read_clips(out / "clips.csv")
    pd.testing.assert_frame_equal(rows, refreshed.rows, check_dtype=False)
    assert rows["class_index"].tolist() == [0] * 10 + [1] * 10
    assert rows["shard"].tolist() == [shard_of(clip_id, SHARDS) for clip_id in rows["clip_id"]]
    assert rows["identity"].nunique() == 20
    assert read_classes(out / "classes.csv") == ("hello", "thanks")
    shards = {shard: read_shard_clips(out / "shards" / f"{shard}.csv") for shard in set(rows["shard"])}
    assert sorted(clip.clip_id for clips in shards.values() for clip in clips) == sorted(rows["clip_id"])
    assert all(shard_of(clip.clip_id, SHARDS) == shard for shard, clips in shards.items() for clip in clips)
    clip = shards[shard_of("hello--3", SHARDS)][
        [c.clip_id for c in shards[shard_of("hello--3", SHARDS)]].index("hello--3")
    ]
    assert (clip.start, clip.end, clip.annotation) == (0.0, float("inf"), None)
    assert clip.video.read_text() == "hello/3.mp4"


def test_a_second_look_changes_nothing(from_folder: Callable[..., Config]) -> None:
    config = from_folder()
    refresh(config)
    before = snapshot(config)
    refresh(config)
    assert not changed(before, snapshot(config))


def test_a_touched_video_keeps_its_identity(from_folder: Callable[..., Config], videos: Path) -> None:
    config = from_folder()
    refresh(config)
    before = snapshot(config)
    os.utime(videos / NAMES[0], ns=(1, 1))
    refresh(config)
    assert not changed(before, snapshot(config))


def test_new_content_changes_its_own_shard_only(from_folder: Callable[..., Config], videos: Path) -> None:
    config = from_folder()
    refresh(config)
    before = snapshot(config)
    write(videos, "hello/3.mp4", "another recording")
    refresh(config)
    assert changed(before, snapshot(config)) == {"clips.csv", f"shards/{shard_of('hello--3', SHARDS)}.csv"}


def test_a_new_clip_changes_its_own_shard_only(from_folder: Callable[..., Config], videos: Path) -> None:
    config = from_folder()
    refresh(config)
    before = snapshot(config)
    write(videos, "hello/new.mp4")
    refresh(config)
    shard = f"shards/{shard_of('hello--new', SHARDS)}.csv"
    assert changed(before, snapshot(config)) == {"clips.csv", "coverage.csv", shard}


def test_labels_splits_and_order_change_no_shard(from_csv: Callable[..., Config], videos: Path) -> None:
    config = from_csv("video,label,split\nhello/1.mp4,a,train\nhello/2.mp4,b,val\n")
    refresh(config)
    before = snapshot(config)
    refresh(from_csv("video,label,split\nhello/2.mp4,c,test\nhello/1.mp4,a,train\n"))
    # the notes, because a word has lost its training clip
    assert changed(before, snapshot(config)) == {"clips.csv", "classes.csv", "coverage.csv", "notes.txt"}


def test_a_moved_folder_keeps_the_identities(make_config: MakeConfig, videos: Path, tmp_path: Path) -> None:
    before = refresh(make_config(clips={"folder": {"videos": str(videos)}})).rows
    videos.rename(tmp_path / "moved")
    after = refresh(make_config(clips={"folder": {"videos": str(tmp_path / "moved")}})).rows
    assert after["identity"].tolist() == before["identity"].tolist()
    assert (after["video"] != before["video"]).all()


def test_the_segment_is_part_of_the_identity(from_csv: Callable[..., Config], videos: Path) -> None:
    text = "video,label,split,start,end\n" + "".join(
        f"hello/1.mp4,a,train,{segment}\n" for segment in ("0,", "0.5,", "1,2", "2,3")
    )
    refreshed = refresh(from_csv(text))
    assert refreshed.rows["identity"].nunique() == 4
    assert refreshed.duplicates.empty


def test_fewer_shards_leave_no_stale_file(from_folder: Callable[..., Config]) -> None:
    config = from_folder()
    refresh(config)
    refresh(from_folder(shards=2))
    assert sorted(path.name for path in (config.output / "clips" / "shards").iterdir()) == ["0000.csv", "0001.csv"]


def test_every_missing_video_is_listed(from_csv: Callable[..., Config], videos: Path) -> None:
    text = "video,label,split\n" + "".join(f"gone/{n}.mp4,a,train\n" for n in range(30)) + "hello/1.mp4,a,val\n"
    config = from_csv(text)
    with pytest.raises(TableError, match=r"clips\.missing: drop") as error:
        refresh(config)
    assert len(error.value.problems) == 30
    assert error.value.problems[0] == f"clip gone--0: no file {videos}/gone/0.mp4"
    assert len((config.output / "clips" / "missing.csv").read_text().splitlines()) == 31


@pytest.mark.bad_input(
    "videos in a table that are not there", "each named with the place where it was looked for, and a likely reason"
)
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone.mp4", r"no file {videos}/gone\.mp4"),
        ("hello\\1.mp4", r"no file {videos}/hello\\1\.mp4; write / between folders, not a backslash"),
        ("~/1.mp4", r"no file {videos}/~/1\.mp4; ~ is no home folder in a table: write the whole path"),
        ("hello/1", r"no file {videos}/hello/1; its name has no suffix: expected one, as in 1\.mp4"),
        ("hello/9", r"no file {videos}/hello/9; its name has no suffix: expected one, as in 9\.mp4"),
        ("hello", r"expected a file, found the folder {videos}/hello"),
    ],
)
def test_a_missing_video_is_said_in_full_with_a_likely_reason(
    make_config: MakeConfig, videos: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.chdir(videos.parent)
    write(videos.parent, "table.csv", f"video,label,split\n{name},a,train\nhello/1.mp4,b,val\n")
    config = make_config(clips={"csv": {"table": "table.csv", "videos": "videos"}})
    with pytest.raises(TableError) as error:
        refresh(config)
    assert re.fullmatch(f"clip .*: {said.format(videos=videos)}", error.value.problems[0])


def test_missing_videos_are_dropped_and_counted(from_csv: Callable[..., Config], videos: Path) -> None:
    text = "video,label,split\nhello/1.mp4,a,train\nx.mp4,a,train\nhello/2.mp4,b,test\ny.mp4,c,val\n"
    config = from_csv(text, missing="drop")
    refreshed = refresh(config)
    assert refreshed.rows["clip_id"].tolist() == ["hello--1", "hello--2"]
    assert refreshed.classes == ("a", "b", "c")
    assert refreshed.notes[0].startswith("Whether the people of test are in training too is not known")
    assert refreshed.notes[1:] == (
        "2 of 4 clips are not on disk: see missing.csv and coverage.csv.",
        "2 of 3 words have no training clip: they cannot be learned: b, c.",
        "2 of 3 words have no test clip: nothing measures them: a, c.",
    )
    coverage = pd.read_csv(config.output / "clips" / "coverage.csv").set_index(["split", "label"])
    assert len(coverage) == 9
    assert coverage.loc[("train", "a"), ["listed", "on_disk", "missing", "used"]].tolist() == [2, 1, 1, 1]
    assert coverage.loc[("val", "c"), ["listed", "on_disk", "missing", "used"]].tolist() == [1, 0, 1, 0]
    assert coverage.loc[("test", "a"), ["listed", "on_disk", "missing", "used"]].tolist() == [0, 0, 0, 0]
    totals = split_totals(refreshed.coverage).set_index("split")
    assert totals.index.tolist() == ["train", "val", "test"]
    assert totals.loc["train"].tolist() == [2, 1, 1, 1, 1]
    assert totals.loc["val"].tolist() == [1, 0, 1, 0, 0]


def test_no_video_at_all(from_csv: Callable[..., Config]) -> None:
    with pytest.raises(TableError, match="found none of 1"):
        refresh(from_csv("video,label,split\nx.mp4,a,train\n", missing="drop"))


def test_limit_counts_the_clips_on_disk(from_csv: Callable[..., Config], videos: Path) -> None:
    text = "video,label,split\nx.mp4,a,train\nhello/1.mp4,a,train\nhello/2.mp4,b,test\nhello/3.mp4,b,test\n"
    refreshed = refresh(from_csv(text, missing="drop", limit=2))
    assert refreshed.rows["clip_id"].tolist() == ["hello--1", "hello--2"]
    assert refreshed.coverage["on_disk"].sum() == 3
    assert refreshed.coverage["used"].sum() == 2


@pytest.fixture
def copies(videos: Path) -> str:
    write(videos, "one.mp4", "same")
    write(videos, "two.mp4", "same")
    write(videos, "three.mp4", "like")
    write(videos, "four.mp4", "like")
    write(videos, "empty1.mp4", "")
    write(videos, "empty2.mp4", "")
    return (
        "video,label,split,signer\none.mp4,afraid,train,1\nthree.mp4,x,val,3\ntwo.mp4,fear,test,2\n"
        "four.mp4,x,val,4\nempty1.mp4,x,train,5\nempty2.mp4,x,train,5\nhello/1.mp4,x,train,6\n"
    )


def test_byte_identical_recordings_are_reported(from_csv: Callable[..., Config], copies: str) -> None:
    config = from_csv(copies)
    refreshed = refresh(config)
    assert len(refreshed.rows) == 7
    found = pd.read_csv(config.output / "clips" / "duplicates.csv")
    assert found["clip_id"].tolist() == ["one", "two", "three", "four"]
    assert found["group"].tolist() == [1, 1, 2, 2]
    assert found["label"].tolist() == ["afraid", "fear", "x", "x"]
    assert found["signer"].tolist() == [1, 2, 3, 4]
    assert found["crosses_splits"].tolist() == [True, True, False, False]
    assert found["crosses_labels"].tolist() == [True, True, False, False]
    assert found["used"].all()
    expected = (
        "2 recordings occur more than once (4 clips); 1 of them in more than one split, 1 with more than one label"
    )
    assert expected in refreshed.notes[0]


def test_dropping_duplicates_keeps_the_first(from_csv: Callable[..., Config], copies: str) -> None:
    refreshed = refresh(from_csv(copies, duplicates="drop"))
    assert refreshed.rows["clip_id"].tolist() == ["one", "three", "empty1", "empty2", "hello--1"]
    assert refreshed.duplicates["used"].tolist() == [True, False, True, False]
    assert split_totals(refreshed.coverage).set_index("split")["used"].to_dict() == {"train": 4, "val": 1, "test": 0}


def test_a_keypoint_file_is_part_of_the_identity(from_csv: Callable[..., Config], videos: Path) -> None:
    keypoints = write(videos, "k/1.pose", "one")
    text = "video,label,split,annotation\nhello/1.mp4,a,train,1.pose\n"
    pose = {"annotations": {"folder": str(videos / "k")}}
    first = refresh(from_csv(text, pose)).rows
    write(videos, "k/1.pose", "two")
    second = refresh(from_csv(text, pose)).rows
    assert first["identity"].tolist() != second["identity"].tolist()
    assert first["annotation"].tolist() == ["1.pose"]
    # MediaPipe does not look at the file
    estimated = refresh(from_csv(text)).rows["identity"].tolist()
    keypoints.unlink()
    assert refresh(from_csv(text)).rows["identity"].tolist() == estimated
    with pytest.raises(TableError, match=f"clip hello--1: no file {keypoints}"):
        refresh(from_csv(text, pose))


def test_annotations_need_a_file_for_each_clip(from_csv: Callable[..., Config], videos: Path) -> None:
    text = "video,label,split,annotation\nhello/1.mp4,a,train,\nhello/2.mp4,a,train,\n"
    with pytest.raises(TableError) as error:
        refresh(from_csv(text, {"annotations": {}}))
    assert len(error.value.problems) == 2


def test_odd_names_survive_the_way_to_the_shards(from_csv: Callable[..., Config], videos: Path) -> None:
    config = from_csv("video,label,split,clip_id,signer\nhello/1.mp4,null,train,NA,Nan\nhello/2.mp4,NaN,train,nan,\n")
    refreshed = refresh(config)
    rows = read_clips(config.output / "clips" / "clips.csv")
    assert rows["clip_id"].tolist() == ["NA", "nan"]
    assert rows["label"].tolist() == ["null", "NaN"]
    assert rows["signer"].tolist() == ["Nan", ""]
    assert read_classes(config.output / "clips" / "classes.csv") == refreshed.classes == ("NaN", "null")
    shards = [read_shard_clips(path) for path in (config.output / "clips" / "shards").iterdir()]
    assert sorted(clip.clip_id for shard in shards for clip in shard) == ["NA", "nan"]


def test_notes_are_logged_when_they_change(
    from_csv: Callable[..., Config], copies: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = from_csv(copies)
    refresh(config)
    assert "occur more than once" in caplog.text
    assert "occur more than once" in (config.output / "clips" / "notes.txt").read_text()
    caplog.clear()
    refresh(config)
    assert not caplog.text


def test_notes_are_not_logged_where_the_caller_says_them(
    from_csv: Callable[..., Config], copies: str, caplog: pytest.LogCaptureFixture
) -> None:
    refreshed = refresh(from_csv(copies), log_notes=False)
    assert any("occur more than once" in note for note in refreshed.notes)
    assert "occur more than once" not in caplog.text


def test_several_at_once(from_folder: Callable[..., Config]) -> None:
    config = from_folder()
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(refresh, [config] * 24))
    assert all(result.rows.equals(results[0].rows) for result in results)
    before = snapshot(config)
    refresh(config)
    assert not changed(before, snapshot(config))
    assert not list((config.output / "clips").rglob("*.part"))


# ------------------------------------------------------------------------------------------- keypoints without videos


def test_keypoint_files_are_the_recordings_of_clips_without_videos(
    from_csv: Callable[..., Config], tmp_path: Path
) -> None:
    for name in ("1", "2", "3"):
        write(tmp_path / "k", f"{name}.pose", "the same" if name == "3" else name)
    write(tmp_path / "k", "2b.pose", "the same")
    pose = {"annotations": {"folder": str(tmp_path / "k")}}
    text = "annotation,label,split\n1.pose,x,train\n2.pose,y,train\n3.pose,x,test\n2b.pose,y,val\ngone.pose,x,test\n"
    config = from_csv(text, pose, missing="drop")
    refreshed = refresh(config)
    rows = refreshed.rows.set_index("clip_id")
    assert rows["video"].to_dict() == {name: str(tmp_path / "k" / f"{name}.pose") for name in ("1", "2", "3", "2b")}
    assert rows["recording"].nunique() == 3 and set(refreshed.duplicates["clip_id"]) == {"2b", "3"}
    shards = [one for path in (config.output / "clips" / "shards").glob("*.csv") for one in read_shard_clips(path)]
    assert {one.video.name for one in shards} == {"1.pose", "2.pose", "3.pose", "2b.pose"}
    before = rows["identity"].to_dict()
    write(tmp_path / "k", "1.pose", "another")
    after = refresh(config).rows.set_index("clip_id")["identity"].to_dict()
    assert {name for name in before if before[name] != after[name]} == {"1"}


def test_the_clips_of_one_pickle_are_recordings_of_their_own(from_csv: Callable[..., Config], tmp_path: Path) -> None:
    write(tmp_path, "all.pkl", "\x80 keypoints")
    pose = {"annotations": {"file": str(tmp_path / "all.pkl")}}
    refreshed = refresh(from_csv("clip_id,label,split\na,x,train\nb,y,train\nc,x,test\n", pose))
    assert refreshed.rows["recording"].nunique() == refreshed.rows["identity"].nunique() == 3
    assert refreshed.duplicates.empty and refreshed.leaks.empty


def test_clips_need_a_video_or_keypoints(from_csv: Callable[..., Config]) -> None:
    with pytest.raises(TableError, match="expected column `video`, or keypoints for clips without one"):
        refresh(from_csv("clip_id,label\na,x\n"))
