"""Names in other people's files, compared from the end."""

import unicodedata

import pytest

from camfuse.clips.names import Recording, common_parts, name_parts, parts_needed


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("hello/1.mp4", ("hello", "1")),
        ("hello/1", ("hello", "1")),
        ("/data/hello/1.MOV", ("data", "hello", "1")),
        ("./hello//1.webm", ("hello", "1")),
        (r"C:\videos\hello\1.avi", ("C:", "videos", "hello", "1")),
        ("base.v2", ("base.v2",)),
        ("base.v2.mp4", ("base.v2",)),
        ("2.5", ("2.5",)),
        (unicodedata.normalize("NFD", "été/1.mp4"), ("été", "1")),
        ("", ()),
    ],
)
def test_a_name_is_its_folders_and_its_name_without_a_videos_suffix(name: str, parts: tuple[str, ...]) -> None:
    assert name_parts(name) == parts


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        ("hello/1", "v/hello/1", 2),
        ("a/hello/1", "b/hello/1", 2),
        ("1", "v/hello/1", 1),
        ("hello/1", "thanks/1", 0),
        ("hello/1", "hello/2", 0),
        ("1", "2", 0),
        ("", "1", 0),
    ],
)
def test_parts_in_common_from_the_end(one: str, other: str, count: int) -> None:
    assert common_parts(name_parts(one), name_parts(other)) == common_parts(name_parts(other), name_parts(one)) == count


def recording(video: str, clip_id: str = "", start: float = 0, end: float = 9, file: str = "all.pkl") -> Recording:
    return Recording(file, clip_id or video.replace("/", "--"), video, start, end)


def test_a_bare_name_is_enough_where_no_other_clip_has_it() -> None:
    assert parts_needed([recording("v/hello/1.mp4"), recording("v/thanks/2.mp4")]) == [1, 1]
    assert parts_needed([]) == []


def test_the_folders_that_are_needed_are_counted() -> None:
    clips = [recording(f"v/{name}.mp4") for name in ("a/hello/1", "b/hello/1", "b/thanks/1", "b/thanks/2")]
    assert parts_needed(clips) == [3, 3, 2, 1]


def test_segments_of_a_video_and_kinds_of_one_name_have_no_name_of_their_own() -> None:
    clips = [recording("v/1.mp4", "one"), recording("v/1.mp4", "two", start=9, end=12), recording("v/2.mp4")]
    assert parts_needed(clips) == [0, 0, 1]
    assert parts_needed([recording("v/1.mp4"), recording("v/1.avi")]) == [0, 0]
    assert parts_needed([recording("1.mp4"), recording("v/1.mp4")]) == [0, 2]


def test_the_same_segment_twice_is_one_recording() -> None:
    assert parts_needed([recording("v/1.mp4", "one"), recording("v/1.mp4", "two")]) == [1, 1]


def test_other_files_and_the_ids_of_other_clips_count_too() -> None:
    assert parts_needed([recording("hello/1.mp4", file="a.pkl"), recording("thanks/1.mp4", file="b.pkl")]) == [1, 1]
    assert parts_needed([recording("v/x.mp4", "y"), recording("v/y.mp4", "z")]) == [1, 2]
