import zipfile
from pathlib import Path

import pytest
import torch

from camfuse.digest import LENGTH, is_whole, seal


@pytest.mark.parametrize("content", [b"", b"abc", b"PK\x05\x06 no archive", b"x" * (1 << 20), b"y" * ((1 << 20) + 7)])
def test_every_byte_counts(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert is_whole(path) is None
    seal(path)
    whole = path.read_bytes()
    assert is_whole(path) and whole.startswith(content) and len(whole) == len(content) + LENGTH
    for at in {0, len(content) // 2, len(content) - 1, len(content) + 20, len(whole) - 1} - {-1}:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert not is_whole(path)
        assert is_whole(path) is (None if len(content) <= at < len(content) + 16 else False)
    for cut in (whole[1:], whole[:-1], whole[: len(content) // 2]):
        path.write_bytes(cut)
        assert not is_whole(path)


def test_an_archive_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "file.zip"
    torch.save({"a": torch.arange(3)}, path)
    seal(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None and len(archive.comment) == LENGTH
    assert torch.load(path, weights_only=True)["a"].tolist() == [0, 1, 2]
    assert torch.load(path, weights_only=True, mmap=True)["a"].tolist() == [0, 1, 2]
    whole = path.read_bytes()
    for at in range(len(whole) - LENGTH - 22, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert is_whole(path) is False, at
    for cut in (1, 30, LENGTH):
        path.write_bytes(whole[:-cut])
        assert is_whole(path) is False, cut
