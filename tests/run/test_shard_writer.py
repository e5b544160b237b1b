import shutil
from pathlib import Path

import numpy as np
import pytest

from camfuse.run.shard import ClipData, LeftOut
from camfuse.run.shard_writer import ROOM, ShardWriter

VOLUME = np.arange(3 * 133 * 16 * 16, dtype=np.int64).reshape(3, 133, 16, 16).astype(np.uint8)


def write(path: Path) -> Path:
    with ShardWriter(path, stage="heatmaps", fingerprint="f1", provenance={"tool": "1.0"}) as writer:
        writer.add("one", ClipData({"volume": VOLUME}, [b"a", b"", b"ccc"], {"fps": 25.0, "affine": np.eye(2)}))
        writer.leave_out("two", LeftOut("frames", "no video stream"))
    return path


def test_the_same_content_has_the_same_bytes(tmp_path: Path) -> None:
    assert write(tmp_path / "a.h5").read_bytes() == write(tmp_path / "b.h5").read_bytes()


def test_volumes_are_compressed_one_chunk_a_frame(tmp_path: Path) -> None:
    import h5py

    with h5py.File(write(tmp_path / "0000.h5")) as file:
        assert file["volume"].chunks == (1, 133, 16, 16)
        assert file["volume"].id.get_create_plist().get_filter(0)[0] == 32015  # Zstandard's registered number


def test_each_frame_is_compressed_and_written_once(tmp_path: Path) -> None:
    import h5py

    rng = np.random.default_rng(0)
    path = tmp_path / "0000.h5"
    with ShardWriter(path, stage="heatmaps", fingerprint="f", provenance={}) as writer:
        for frames in (7, 30, 5):  # noise: a frame is larger than HDF5's tables
            volume = rng.integers(0, 256, (frames, 133, 16, 16), dtype=np.uint8)
            writer.add(str(frames), ClipData({"volume": volume}))
    with h5py.File(path) as file:
        chunks = [file["volume"].id.get_chunk_info(number) for number in range(file["volume"].id.get_num_chunks())]
    assert sorted(chunk.chunk_offset[0] for chunk in chunks) == list(range(42))
    # a chunk written again at another size would leave its first place unused
    assert path.stat().st_size - sum(chunk.size for chunk in chunks) < chunks[0].size / 2


def test_an_error_leaves_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError),
        ShardWriter(tmp_path / "0000.h5", stage="pose", fingerprint="f", provenance={}) as writer,
    ):
        writer.add("a", ClipData({"keypoints": np.zeros((2, 133, 3), np.float32)}))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_before_hdf5_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    free = [ROOM + 1000, ROOM - 1]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free.pop(0)))
    data = ClipData({"rows": np.zeros((2, 3), np.float32)})
    with (
        pytest.raises(OSError, match="No space left") as caught,
        ShardWriter(tmp_path / "0000.h5", stage="pose", fingerprint="x", provenance={}) as writer,
    ):
        writer.add("a", data)
        writer.add("b", data)
    assert caught.value.filename == str(tmp_path / "0000.h5")
    assert not list(tmp_path.iterdir())


def test_an_error_in_the_last_step_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: ShardWriter) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ShardWriter, "_write_clips", broken)
    with (
        pytest.raises(OSError, match=r"0000\.h5"),
        ShardWriter(tmp_path / "0000.h5", stage="pose", fingerprint="x", provenance={}) as writer,
    ):
        writer.add("a", ClipData({"rows": np.zeros((2, 3), np.float32)}))
    assert not list(tmp_path.iterdir())
