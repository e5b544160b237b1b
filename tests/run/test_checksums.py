from pathlib import Path

import h5py
import numpy as np
import pytest
from counting import CasesOf

from camfuse.digest import is_whole
from camfuse.errors import ShardError
from camfuse.run.checksums import GROUP, TABLES, checksum_of_tables
from camfuse.run.shard import ClipData, LeftOut, Shard
from camfuse.run.shard_writer import ShardWriter

RNG = np.random.default_rng(0)


def clip(frames: int) -> ClipData:
    keypoints = RNG.uniform(0, 60, (frames, 133, 3)).astype(np.float32)
    volume = RNG.integers(0, 9, (frames, 133, 16, 16)).astype(np.uint8)
    images = [RNG.bytes(90_000 + frame) for frame in range(frames)]
    facts = {"fps": 25.0, "affine": RNG.uniform(size=(2, 3)), "identity": "\u00e9"}
    return ClipData({"keypoints": keypoints, "volume": volume}, images, facts, note="HDR")


def write(path: Path) -> Path:
    with ShardWriter(path, stage="crops", fingerprint="f", provenance={"tool": "1.0"}) as writer:
        writer.add("one", clip(5))
        writer.add("two", clip(3))
        writer.leave_out("three", LeftOut("frames", "no video stream"))
    return path


def read(path: Path) -> list[object]:
    """Return all that a shard gives out, the way the stages and the trainings read it."""
    found: list[object] = []
    with Shard(path, stage="crops", fingerprint="f") as shard:
        found += [shard.provenance, shard.left_out, shard.notes, shard.has_checksums]
        for clip_id in shard:
            found += [clip_id, shard.jpeg(clip_id), shard.jpeg(clip_id, [1, 0])]
            found += [
                shard.read(name, clip_id, frames).tobytes() for name in shard.names() for frames in (None, [1, 0])
            ]
            found += [np.asarray(shard.fact(name, clip_id)).tobytes() for name in shard.fact_names()]
    return found


@pytest.mark.bad_input(
    "a shard with a flipped byte anywhere",
    "refused when that clip is read, with its name; `camfuse verify` finds it in any place",
)
@pytest.mark.parametrize("step", [20_000, pytest.param(1000, marks=pytest.mark.torture)])
def test_a_flipped_byte_is_noticed_or_not_used(tmp_path: Path, step: int, cases_of: CasesOf) -> None:
    path = write(tmp_path / "0000.h5")
    whole, expected = path.read_bytes(), read(path)
    refused = 0
    places = range(0, len(whole), step)
    for at in places:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        assert not is_whole(path), at
        try:
            assert read(path) == expected, at
        except ShardError:
            refused += 1
    assert refused > len(places) / 2, f"{refused} of {len(places)}"
    cases_of("flipped bytes in a shard", survived=len(places) - refused, refused=refused)


@pytest.mark.parametrize("name", ["keypoints", "volume", "jpeg"])
def test_the_clip_is_named(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "0000.h5")
    with h5py.File(path) as file:
        chunk = file[name].id.get_chunk_info(6 if name == "volume" else 0)
        sixth = {"volume": 100, "keypoints": 6 * 133 * 3 * 4, "jpeg": int(file["offset"][6])}[name]
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + sixth] ^= 1
    path.write_bytes(content)
    with Shard(path, stage="crops") as shard:
        shard.clip("one")
        with pytest.raises(ShardError, match=r"damaged \(clip two: "):
            shard.clip("two")


def test_shards_of_the_first_version_are_read_without(tmp_path: Path) -> None:
    path = write(tmp_path / "0000.h5")
    expected = read(path)
    with h5py.File(path, "a") as file:
        del file[GROUP], file.attrs[TABLES]
    assert read(path) == [False if one is True else one for one in expected]


def test_every_table_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "0000.h5")
    with h5py.File(path, "a") as file:
        seen = {checksum_of_tables(file)}
        for place in ("clips/count", "clips/affine", "offset", f"{GROUP}/jpeg"):
            rows = file[place][:]
            file[place][:] = rows + 1
            seen.add(checksum_of_tables(file))
            file[place][:] = rows
        file.attrs["provenance"] = "{}"
        seen.add(checksum_of_tables(file))
    assert len(seen) == 6
    with pytest.raises(ShardError, match="the checksum of its tables does not agree"):
        Shard(path, stage="crops")
