import hashlib
import os
from pathlib import Path

import pytest

from camfuse.clips import hashes
from camfuse.clips.hashes import hash_files, look_at
from camfuse.errors import TableError


def test_only_files_are_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken").symlink_to(tmp_path / "gone")
    paths = [str(tmp_path / name) for name in ("a", "folder", "broken", "none")]
    found = look_at([*paths, *paths])
    assert list(found) == paths[:1]
    assert found[paths[0]].size == 3


def test_a_known_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, cache = tmp_path / "a", tmp_path / "hashes.csv"
    path.write_bytes(b"abc")
    expected = {str(path): hashlib.sha256(b"abc").hexdigest()}
    assert hash_files(look_at([str(path)]), cache) == expected
    with monkeypatch.context() as patch:
        patch.setattr(hashes, "_hash", lambda path: pytest.fail(f"{path} was read"))
        assert hash_files(look_at([str(path)]), cache) == expected
    os.utime(path, ns=(1, 1))
    assert hash_files(look_at([str(path)]), cache) == expected
    path.write_bytes(b"xyz")
    os.utime(path, ns=(2, 2))
    assert hash_files(look_at([str(path)]), cache) == {str(path): hashlib.sha256(b"xyz").hexdigest()}


def test_other_files_stay_known(tmp_path: Path) -> None:
    cache = tmp_path / "hashes.csv"
    for name in "ab":
        (tmp_path / name).write_text(name)
        hash_files(look_at([str(tmp_path / name)]), cache)
    assert len(cache.read_text().splitlines()) == 3


def test_what_was_hashed_outlives_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("good", "bad", "worse"):
        (tmp_path / name).write_text(name)
    files = look_at([str(tmp_path / name) for name in ("good", "bad", "worse")])
    for name in ("bad", "worse"):
        (tmp_path / name).unlink()
    with pytest.raises(TableError) as error:
        hash_files(files, tmp_path / "hashes.csv")
    assert [problem.split(":")[0] for problem in error.value.problems] == [str(tmp_path / n) for n in ("bad", "worse")]
    monkeypatch.setattr(hashes, "_hash", lambda path: pytest.fail(f"{path} was read"))
    assert len(hash_files({str(tmp_path / "good"): files[str(tmp_path / "good")]}, tmp_path / "hashes.csv")) == 1


def test_a_damaged_cache_is_made_anew_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "hashes.csv").write_text("path,size\nx,y\n")
    assert len(hash_files(look_at([str(tmp_path / "a")]), tmp_path / "hashes.csv")) == 1
    assert "damaged" in caplog.text
