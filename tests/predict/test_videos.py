"""Files, folders and patterns."""

from pathlib import Path

import pytest

from camfuse.predict.videos import find_videos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.mp4", "a.MOV", "notes.txt", "deep/c.webm", ".hidden/d.mp4", ".e.mp4", "odd[1].mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(folder: Path, *given: str) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in find_videos(str(folder / one) for one in given)]


def test_a_folder_gives_its_videos_however_deep(folder: Path) -> None:
    assert names(folder, "") == ["a.MOV", "b.mp4", "deep/c.webm", "odd[1].mp4"]


def test_a_pattern_gives_what_it_says(folder: Path) -> None:
    assert names(folder, "*.mp4") == ["b.mp4", "odd[1].mp4"]
    assert names(folder, "**/*.webm") == ["deep/c.webm"]


def test_a_file_counts_whatever_it_is_called(folder: Path) -> None:
    assert names(folder, "notes.txt", "odd[1].mp4") == ["notes.txt", "odd[1].mp4"]


def test_each_once_in_the_order_given(folder: Path) -> None:
    assert names(folder, "b.mp4", "*.mp4", "deep") == ["b.mp4", "odd[1].mp4", "deep/c.webm"]


def test_what_is_not_there_stays(folder: Path) -> None:
    assert names(folder, "gone.mp4", "gone*.mp4") == ["gone.mp4", "gone*.mp4"]
