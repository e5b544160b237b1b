from pathlib import Path

import pytest

from camfuse.files import atomic, link_folder, write_if_changed


def test_atomic_leaves_nothing_after_an_error(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    with pytest.raises(RuntimeError), atomic(target) as part:
        part.write_text("half")
        raise RuntimeError
    assert list(target.parent.iterdir()) == []


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
