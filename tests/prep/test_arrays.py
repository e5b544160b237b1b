"""One clip as arrays: into a shard and back, to the bit."""

from pathlib import Path

import numpy as np
import pytest

from camfuse.errors import ShardError
from camfuse.jpeg import decode_jpeg, encode_jpeg
from camfuse.prep.arrays import ClipCrops, ClipFrames
from camfuse.run.shard import ClipData, Shard
from camfuse.run.shard_writer import ShardWriter
from camfuse.skeleton import NUM_KEYPOINTS

RNG = np.random.default_rng(3)


def images(count: int, height: int, width: int) -> list[bytes]:
    return [encode_jpeg(image, 95) for image in RNG.integers(0, 256, (count, height, width, 3), np.uint8)]


def made_frames(count: int = 5, height: int = 24, width: int = 40) -> ClipFrames:
    return ClipFrames(images(count, height, width), np.cumsum(RNG.random(count)), height, width, 30000 / 1001)


def made_crops(count: int = 5, size: int = 32) -> ClipCrops:
    keypoints = RNG.random((count, NUM_KEYPOINTS, 3)).astype(np.float32)
    keypoints[0, :7] = np.nan, np.nan, 0
    return ClipCrops(images(count, size, size), keypoints, RNG.random((2, 3)))


def written(path: Path, stage: str, clips: dict[str, ClipData]) -> Shard:
    with ShardWriter(path, stage=stage, fingerprint="f", provenance={}) as writer:
        for clip_id, data in clips.items():
            writer.add(clip_id, data)
    return Shard(path, stage=stage)


def test_frames_come_back_from_a_shard(tmp_path: Path) -> None:
    clips = {"one": made_frames(5), "two": made_frames(3, 16, 18)}
    shard = written(tmp_path / "0000.h5", "frames", {clip_id: clip.data() for clip_id, clip in clips.items()})
    for clip_id, clip in clips.items():
        found = ClipFrames.of(shard, clip_id)
        assert list(found.jpeg) == list(clip.jpeg)
        np.testing.assert_array_equal(found.time, clip.time, strict=True)
        assert (found.height, found.width, found.fps) == (clip.height, clip.width, clip.fps)
        assert (type(found.height), type(found.width), type(found.fps)) == (int, int, float)


def test_crops_come_back_from_a_shard(tmp_path: Path) -> None:
    clips = {"one": made_crops(5), "two": made_crops(2)}
    shard = written(tmp_path / "0000.h5", "crops", {clip_id: clip.data() for clip_id, clip in clips.items()})
    for clip_id, clip in clips.items():
        found = ClipCrops.of(shard, clip_id)
        assert list(found.jpeg) == list(clip.jpeg)
        np.testing.assert_array_equal(found.keypoints, clip.keypoints, strict=True)
        np.testing.assert_array_equal(found.affine, clip.affine, strict=True)
        assert len(found) == len(clip)


def test_frames_are_decoded_one_by_one() -> None:
    clip = made_frames(4)
    assert len(clip) == 4
    for position, image in enumerate(clip):
        assert image.shape == (24, 40, 3)
        np.testing.assert_array_equal(image, decode_jpeg(clip.jpeg[position], "x"))
        np.testing.assert_array_equal(image, image)


def test_batches_hold_every_frame_once() -> None:
    clip = made_frames(5)
    batches = list(clip.batches(2))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(batches), np.stack(list(clip)))
    assert [len(batch) for batch in clip.batches(9)] == [5]
    assert list(ClipFrames([], np.zeros(0), 24, 40, 25.0).batches(2)) == []


def test_a_damaged_frame_is_named_when_it_is_asked_for() -> None:
    clip = ClipFrames([*images(1, 8, 8), b"damaged"], np.arange(2) / 25, 8, 8, 25.0)
    assert clip[0].shape == (8, 8, 3)
    with pytest.raises(ShardError, match="frame 1 is not a JPEG image"):
        clip[1]
