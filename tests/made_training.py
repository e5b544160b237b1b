"""A made data set that any recogniser can tell apart: the class is a colour, and where the one keypoint is."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from made_shards import jpegs, write_shard

from camfuse.clips.table import shard_of
from camfuse.config import Config, Part, dump_config, parse_config
from camfuse.prep.heatmaps import render
from camfuse.run.layout import Run
from camfuse.run.shard import ClipData, LeftOut
from camfuse.skeleton import NUM_KEYPOINTS

COLOURS = ((220, 40, 40), (40, 220, 40), (40, 40, 220), (220, 220, 40))
PLACES = ((0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8))
LABELS = ("red", "null", "blue", "yellow")  # "null" is a word, not a missing value
FRAMES = 6


@dataclass(frozen=True)
class MadeRun:
    """A run whose shards are there."""

    config: Config

    @property
    def run(self) -> Run:
        return Run(self.config)

    @property
    def clips(self) -> Path:
        """The folder of the clip table."""
        return self.run.clip_files.folder

    def train(self, part: Any, output: Path | None = None, init: tuple[Path, ...] = ()) -> Path:
        """Train a part and return its folder."""
        from camfuse.train import train  # Lightning, which most tests do without

        folder = output or self.config.output / "train" / part
        train(self.run, part, folder, init)
        return folder

    def with_config(self, **sections: Any) -> "MadeRun":
        """Return the same data under another config."""
        values = self.config.model_dump(mode="json") | sections
        return MadeRun(parse_config(values))

    def beside(self, folder: Path) -> "MadeRun":
        """Return a run in another folder with the same shards and trainings, and no clip table yet."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("crops", "heatmaps", "train"):
            (folder / name).symlink_to(self.config.output / name)
        (folder / "clips").mkdir()
        return self.with_config(output=str(folder))


MakeRun = Callable[..., MadeRun]
"""`make_run`, as the fixture gives it."""
MakeConfig = Callable[..., Config]
"""What the fixture `make_config` gives."""


def phase(**keys: Any) -> dict[str, Any]:
    # about 80 steps: batch norm's running variance (0.9 per step) must get down from 1 to that of sparse heatmaps
    return {
        "epochs": 5,
        "repeat": 8,
        "batch": 6,
        "rate": 0.003,
        "base_batch": 6,
        "optimizer": "adamw",
        "schedule": "cosine",
        **keys,
    }


PAPER: tuple[Part, ...] = ("rgb", "pose", "fusion")
"""The trainings of the paper's model, which `TINY` has."""
TINY: dict[str, Any] = {
    "pose": {"mediapipe": {}},
    "crops": {"size": 32},
    "sampling": {"rgb_frames": 2, "pose_frames": 4},
    "model": {
        "rgb": {"depths": [1, 1, 1, 1], "channels": 8},
        "pose": {"depths": [1, 1, 1], "channels": 8},
        "fusion": {"width": 16, "heads": 2},
    },
    "train": {
        "rgb": phase(),
        "pose": phase(),
        "fusion": phase(epochs=3, repeat=2, rate=0.001),
        "augment": {"shift": 0.02, "rotate": 3.0},
    },
    "evaluate": {"samplings": 3},
    "machine": {"device": "cpu", "evaluate_batch": 4},
}


THREE = TINY["model"] | {"sequence": {"frames": 8, "width": 8, "depth": 1}}
"""The model with all three streams."""


def make_run(
    folder: Path, counts: dict[str, int], *, num_classes: int = 3, seen: int | None = None, **sections: Any
) -> MadeRun:
    """Make the clip table and the shards of a run.

    Parameters
    ----------
    folder
        Its output folder.
    counts
        Clips per class, for each split.
    num_classes
        Classes of the table.
    seen
        How many of these have clips; all without it.
    **sections
        Of the config, instead of those of `TINY`.
    """
    clips = {"folder": {"videos": "nowhere"}, "shards": 2}
    config = parse_config({"output": str(folder), "clips": clips, **TINY, **sections})
    rows = [
        {"clip_id": f"{split}-{label}-{number}", "label": LABELS[label], "class_index": label, "split": split}
        for split, count in counts.items()
        for label in range(seen or num_classes)
        for number in range(count)
    ]
    table = pd.DataFrame(rows).assign(video="v.mp4", signer="s 1", start=0.0, end=np.nan, annotation="", source="")
    table["shard"] = [shard_of(clip_id, 2) for clip_id in table["clip_id"]]
    table["identity"] = table["clip_id"] + "#"
    table["recording"] = table["clip_id"]
    (folder / "clips").mkdir(parents=True)
    Run(config).config_file.write_text(dump_config(config), encoding="utf-8")
    table.to_csv(folder / "clips" / "clips.csv", index=False)
    classes = pd.DataFrame(
        {
            "class_index": range(num_classes),
            "label": [*LABELS, *(f"word {n}" for n in range(num_classes))][:num_classes],
        }
    )
    classes.to_csv(folder / "clips" / "classes.csv", index=False)
    for shard in ("0000", "0001"):
        write_shards(config, folder, shard, table[table["shard"] == shard])
    return MadeRun(config)


def leave_out(run: MadeRun, split: str) -> None:
    """Make the shards again, as if no clip of a split could have been decoded."""
    for shard, rows in run.run.clips().groupby("shard"):
        write_shards(run.config, run.config.output, str(shard), rows, set(rows["clip_id"][rows["split"] == split]))


def write_shards(
    config: Config, folder: Path, shard: str, rows: pd.DataFrame, lost: Collection[str] = frozenset()
) -> None:
    for stage in ("pose", "crops", "heatmaps"):
        clips: dict[str, ClipData | LeftOut] = {
            row.clip_id: clip_data(config, stage, row.clip_id, int(row.class_index)) for row in rows.itertuples()
        }
        clips |= dict.fromkeys(lost, LeftOut("frames", "cannot be decoded"))
        write_shard(folder / stage / f"{shard}.h5", stage, config, clips)


def clip_data(config: Config, stage: str, clip_id: str, class_index: int) -> ClipData:
    size, rng = config.crops.size, np.random.default_rng(list(clip_id.encode()))
    keypoints = np.full((FRAMES, NUM_KEYPOINTS, 3), (np.nan, np.nan, 0), np.float32)
    keypoints[:, 9, :2] = np.array(PLACES[class_index]) * size + rng.uniform(-1, 1, (FRAMES, 2))
    keypoints[:, 9, 2] = 1
    facts = {"affine": np.eye(2, 3), "identity": f"{clip_id}#"}
    if stage == "pose":
        return ClipData({"keypoints": keypoints}, facts=facts)
    if stage == "heatmaps":
        volume = render(keypoints, size // 4, config.heatmaps.sigma, scale=1 / 4)
        return ClipData({"volume": volume, "keypoints": keypoints}, facts=facts)
    images = np.clip(np.array(COLOURS[class_index]) + rng.normal(0, 8, (FRAMES, size, size, 3)), 0, 255)
    return ClipData({"keypoints": keypoints}, jpegs(images[..., ::-1].astype(np.uint8)), facts)
