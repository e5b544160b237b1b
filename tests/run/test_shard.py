import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from camfuse.errors import ShardError, StaleShardError
from camfuse.run.shard import ClipData, LeftOut, Shard
from camfuse.run.shard_writer import ShardWriter

VOLUME = np.arange(3 * 133 * 16 * 16, dtype=np.int64).reshape(3, 133, 16, 16).astype(np.uint8)


def write(path: Path, *, stage: str = "heatmaps") -> Path:
    with ShardWriter(path, stage=stage, fingerprint="f1", provenance={"tool": "1.0"}) as writer:
        writer.add("é-1", ClipData({"volume": VOLUME}, [b"a", b"", b"ccc"], {"fps": 25.0, "affine": np.eye(2)}))
        writer.add("two", ClipData({"volume": VOLUME[:1] + 1}, [b"dd"], {"fps": 30.0, "affine": 2 * np.eye(2)}))
        writer.leave_out("three", LeftOut("frames", "no video stream"))
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    shard = Shard(write(tmp_path / "0000.h5"), stage="heatmaps", fingerprint="f1")
    assert list(shard) == ["é-1", "two"]
    assert (shard.count("é-1"), shard.count("two")) == (3, 1)
    assert shard.left_out == {"three": LeftOut("frames", "no video stream")}
    assert shard.provenance == {"tool": "1.0"}
    np.testing.assert_array_equal(shard.read("volume", "é-1"), VOLUME)
    np.testing.assert_array_equal(shard.read("volume", "é-1", [2, 0, 2]), VOLUME[[2, 0, 2]])
    np.testing.assert_array_equal(shard.read("volume", "two"), VOLUME[:1] + 1)
    assert shard.jpeg("é-1") == [b"a", b"", b"ccc"]
    assert shard.jpeg("é-1", [2, 1, 2]) == [b"ccc", b"", b"ccc"]
    assert shard.jpeg("two", [0]) == [b"dd"]
    assert shard.jpeg("two", []) == []
    assert shard.fact("fps", "two") == 30.0
    np.testing.assert_array_equal(shard.fact("affine", "two"), 2 * np.eye(2))
    assert shard.names() == ("volume",)
    assert shard.fact_names() == ("affine", "fps")


def test_who_only_reads_can_read_what_is_compressed(tmp_path: Path) -> None:
    path = write(tmp_path / "0000.h5")
    code = (
        "import sys; from pathlib import Path; from camfuse.run.shard import Shard; "
        f"print(Shard(Path({str(path)!r}), stage='heatmaps').read('volume', 'two').sum(), "
        "'camfuse.run.shard_writer' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str((VOLUME[:1] + 1).sum()), "False"]


def test_an_empty_shard_is_a_shard(tmp_path: Path) -> None:
    with ShardWriter(tmp_path / "0000.h5", stage="pose", fingerprint="f", provenance={}):
        pass
    assert list(Shard(tmp_path / "0000.h5", stage="pose")) == []


def test_a_shard_travels_without_its_handle(tmp_path: Path) -> None:
    shard = Shard(write(tmp_path / "0000.h5"), stage="heatmaps")
    copy = pickle.loads(pickle.dumps(shard))
    np.testing.assert_array_equal(copy.read("volume", "two"), VOLUME[:1] + 1)
    shard.close()
    np.testing.assert_array_equal(shard.read("volume", "two"), VOLUME[:1] + 1)


def test_a_forked_child_opens_its_own_handle(tmp_path: Path) -> None:
    shard = Shard(write(tmp_path / "0000.h5"), stage="heatmaps")
    child = os.fork()
    if child == 0:
        os._exit(0 if (shard.read("volume", "é-1") == VOLUME).all() else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_wrong_shards_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "0000.h5")
    with pytest.raises(ShardError, match="expected a shard of stage pose, found heatmaps"):
        Shard(path, stage="pose")
    with pytest.raises(StaleShardError, match="expected fingerprint other, found f1"):
        Shard(path, stage="heatmaps", fingerprint="other")
    with pytest.raises(ShardError, match="no such shard"):
        Shard(tmp_path / "none.h5", stage="pose")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ShardError, match="damaged or not HDF5"):
        Shard(path, stage="heatmaps")


def test_frames_out_of_range_are_refused(tmp_path: Path) -> None:
    shard = Shard(write(tmp_path / "0000.h5"), stage="heatmaps")
    with pytest.raises(IndexError, match="frame 1 of 1"):
        shard.read("volume", "two", [1])
    with pytest.raises(IndexError, match="frame -1 of 3"):
        shard.jpeg("é-1", [-1])


def test_arrays_of_one_clip_have_one_length() -> None:
    with pytest.raises(ValueError, match="same number of frames"):
        len(ClipData({"a": np.zeros(3), "b": np.zeros(2)}))


def test_notes_are_kept_and_cost_no_byte_where_there_are_none(tmp_path: Path) -> None:
    plain = write(tmp_path / "0000.h5").read_bytes()
    assert Shard(write(tmp_path / "0001.h5"), stage="heatmaps").notes == {} and b"notes" not in plain
    with ShardWriter(tmp_path / "0002.h5", stage="frames", fingerprint="f1", provenance={}) as writer:
        writer.add("a", ClipData({"time": np.zeros(1)}, note="HDR, \u00e9"))
        writer.add("b", ClipData({"time": np.zeros(1)}))
    shard = Shard(tmp_path / "0002.h5", stage="frames")
    assert shard.notes == {"a": "HDR, \u00e9"}
    assert (shard.clip("a").note, shard.clip("b").note) == ("HDR, \u00e9", "")
