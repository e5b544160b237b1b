"""Which keypoint file is whose."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_training import MakeConfig

from camfuse.clips.annotations import annotation_paths, parts_beyond_the_name
from camfuse.errors import TableError


def table(*rows: tuple[str, str]) -> pd.DataFrame:
    """Return clips of the given videos and annotations."""
    made = pd.DataFrame(rows, columns=["video", "annotation"])
    ids = [video.replace("/", "--").removesuffix(".mp4") for video in made["video"]]
    return made.assign(clip_id=ids, source=made["video"], start=0.0, end=np.nan)


def test_each_clip_has_its_file_or_the_one_for_all(make_config: MakeConfig) -> None:
    config = make_config(pose={"annotations": {"folder": "k", "file": "all.pkl"}})
    rows = table(("hello/1.mp4", "one.pose"), ("hello/2.mp4", ""))
    assert annotation_paths(rows, config).tolist() == ["k/one.pose", "k/all.pkl"]
    assert annotation_paths(rows, make_config(pose={"mediapipe": {}})).tolist() == ["", ""]


def test_no_file_is_an_error_that_names_every_clip(make_config: MakeConfig) -> None:
    with pytest.raises(TableError) as caught:
        annotation_paths(table(("a.mp4", ""), ("b.mp4", "")), make_config(pose={"annotations": {}}))
    assert len(caught.value.problems) == 2


def test_kinds_of_files_that_no_reader_knows_are_named_at_once(make_config: MakeConfig) -> None:
    rows = table(*((f"{n}.mp4", name) for n, name in enumerate(("a.npy", "b.PKL", "c.pkl.gz", "d.Pose", "e"))))
    with pytest.raises(TableError) as caught:
        annotation_paths(rows, make_config(pose={"annotations": {}}))
    known = "expected a keypoint file that ends in .pkl, .pickle or .pose"
    expected = [f"clip 0: {known}, found .npy (a.npy)", f"clip 2: {known}, found .pkl.gz (c.pkl.gz)"]
    assert caught.value.problems == (*expected, f"clip 4: {known}, found no suffix (e)")


@pytest.mark.bad_input("one .pose file named for two recordings", "refused at the start")
def test_a_file_of_one_recording_serves_no_other(make_config: MakeConfig) -> None:
    config = make_config(pose={"annotations": {}})
    with pytest.raises(TableError, match=r"one\.POSE: expected the keypoints of one recording, .* 2: a\.mp4, b\.mp4"):
        annotation_paths(table(("a.mp4", "one.POSE"), ("b.mp4", "one.POSE"), ("c.mp4", "all.pkl")), config)
    # two segments, and two words for one recording, are one recording
    assert len(annotation_paths(table(("a.mp4", "one.pose"), ("a.mp4", "one.pose")), config)) == 2


def test_only_names_that_are_looked_up_in_one_file_must_differ() -> None:
    rows = table(("hello/1.mp4", "x"), ("thanks/1.mp4", "x"), ("thanks/2.mp4", "x"))
    needed = {"hello--1": 2, "thanks--1": 2}
    assert parts_beyond_the_name(rows, pd.Series(["k/all.PKL"] * 3)) == needed
    assert parts_beyond_the_name(rows, pd.Series(["1.pkl", "2.pkl", "3.pkl"])) == {}
    assert parts_beyond_the_name(rows, pd.Series([str(Path("k") / name) for name in ("1.pose", "2.pose", "")])) == {}
