"""Damaged heaps of texts, which HDF5 would read for ever."""

import struct
from pathlib import Path

import h5py
import pytest

from camfuse.errors import ShardError
from camfuse.run.heaps import SIGNATURE, has_damaged_heap
from camfuse.run.shard import Shard
from camfuse.run.shard_writer import ShardWriter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with ShardWriter(tmp_path / "0000.h5", stage="crops", fingerprint="f", provenance={"tool": "1"}):
        pass
    return tmp_path / "0000.h5"


def test_a_whole_file_passes(path: Path, tmp_path: Path) -> None:
    assert path.read_bytes().count(SIGNATURE) >= 1
    assert not has_damaged_heap(path)
    with h5py.File(tmp_path / "many.h5", "w") as file:
        file["texts"] = [f"text {'x' * number}" for number in range(3000)]
    assert not has_damaged_heap(tmp_path / "many.h5")
    (tmp_path / "empty.h5").touch()
    assert not has_damaged_heap(tmp_path / "empty.h5")


@pytest.mark.bad_input("a damaged shard that HDF5 would read for ever", "refused at once")
@pytest.mark.parametrize("length", [0x1000003, 2**64 - 8, 5000])
def test_an_object_larger_than_its_heap_is_refused_before_hdf5_reads_it(path: Path, length: int) -> None:
    data = bytearray(path.read_bytes())
    struct.pack_into("<Q", data, data.index(SIGNATURE) + 24, length)
    path.write_bytes(data)
    assert has_damaged_heap(path)
    with pytest.raises(ShardError, match="damaged"):
        Shard(path, stage="crops")


def test_free_space_without_a_size_is_refused(path: Path) -> None:
    data = bytearray(path.read_bytes())
    struct.pack_into("<HHIQ", data, data.index(SIGNATURE) + 16, 0, 0, 0, 0)
    path.write_bytes(data)
    assert has_damaged_heap(path)
