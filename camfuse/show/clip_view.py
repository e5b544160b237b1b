"""What there is to see of one clip, out of a run's shards or fresh from a video."""

import difflib
import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from camfuse.errors import CamfuseError
from camfuse.prep.arrays import ClipCrops, ClipFrames, Floats
from camfuse.prep.crops import crop_clip
from camfuse.prep.heatmaps import render_clip
from camfuse.prep.one_video import PreparedClip
from camfuse.run.layout import DATA_STAGES, Run
from camfuse.run.shard import Shard

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClipView:
    """One clip to be drawn.

    Attributes
    ----------
    clip_id, label
        Of the clip; the label may be empty.
    frames, keypoints
        The frames and the keypoints (T, 133, 3) in their pixels; None where the frames were not kept.
    crops
        The crops with their keypoints.
    heatmaps
        Returns the heatmaps (133, Q, Q) uint8 of a frame.
    """

    clip_id: str
    label: str
    frames: ClipFrames | None
    keypoints: Floats | None
    crops: ClipCrops
    heatmaps: Callable[[int], NDArray[np.uint8]]


def view_prepared(clip_id: str, clip: PreparedClip) -> ClipView:
    """Return the view of a clip that was just prepared."""
    return ClipView(clip_id, "", clip.frames, clip.poses.keypoints, clip.crops, clip.volume.__getitem__)


def view_stored(run: Run, clip_id: str) -> ClipView:
    """Return the view of a clip of a run.

    Raises
    ------
    CamfuseError
        If the run has no such clip, or left it out.
    ShardError
        If a shard is missing or was made with another config.
    """
    name = run.shard_of(clip_id)
    if run.config.model.streams == ("sequence",) and not run.shard_path("crops", name).exists():
        return _view_of_poses(run, clip_id, name)
    crops = run.shard("crops", name)
    if clip_id not in crops:
        raise CamfuseError(_why_not(run, clip_id, crops))
    stored = ClipCrops.of(crops, clip_id)
    # With `frames: keep: false` the frames are gone once the crops are made; crops and heatmaps can still be shown.
    gone = not run.config.frames.keep and not run.shard_path("frames", name).exists()
    if gone:
        log.warning("%s: frames were not kept; showing crops and heatmaps only", run.shard_path("frames", name))
    return ClipView(
        clip_id,
        _label(run, clip_id),
        None if gone else ClipFrames.of(run.shard("frames", name), clip_id),
        None if gone else run.shard("pose", name).read("keypoints", clip_id),
        stored,
        _heatmaps(run, clip_id, name, stored),
    )


def _heatmaps(run: Run, clip_id: str, name: str, crops: ClipCrops) -> Callable[[int], NDArray[np.uint8]]:
    """Return the stored heatmaps; without a pose stream the run makes none, and they are rendered here."""
    if run.config.model.pose is None and not run.shard_path("heatmaps", name).exists():
        return render_clip(crops.keypoints, run.config).__getitem__
    heatmaps = run.shard("heatmaps", name)
    return lambda t: heatmaps.read("volume", clip_id, [t])[0]


def _view_of_poses(run: Run, clip_id: str, name: str) -> ClipView:
    """Return the view of a clip of a run that goes no further than the poses: crops and heatmaps are made here."""
    poses = run.shard("pose", name)
    if clip_id not in poses:
        raise CamfuseError(_why_not(run, clip_id, poses))
    frames, keypoints = ClipFrames.of(run.shard("frames", name), clip_id), poses.read("keypoints", clip_id)
    crops = crop_clip(clip_id, frames, keypoints, run.config.crops)
    volume = render_clip(crops.keypoints, run.config)
    return ClipView(clip_id, _label(run, clip_id), frames, keypoints, crops, volume.__getitem__)


def _label(run: Run, clip_id: str) -> str:
    """Return the clip's word, or nothing where the clip table is not at hand."""
    rows = _clip_table(run)
    found = rows.loc[rows["clip_id"] == clip_id, "label"]
    return str(found.iloc[0]) if len(found) else ""


def _clip_table(run: Run) -> pd.DataFrame:
    there = run.clip_files.clips.is_file()
    return run.clips() if there else pd.DataFrame({"clip_id": [], "label": []}, dtype=str)


def _why_not(run: Run, clip_id: str, last: Shard) -> str:
    """Say why the clip is not in the last stage's shard, or which clips there are instead."""
    for stage in reversed(DATA_STAGES):
        path = run.shard_path(stage, run.shard_of(clip_id))
        if path.exists() and (why := Shard(path, stage=stage).left_out.get(clip_id)):
            return f"clip {clip_id}: left out of the run by stage {why.stage}: {why.reason}"
    table = _clip_table(run)
    known = table["clip_id"].tolist() or list(last)
    if clip_id in known:
        return f"clip {clip_id}: in the clip table, but not in {last.path}; run the workflow again"
    same_label = table.loc[table["label"] == clip_id, "clip_id"].tolist()
    near = same_label[:5] or difflib.get_close_matches(clip_id, known, n=5, cutoff=0.5) or known[:5]
    return f"{clip_id}: no such clip among the {len(known)} of {run.output}; near it: {', '.join(near)}"
