"""Labels, crops and heatmaps of real clips belong together: twenty of them can be overfit."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small_run import Workflow

from camfuse.evaluate.run import evaluate
from camfuse.run.layout import Run

PHASE: dict[str, Any] = {
    "epochs": 12,
    "repeat": 5,
    "batch": 5,
    "rate": 0.002,
    "base_batch": 5,
    "optimizer": "adamw",
    "label_smoothing": 0.0,
}
SETTINGS: dict[str, Any] = {
    "output": "results",
    "clips": {"csv": {"table": "clips.csv"}, "shards": 2},
    "pose": {"mediapipe": {}},
    "crops": {"size": 128},
    "sampling": {"rgb_frames": 4, "pose_frames": 16},
    "model": {
        "rgb": {"depths": [1, 1, 1, 1], "channels": 16, "dropout": 0.0},
        "pose": {"depths": [1, 1, 1], "channels": 24, "dropout": 0.0},
        "fusion": {"stages": ["s4"], "width": 64, "heads": 4, "dropout": 0.0},
    },
    "train": {
        "rgb": PHASE,
        "pose": PHASE,
        "fusion": PHASE | {"epochs": 6, "rate": 0.0005},
        "new_rate": 4,
        "augment": {"scale": [1.0, 1.0], "rotate": 0, "shift": 0, "colour": 0},
    },
    "evaluate": {"samplings": 2},
    "machine": {"device": "cpu", "threads": 1},
}


def twenty_clips(videos: Path, index: Path) -> pd.DataFrame:
    """Take both clips of each WLASL word that has two, then words with one, all for training.

    One more is named for the test, under a trained word: without a test clip no training is planned. It is not tested.
    """
    rows = pd.read_csv(index, dtype={"video_id": str})
    rows = rows.assign(clips=rows.groupby("gloss")["gloss"].transform("size"))
    rows = rows.sort_values(["clips", "gloss", "video_id"], ascending=[False, True, True]).head(21)
    paths = [str(videos / f"{video}.mp4") for video in rows["video_id"]]
    labels, splits = rows["gloss"].tolist(), [*["train"] * 20, "test"]
    labels[-1] = labels[0]
    return pd.DataFrame({"clip_id": rows["video_id"], "video": paths, "label": labels, "split": splits})


@pytest.mark.torture
def test_twenty_real_clips_are_overfit(shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    clips = twenty_clips(shared_data / "clips/wlasl/videos", shared_data / "clips/wlasl/index.csv")
    trained = clips[clips["split"] == "train"]
    assert len(trained) == 20 and trained["label"].nunique() == 15
    clips.to_csv(tmp_path / "clips.csv", index=False)
    Workflow(tmp_path, SETTINGS).run("results/train/fusion/best.ckpt")
    run = Run.from_folder(tmp_path / "results")
    numbers = evaluate(
        run,
        {part: run.training(part).best for part in run.config.model.parts},
        tmp_path / "evaluate",
        split="train",
    )
    assert {name: numbers.rows[name].top[1] for name in ("rgb", "pose", "fused")} == {
        "rgb": 1.0,
        "pose": 1.0,
        "fused": 1.0,
    }
