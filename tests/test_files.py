from pathlib import Path

import pytest

from camfuse.files import atomic, write_if_changed


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
