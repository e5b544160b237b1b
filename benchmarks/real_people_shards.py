"""The shards of a set of `real_people`: frames and keypoints as given, crops and heatmaps by the package's own stages.

Keypoints that come without a video get blank frames: the streams on heatmaps and on keypoints never see them.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from benchmarks.real_people_sets import QUALITY, Array, People, Size
from benchmarks.real_signing_sets import SHARD, clip_table
from camfuse.clips.table import Clip
from camfuse.config import Config
from camfuse.errors import ShardError
from camfuse.files import write_text
from camfuse.prep.crops import crop_clips
from camfuse.prep.frames import read_clip
from camfuse.prep.heatmaps import render_heatmaps
from camfuse.run.layout import DATA_STAGES, DataStage, Run
from camfuse.run.shard import ClipData
from camfuse.run.shard_writer import ShardWriter

FPS = 30.0
"""Of keypoints without a video."""
FACTS = ("height", "width", "fps")


def table_of(people: People) -> pd.DataFrame:
    """Return the clip table of all clips, in their order, all for training."""
    labels = [people.classes[label] for label in people.labels]
    rows = zip([f"{row:05d}" for row in range(len(labels))], labels, people.signers, [""] * len(labels), strict=True)
    return clip_table(rows, people.classes)


def make_shards(people: People, config: Config) -> None:
    """Write one shard of each data stage with all clips; what is there already is not made again."""
    run = Run(config)
    clips = run.clip_files.shard(SHARD)
    write_text(clips, table_of(people).to_csv(index=False))
    paths = {stage: run.shard_path(stage, SHARD) for stage in DATA_STAGES}
    steps: dict[DataStage, Callable[[], None]] = {
        "frames": lambda: _write_frames(run, people),
        "pose": lambda: _write_poses(run, people),
        "crops": lambda: crop_clips(config, clips, paths["frames"], paths["pose"], paths["crops"]),
        "heatmaps": lambda: render_heatmaps(config, clips, paths["crops"], paths["heatmaps"]),
    }
    for stage, step in steps.items():
        paths[stage].parent.mkdir(parents=True, exist_ok=True)
        if not _is_made(run, stage):
            step()


def _is_made(run: Run, stage: DataStage) -> bool:
    try:
        run.shard(stage, SHARD).close()
    except ShardError:
        return False
    return True


def _write_frames(run: Run, people: People) -> None:
    path, expected = run.shard_path("frames", SHARD), run.fingerprint("frames")
    with ShardWriter(path, stage="frames", fingerprint=expected, provenance={"frames": "of the benchmark"}) as writer:
        for row, (picture, points) in enumerate(zip(people.pictures, people.keypoints, strict=True)):
            clip_id = f"{row:05d}"
            data = _decoded(clip_id, picture) if isinstance(picture, Path) else _blank(picture, len(points))
            writer.add(clip_id, ClipData(data.frames, data.jpeg, data.facts | {"identity": clip_id}))


def _decoded(clip_id: str, video: Path) -> ClipData:
    return read_clip(Clip(clip_id, video, 0.0, float("inf"), None, "0"), QUALITY).data()


def _blank(size: Size, count: int) -> ClipData:
    jpeg = cv2.imencode(".jpg", np.zeros((*size, 3), np.uint8))[1].tobytes()
    facts = {"height": size[0], "width": size[1], "fps": FPS}
    return ClipData({"time": np.arange(count) / FPS}, jpeg=[jpeg] * count, facts=facts)


def write_poses(run: Run, clips: Iterable[tuple[str, Array]], facts: Callable[[str], tuple[float, ...]]) -> None:
    """Write keypoints as stage `pose` would: of each clip its name and points; `facts` are height, width and rate."""
    path, expected = run.shard_path("pose", SHARD), run.fingerprint("pose")
    with ShardWriter(path, stage="pose", fingerprint=expected, provenance={"pose": "in memory"}) as writer:
        for clip_id, points in clips:
            named = dict(zip(FACTS, facts(clip_id), strict=True)) | {"identity": clip_id}
            writer.add(clip_id, ClipData({"keypoints": points.astype(np.float32)}, facts=named))


def _write_poses(run: Run, people: People) -> None:
    frames = run.shard("frames", SHARD)

    def facts(clip_id: str) -> tuple[float, ...]:
        return tuple(float(frames.fact(name, clip_id)) for name in FACTS)

    write_poses(run, ((f"{row:05d}", points) for row, points in enumerate(people.keypoints)), facts)
