"""Label files that users hand in, and what is said of those that are not as expected."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from camfuse.clips.label_files import check_folder, name_some, plural, read_json, read_lines, read_text
from camfuse.errors import TableError


def made(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "labels"
    path.write_bytes(content)
    return path


def test_lines_of_either_end_without_blanks_and_empty_ones(tmp_path: Path) -> None:
    path = made(tmp_path, b'\xef\xbb\xbfa, b\r\n\r\n"c, d",e\n')
    assert read_lines(path) == [(1, ["a", "b"]), (3, ["c, d", "e"])]
    assert read_lines(made(tmp_path, b"0\tbook\n"), delimiter="\t") == [(1, ["0", "book"])]


def test_what_is_no_text_or_no_csv_is_said(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="expected text in UTF-8, found byte 0xff"):
        read_text(made(tmp_path, b"a\xff"))
    with pytest.raises(TableError, match="line 1: not CSV"):
        read_lines(made(tmp_path, b'"a'))
    with pytest.raises(TableError, match="cannot read the file: No such file"):
        read_text(tmp_path / "none")


@pytest.mark.bad_input(
    "a web page, an Excel table or a pointer as label file", "refused at the start, with what the file is"
)
def test_another_file_under_a_label_files_name(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="expected a label file, found a web page"):
        read_lines(made(tmp_path, b"<!DOCTYPE html><html>"))
    with pytest.raises(TableError, match="expected a label file, found a zip archive"):
        read_text(made(tmp_path, b"PK\x03\x04[Content_Types].xml"))
    with pytest.raises(TableError, match="expected a label file, found a Git LFS pointer"):
        read_json(made(tmp_path, b"version https://git-lfs.github.com/spec/v1"), TypeAdapter(list[int]))


def test_json_is_checked_against_its_shape(tmp_path: Path) -> None:
    shape = TypeAdapter(dict[str, list[int]])
    assert read_json(made(tmp_path, b'\xef\xbb\xbf{"a": [1, 2]}'), shape) == {"a": [1, 2]}
    with pytest.raises(TableError, match=r"a\.1: .*found 'x'"):
        read_json(made(tmp_path, b'{"a": [1, "x"]}'), shape)
    with pytest.raises(TableError, match="the file: Invalid JSON"):
        read_json(made(tmp_path, b"{"), shape)


def test_the_folder_of_the_videos_must_be_there(tmp_path: Path) -> None:
    check_folder(tmp_path)
    with pytest.raises(TableError, match="folder with the videos"):
        check_folder(tmp_path / "none")


@pytest.mark.bad_input("a table where the folder of videos belongs", "refused at the start, with how a table is named")
def test_a_table_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("video,label")
    (tmp_path / "a.mp4").write_bytes(b"")
    with pytest.raises(
        TableError, match=r"found the file clips\.csv; for a table write `clips: {csv: {table: .*clips\.csv"
    ):
        check_folder(tmp_path / "clips.csv")
    with pytest.raises(TableError, match=r"expected a folder of videos, found the file a\.mp4$"):
        check_folder(tmp_path / "a.mp4")


def test_a_relative_path_that_is_not_there_is_said_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TableError, match=f"; looked for {tmp_path / 'none'}$"):
        check_folder(Path("none"))
    with pytest.raises(TableError, match=f"No such file or directory; looked for {tmp_path / 'none.csv'}$"):
        read_text(Path("none.csv"))


@pytest.mark.parametrize(("number", "expected"), [(0, "words have"), (1, "word has"), (2, "words have")])
def test_one_and_many(number: int, expected: str) -> None:
    assert plural(number, "word has", "words have") == expected


def test_some_of_many_names() -> None:
    assert name_some(["a", "b"]) == "a, b"
    assert name_some([*"abcdefg"]) == "a, b, c, d, e and 2 more"
