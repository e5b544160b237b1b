"""A made run: every file that the report reads, small enough to work out its numbers by hand."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from made_shards import write_shard

from camfuse.clips.table import shard_names, shard_of
from camfuse.config import Config, parse_config
from camfuse.run.shard import ClipData, LeftOut
from camfuse.run.stages import fingerprint
from camfuse.skeleton import BODY, FACE, LEFT_HAND

EVIL = '<script>alert("x")</script>'
LABELS = ("book", "drink", EVIL)
FRAMES, HEIGHT, WIDTH, SIZE = 4, 48, 64, 32


@dataclass(frozen=True)
class Run:
    """A made run."""

    config: Config
    clips: pd.DataFrame

    @property
    def folder(self) -> Path:
        return self.config.output

    @property
    def page(self) -> Path:
        return self.folder / "report" / "index.html"


def clip_table() -> pd.DataFrame:
    """Two train, one val and two test clips of each class, by three signers."""
    rows = [
        (f"{split}_{label}_{i}", LABELS[label], signer, split, label)
        for split, signer, count in (("train", "ann", 2), ("val", "bob", 1), ("test", "cy", 2))
        for label in range(3)
        for i in range(count)
    ]
    return pd.DataFrame(rows, columns=["clip_id", "label", "signer", "split", "class_index"]).assign(
        shard=lambda t: [shard_of(clip_id, 2) for clip_id in t["clip_id"]]
    )


def keypoints() -> np.ndarray:
    """Body in every frame, face in the first half, left hand in the first frame, right hand never."""
    points = np.full((FRAMES, 133, 3), np.nan, np.float32)
    points[..., 2] = 0
    points[:, list(BODY)] = (20, 20, 0.9)
    points[: FRAMES // 2, list(FACE)] = (22, 10, 0.8)
    points[0, list(LEFT_HAND)] = (10, 30, 0.7)
    return points


def image(height: int, width: int) -> bytes:
    return bytes(cv2.imencode(".jpg", np.full((height, width, 3), 120, np.uint8))[1].tobytes())


def clip_data(stage: str) -> ClipData:
    small = np.zeros((FRAMES, 133, SIZE // 4, SIZE // 4), np.uint8)
    small[:, 0, 2, 2] = 255
    return {
        "frames": ClipData(
            {"time": np.arange(FRAMES) / 25},
            [image(HEIGHT, WIDTH)] * FRAMES,
            {"height": HEIGHT, "width": WIDTH, "fps": 25.0},
        ),
        "pose": ClipData(
            {
                "keypoints": keypoints(),
                "box": np.zeros((FRAMES, 5), np.float32),
                "filled": np.zeros(FRAMES, bool),
            }
        ),
        "crops": ClipData(
            {"keypoints": keypoints()}, [image(SIZE, SIZE)] * FRAMES, {"affine": np.array([[1.0, 0, 0], [0, 1.0, 0]])}
        ),
        "heatmaps": ClipData({"volume": small, "keypoints": keypoints()}),
    }[stage]


def write_shards(config: Config, clips: pd.DataFrame) -> None:
    for stage in ("frames", "pose", "crops", "heatmaps"):
        for name in shard_names(config.clips.shards):
            there: dict[str, ClipData | LeftOut] = {
                clip_id: clip_data(stage) for clip_id in clips["clip_id"][clips["shard"] == name]
            }
            if stage == "pose" and name == "0000":
                there["train_gone"] = LeftOut("pose", f"nobody seen {EVIL}")
            write_shard(config.output / stage / f"{name}.h5", stage, config, there, made="by hand")


def write_clip_table(folder: Path, clips: pd.DataFrame) -> None:
    folder.mkdir(parents=True)
    clips.to_csv(folder / "clips.csv", index=False)
    pd.DataFrame({"class_index": range(3), "label": LABELS}).to_csv(folder / "classes.csv", index=False)
    used = clips.groupby(["split", "label"]).size()
    rows = [
        (split, LABELS.index(label), label, count + 1, count, 1, count) for (split, label), count in used.items()
    ] + [("val", 3, "water", 4, 0, 4, 0)]
    columns = ["split", "class_index", "label", "listed", "on_disk", "missing", "used"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "coverage.csv", index=False)
    columns = ["group", "clip_id", "label", "signer", "split", "crosses_splits", "crosses_labels", "used"]
    same = [(1, "train_book_0", "book", "ann", "train", True, False, True)]
    same += [(1, "test_book_0", "book", "cy", "test", True, False, True)]
    pd.DataFrame(same, columns=columns).to_csv(folder / "duplicates.csv", index=False)
    (folder / "notes.txt").write_text(f"The label {EVIL} is odd.\n", encoding="utf-8")


def write_training(config: Config) -> None:
    folder = config.output / "train"
    for part, heads in (("rgb", ["rgb"]), ("pose", ["pose"]), ("fusion", ["rgb", "pose", "joint", "fused"])):
        (folder / part).mkdir(parents=True)
        rows = [
            {"epoch": epoch, "split": split, "head": head, "loss": 2 / epoch, "top1": epoch / 4}
            for epoch in (1, 2, 3)
            for split in ("train", "val")
            for head in heads
        ]
        pd.DataFrame(rows).to_csv(folder / part / "curves.csv", index=False)
        summary = {
            "best_epoch": 3,
            "selection": "highest val top-1, then lowest val loss",
            "clips": {"train": 6, "val": 3},
            "parameters": 1_234_567,
            "seconds": 75.2,
            "clips_per_second": 2.4,
            "waited": 0.25 if part == "rgb" else 0.05,
            "device": "cpu",
            "fingerprint": fingerprint(f"train_{part}", config),
        }
        (folder / part / "summary.json").write_text(json.dumps(summary), encoding="utf-8")


def write_evaluation(config: Config, clips: pd.DataFrame) -> None:
    """Four of six test clips right: book 2 of 2, drink 1 of 2 (taken for book), the third 1 of 2 (taken for drink)."""
    folder = config.output / "evaluate"
    folder.mkdir(parents=True)
    rows = [
        {"row": name, "n": 6, "top1": top1, "top1_low": 0.25, "top1_high": 0.95, "top3": 1.0}
        | {"mean_class_accuracy": top1, "mean_class_accuracy_union": top1 / 2, "mean_class_top3": 1.0, "ece": 0.125}
        for name, top1 in (("rgb", 1 / 3), ("pose", 0.5), ("fused", 4 / 6), ("late", 0.5), ("fusion/joint", 0.5))
    ]
    results: dict[str, object] = {"split": "test", "samplings": 10, "classes": 3, "main": "fused", "rows": rows}
    results |= {"checkpoints": {"fusion": {"epoch": 3, "fingerprint": "0" * 16, "parameters": 1_234_567}}, "seed": 1}
    results["weights"] = {"fused": {"rgb": 1, "pose": 1, "joint": 1}, "late": {"rgb": 1, "pose": 1}}
    results |= {"tuned": False, "fingerprint": fingerprint("evaluate", config)}
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    test = clips[clips["split"] == "test"].reset_index(drop=True)
    taken_for = test["label"].tolist()
    taken_for[3], taken_for[5] = "book", "drink"
    probability = [0.9, 0.8, 0.7, 0.6, 0.55, 0.95]
    test[["clip_id", "label"]].assign(top1_label=taken_for, top1_probability=probability).to_csv(
        folder / "predictions.csv", index=False
    )


def write_benchmarks(folder: Path) -> None:
    (folder / "frames").mkdir(parents=True)
    head = "s\th:m:s\tmax_rss\n"
    (folder / "frames" / "0000.tsv").write_text(f"{head}30.0\t0:00:30\t100.5\n", encoding="utf-8")
    (folder / "frames" / "0001.tsv").write_text(f"{head}95.0\t0:01:35\t-\n", encoding="utf-8")
    (folder / "train_rgb.tsv").write_text(f"{head}7265\t2:01:05\t2048\n", encoding="utf-8")


def make_config(output: Path) -> Config:
    return parse_config(
        {
            "output": str(output),
            "clips": {"folder": {"videos": "videos"}, "shards": 2},
            "pose": {"mediapipe": {}},
            "crops": {"size": SIZE},
            "report": {"title": f"Made run {EVIL}", "examples": 4},
            "bad_clips": "skip",
        }
    )


def write_run(folder: Path) -> Run:
    """Write a finished run."""
    config, clips = make_config(folder), clip_table()
    write_clip_table(folder / "clips", clips)
    write_shards(config, clips)
    write_training(config)
    write_evaluation(config, clips)
    write_benchmarks(folder / "benchmarks")
    return Run(config, clips)
