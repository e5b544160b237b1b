import errno
import os
import re
from pathlib import Path

import pytest

from camfuse.errors import ConfigError
from camfuse.files import atomic, check_targets, found_instead, is_newer, link_folder, naming, write_if_changed


def test_atomic_leaves_nothing_after_an_error(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    with pytest.raises(RuntimeError), atomic(target) as part:
        part.write_text("half")
        raise RuntimeError
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (OSError(errno.ENOSPC, "full"), "target"),
        (OSError(errno.ENOSPC, "full", "source", None, "copy"), "target"),
        (OSError(errno.ENOSPC, "full", "other"), "other"),
        (OSError(errno.EACCES, "forbidden"), None),
    ],
)
def test_a_full_disk_names_what_was_to_be_written(error: OSError, named: str | None) -> None:
    with pytest.raises(OSError), naming(Path("target")):
        raise error
    assert (error.filename, error.filename2) == (named, None)


def test_atomic_replaces_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with atomic(target) as part:
        part.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_write_if_changed_keeps_the_time_stamp(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    assert write_if_changed(target, "a")
    stamp = target.stat().st_mtime_ns
    assert not write_if_changed(target, "a")
    assert target.stat().st_mtime_ns == stamp
    assert write_if_changed(target, "b")


def test_a_link_follows_its_folder_and_a_copied_folder_stays(tmp_path: Path) -> None:
    for name in ("one", "two", "copy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(name)
    link = tmp_path / "deep" / "link"
    for name in ("one", "two", "two"):
        link_folder(link, tmp_path / name)
        assert (link / "name").read_text() == name
    link_folder(tmp_path / "copy", tmp_path / "one")
    assert (tmp_path / "copy" / "name").read_text() == "copy"
    assert [path.name for path in link.parent.iterdir()] == ["link"]


INSTEAD = {
    b"": "an empty file",
    bytes(9000): "nothing but zeros",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n": "a Git LFS pointer .* `git lfs pull`",
    b"/annex/objects/MD5E-s12--ab.mp4\n": "a git-annex pointer",
    b"\xef\xbb\xbf\n <!DOCTYPE html>\n<html>": "a web page: the download failed, or wanted a login",
    b"<HTML><body>404": "a web page",
    b"%PDF-1.7": "a PDF document",
    b"\x1f\x8b\x08rest": "a gzip file: unpack it",
    b"\xff\xd8\xff\xe0": "a JPEG image",
    b"\x89PNG\r\n": "a PNG image",
    b"PK\x03\x04rest": "a zip archive",
    b'{"error": "not found"}': r"a text that begins with '\{\"error\": \"not found\"\}'",
}


@pytest.mark.parametrize(("content", "words"), INSTEAD.items(), ids=range(len(INSTEAD)))
def test_what_a_file_is_instead_is_said_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    assert re.match(words, found_instead(tmp_path / "a.mp4") or "none")


def test_what_may_be_right_is_not_named(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\x00\x00\x00\x20ftypisom")
    assert found_instead(path) is None
    path.write_text("video,label\n")
    assert found_instead(path, text=False) is None
    path.write_bytes(b"PK\x03\x04")
    assert found_instead(path, zipped=False) is None


def test_what_is_read_and_folders_are_no_targets(tmp_path: Path) -> None:
    check_targets("--output", [tmp_path / "new"], [tmp_path / "old"])
    (tmp_path / "link").symlink_to(tmp_path / "old")
    with pytest.raises(ConfigError, match="--output: expected another place than what is read"):
        check_targets("--output", [tmp_path / "new", tmp_path / "link"], [tmp_path / "old"])
    with pytest.raises(ConfigError, match="expected a file to write, found the folder"):
        check_targets("--output", [tmp_path], [])


def test_a_file_is_newer_than_a_time(tmp_path: Path) -> None:
    path = tmp_path / "log"
    assert not is_newer(path, 0)
    path.touch()
    os.utime(path, (100, 100))
    assert is_newer(path, 100) and not is_newer(path, 100.5) and not is_newer(tmp_path, 0)
