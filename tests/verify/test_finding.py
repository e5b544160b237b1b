from pathlib import Path

from made_whole import flip

from camfuse.digest import seal
from camfuse.verify.finding import Finding, digest_problem


def test_a_file_is_compared_with_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert "cannot be read: No such file" in str(digest_problem(path, expected=False))
    path.write_bytes(b"content")
    assert digest_problem(path, expected=False) is None
    assert "has lost the digest" in str(digest_problem(path, expected=True))
    seal(path)
    assert digest_problem(path, expected=True) is None
    flip(path, 2)
    assert "its SHA-256 is another" in str(digest_problem(path, expected=False))


def test_a_line() -> None:
    assert str(Finding("note", "pose/0000.h5", "odd")) == "note   pose/0000.h5: odd"
