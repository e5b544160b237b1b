"""Shards for tests, and the tables of their clips: the one place that writes them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import SHARD_COLUMNS
from camfuse.config import Config
from camfuse.run.shard import ClipData, LeftOut
from camfuse.run.shard_writer import ShardWriter
from camfuse.run.stages import fingerprint


def write_shard(
    path: Path, stage: str, config: Config, clips: Mapping[str, ClipData | LeftOut], **provenance: str
) -> None:
    """Write a stage's shard under `config`: each clip, or why the stage left it out."""
    mark = fingerprint(stage, config)
    with ShardWriter(path, stage=stage, fingerprint=mark, provenance=provenance) as writer:
        for clip_id, clip in clips.items():
            if isinstance(clip, LeftOut):
                writer.leave_out(clip_id, clip)
            else:
                writer.add(clip_id, clip)


def write_shard_table(path: Path, clip_ids: Iterable[str]) -> None:
    """Write the table that the data stages read of a shard's clips."""
    lines = [f"{clip_id},{clip_id}.mp4,0,,,{clip_id}-bytes" for clip_id in clip_ids]
    path.write_text("\n".join([",".join(SHARD_COLUMNS), *lines]) + "\n")


def jpegs(images: Iterable[NDArray[np.uint8]], quality: int = 95) -> list[bytes]:
    """Encode images (H, W, 3), BGR, as a shard holds them."""
    return [cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes() for image in images]
