"""Shards: damaged, of another config or table, not there."""

import shutil
from collections.abc import Callable

import h5py
import pytest
from made_shards import write_shard
from made_whole import flip

from camfuse.digest import LENGTH
from camfuse.run.checksums import GROUP, TABLES
from camfuse.run.layout import Run
from camfuse.run.shard import ClipData, Shard
from camfuse.verify.shards import check_shards


def said(run: Run, kind: str = "wrong") -> str:
    return "\n".join(str(found) for found in check_shards(run) if found.kind == kind)


def rewrite(run: Run, stage: str, change: Callable[[str, ClipData], ClipData]) -> None:
    """Write a shard again with its clips changed."""
    path = run.shard_path(stage, "0000")
    with Shard(path, stage=stage) as shard:
        clips = {clip_id: change(clip_id, shard.clip(clip_id)) for clip_id in shard}
    write_shard(path, stage, run.config, clips)


def test_whole_shards_are_fine(copy: Run) -> None:
    assert said(copy) == "" and said(copy, "fine").count("2 shards are whole") == 3
    assert said(copy, "note") == "note   frames: 2 of 2 shards are not there: 0000, 0001"


@pytest.mark.parametrize("step", [90_000, pytest.param(5000, marks=pytest.mark.torture)])
def test_a_flipped_byte_anywhere_is_found(copy: Run, step: int) -> None:
    for stage in ("pose", "crops", "heatmaps"):
        path = copy.shard_path(stage, "0000")
        for at in range(0, path.stat().st_size, step):
            flip(path, at)
            assert f"{stage}/0000.h5: " in said(copy), (stage, at)
            flip(path, at)
    assert said(copy) == ""


def test_a_damaged_clip_is_named(copy: Run) -> None:
    path = copy.shard_path("pose", "0000")
    with h5py.File(path) as file:
        at = file["keypoints"].id.get_chunk_info(0).byte_offset
        first = file["clips/clip_id"].asstr()[0]
    flip(path, at + 5)
    assert f"clip {first}: the checksum of keypoints does not agree" in said(copy)
    assert "SHA-256 is another" in said(copy)


def test_a_shard_of_an_earlier_version_is_read_and_noted(copy: Run) -> None:
    path = copy.shard_path("pose", "0000")
    path.write_bytes(path.read_bytes()[:-LENGTH])
    with h5py.File(path, "a") as file:
        del file[GROUP], file.attrs[TABLES]
    assert said(copy) == "" and "pose/0000.h5: made by an earlier version without checksums" in said(copy, "note")


def test_a_lost_end_is_found(copy: Run) -> None:
    path = copy.shard_path("pose", "0000")
    path.write_bytes(path.read_bytes()[:-1])
    assert "has lost the digest at its end" in said(copy)


def test_shards_of_another_table_or_length_are_found(copy: Run) -> None:
    rewrite(copy, "crops", lambda _, data: ClipData(data.frames, data.jpeg, {**data.facts, "identity": "other"}))
    assert "crops/0000.h5: expected the recordings of the clip table, found others in" in said(copy)
    rewrite(copy, "pose", lambda _, data: ClipData({name: rows[1:] for name, rows in data.frames.items()}))
    assert "expected as many frames in every stage, found 5 in pose, 6 in crops, 6 in heatmaps" in said(copy)
    shutil.copy(copy.shard_path("heatmaps", "0001"), copy.shard_path("heatmaps", "0000"))
    assert "heatmaps/0000.h5: expected" in said(copy) and "found nothing of" in said(copy)


def test_missing_shards_are_wrong_where_a_training_reads_them(copy: Run) -> None:
    copy.shard_path("heatmaps", "0001").unlink()
    copy.shard_path("crops", "0001").unlink()
    assert said(copy) == "wrong  heatmaps: 1 of 2 shards are not there: 0001"
    assert "crops: 1 of 2 shards are not there" in said(copy, "note")


def test_missing_shards_are_a_note_while_nothing_is_trained_from_them(copy: Run) -> None:
    copy.shard_path("heatmaps", "0001").unlink()
    for part in ("pose", "fusion"):
        shutil.rmtree(copy.training(part).folder, ignore_errors=True)
    assert said(copy) == ""
    assert "heatmaps: 1 of 2 shards are not there: 0001" in said(copy, "note")
    copy.training("pose").folder.mkdir()
    copy.training("pose").last.write_bytes(b"")  # begun, and stopped
    assert said(copy) == "wrong  heatmaps: 1 of 2 shards are not there: 0001"
