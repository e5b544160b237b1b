"""A run of one shard and three clips, written by hand: two show a person, one shows nobody."""

import cv2
import numpy as np
import pandas as pd
from made_shards import write_shard, write_shard_table
from numpy.typing import NDArray

from camfuse.config import Config
from camfuse.prep.crops import crop_clips
from camfuse.prep.heatmaps import render_heatmaps
from camfuse.run.layout import Run
from camfuse.run.shard import ClipData
from camfuse.show.clip_images import ClipImages
from camfuse.show.clip_view import view_stored
from camfuse.skeleton import NUM_KEYPOINTS

FRAMES, HEIGHT, WIDTH, RATE = 12, 90, 161, 12.5
CLIPS = {"book_01": "book", "book_02": "book", "drink_01": "drink"}


def person(t: int) -> NDArray[np.float32]:
    keypoints = np.full((NUM_KEYPOINTS, 3), np.nan, np.float32)
    keypoints[:, 2] = 0
    keypoints[0] = (80, 20, 1)
    keypoints[5:11] = [(100, 40, 1), (60, 40, 1), (110, 60, 1), (50, 60, 1), (100, 80 - 2 * t, 1), (60, 80, 1)]
    keypoints[112] = (60, 80, 1)
    return keypoints


def write_run(config: Config) -> Run:
    """Write the clip table and the shards; `config` has one shard and skips bad clips."""
    run = Run(config)
    (name,) = run.shard_names
    folder = run.clip_files.folder
    folder.mkdir(parents=True)
    rows = [{"clip_id": clip_id, "label": label} for clip_id, label in CLIPS.items()]
    clips = pd.DataFrame(rows).assign(signer="", split="test", class_index=[0, 0, 1], shard=name)
    clips.to_csv(folder / "clips.csv", index=False)
    table = folder / "0000.csv"
    write_shard_table(table, CLIPS)
    keypoints = np.stack([person(t) for t in range(FRAMES)])
    image = np.full((HEIGHT, WIDTH, 3), (60, 90, 30), np.uint8)
    jpeg = [cv2.imencode(".jpg", image)[1].tobytes()] * FRAMES
    facts = {"height": HEIGHT, "width": WIDTH, "fps": RATE}
    shown = ClipData(frames={"time": 3 + np.arange(FRAMES) / RATE}, jpeg=jpeg, facts=facts)
    empty = ClipData(frames={"time": np.arange(FRAMES) / RATE}, jpeg=jpeg, facts=facts)
    nobody = ClipData(frames={"keypoints": np.full_like(keypoints, np.nan) * [1, 1, 0]})
    somebody = ClipData(frames={"keypoints": keypoints})
    frames, pose, crops, heatmaps = (run.shard_path(stage, name) for stage in ("frames", "pose", "crops", "heatmaps"))
    write_shard(frames, "frames", config, {"book_01": shown, "book_02": shown, "drink_01": empty})
    write_shard(pose, "pose", config, {"book_01": somebody, "book_02": somebody, "drink_01": nobody})
    crop_clips(config, table, frames, pose, crops)
    render_heatmaps(config, table, crops, heatmaps)
    return run


def not_keeping(run: Run) -> Run:
    """Return the run under a config that does not keep the frames."""
    frames = run.config.frames.model_copy(update={"keep": False})
    return Run(run.config.model_copy(update={"frames": frames}))


def images(run: Run, clip_id: str) -> ClipImages:
    return ClipImages(view_stored(run, clip_id), run.config)
