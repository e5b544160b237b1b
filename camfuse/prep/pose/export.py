"""A run's keypoints in the forms that others read: one PYSKL / MMAction2 annotation pickle, or a `.pose` file a clip.

Places stay as they are: pixels of the frame, 0 = centre of the first pixel, as MMPose gives them. What was not seen is
0 with score 0 in both forms. Filled frames are written like seen ones.
"""

import logging
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from camfuse.clips.annotations import annotation_paths
from camfuse.clips.table import SPLITS
from camfuse.config import Config
from camfuse.config.estimators import PICKLES
from camfuse.errors import ConfigError
from camfuse.files import atomic, check_targets
from camfuse.prep.pose.annotations.pose_file import write_pose
from camfuse.prep.pose.estimator import Floats
from camfuse.run.layout import Run

log = logging.getLogger(__name__)

PROTOCOL = 3
NEW_NAME, OLD_NAME = b"cnumpy._core.multiarray\n_reconstruct\n", b"cnumpy.core.multiarray\n_reconstruct\n"


@dataclass(frozen=True)
class ClipPose:
    """One clip of a run: its row of the clip table, its keypoints (T, 133, 3), the size and rate of its frames."""

    row: Any
    keypoints: Floats
    height: int
    width: int
    fps: float


def export_pyskl(config: Config, output: Path) -> int:
    """Write all clips of the run whose pose is there into one annotation pickle.

    ``split`` has the names train, val and test; ``label`` is the class index, whose name stands in ``classes`` (others
    pass over that key); ``keypoint`` (1, T, 133, 2) and
    ``keypoint_score`` (1, T, 133) are fp16, so that a place is exact to 1/4 pixel below 1024 pixels, and to
    1/2 pixel below 2048. Read by this numpy and older ones, and by `pose.annotations`.

    Returns
    -------
    int
        Number of clips written.

    Raises
    ------
    ConfigError
        If the name does not end as MMAction2 wants it, or is that of a file from which the run has its keypoints.
    ShardError
        If a shard of stage pose is missing, damaged or stale.
    TableError
        If the clip table or the list of classes is missing or damaged.
    """
    if output.suffix.lower() not in PICKLES:
        raise ConfigError(f"expected the pickle's name to end in .pkl, found {output}")
    run = Run(config)
    check_targets("--output", [output], _read_from(run))
    clips = list(_clip_poses(run))
    content = {
        "split": {split: [clip.row.clip_id for clip in clips if clip.row.split == split] for split in SPLITS},
        "annotations": [_annotation(clip) for clip in clips],
        "classes": list(run.classes()),
    }
    stored = pickle.dumps(content, PROTOCOL)
    # numpy 1 knows the function by its old name only, numpy 2 by both; the name stands in the file once
    at = stored.find(NEW_NAME)
    with atomic(output) as part, part.open("wb") as file:
        if at < 0:
            file.write(stored)
        else:
            file.writelines([memoryview(stored)[:at], OLD_NAME, memoryview(stored)[at + len(NEW_NAME) :]])
    return len(clips)


def export_pose(config: Config, output: Path) -> int:
    """Write each clip of the run whose pose is there as ``<output>/<clip_id>.pose`` (COCO-WholeBody 133, f32).

    Returns
    -------
    int
        Number of files written.

    Raises
    ------
    ConfigError
        If a file would replace one from which the run has its keypoints.
    ShardError
        If a shard of stage pose is missing, damaged or stale.
    MissingToolError
        If pose-format is not installed.
    """
    run = Run(config)
    check_targets("--output", (_pose_file(output, clip_id) for clip_id in run.clips()["clip_id"]), _read_from(run))
    count = 0
    for clip in _clip_poses(run):
        path = _pose_file(output, clip.row.clip_id)
        write_pose(path, clip.keypoints, width=clip.width, height=clip.height, fps=clip.fps)
        count += 1
    return count


def _pose_file(folder: Path, clip_id: str) -> Path:
    return folder / f"{clip_id}.pose"


def _read_from(run: Run) -> set[Path]:
    return {Path(name) for name in annotation_paths(run.clips(), run.config) if name}


def _clip_poses(run: Run) -> Iterator[ClipPose]:
    rows = run.clips()
    for name, part in tqdm(sorted(_by_shard(rows).items()), desc="export", unit="shard", mininterval=1.0):
        shard = run.shard("pose", name)
        for row in part.itertuples(index=False):
            if row.clip_id not in shard:
                why = shard.left_out_of([row.clip_id])[row.clip_id]
                log.warning("%s: left out by stage %s: %s", row.clip_id, why.stage, why.reason)
                continue
            facts = {fact: shard.fact(fact, row.clip_id) for fact in ("height", "width", "fps")}
            yield ClipPose(
                row=row,
                keypoints=shard.read("keypoints", row.clip_id),
                height=int(facts["height"]),
                width=int(facts["width"]),
                fps=float(facts["fps"]),
            )
        shard.close()


def _by_shard(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(name): part for name, part in rows.groupby("shard")}


def _annotation(clip: ClipPose) -> dict[str, Any]:
    size = (clip.height, clip.width)
    return {
        "frame_dir": clip.row.clip_id,
        "total_frames": len(clip.keypoints),
        "img_shape": size,
        "original_shape": size,
        "label": int(clip.row.class_index),
        "keypoint": np.nan_to_num(clip.keypoints[None, :, :, :2], nan=0.0).astype(np.float16),
        "keypoint_score": clip.keypoints[None, :, :, 2].astype(np.float16),
    }
