"""The package's own streams and fusions on the videos of real people: from video through every stage, trained in folds.

    python -m benchmarks.real_people_streams --data DIR --config config/videos.yaml --sets asl8 --seeds 1 2 3

The data stages run once over all clips, with the keypoints that `real_people` has had from MediaPipe; each fold then is
a run of its own on the same shards, whose clip table says who is the test. No signer is kept back for validation:
there are too few of them. Every training keeps its last epoch.
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # without it, torch is many times slower on a busy machine

import cv2
import numpy as np
import pandas as pd
import torch
import yaml

from benchmarks.config_changes import changed
from camfuse.clips.refresh import refresh
from camfuse.clips.table import Clip
from camfuse.config import Config, dump_config, parse_config
from camfuse.config.estimators import MediapipePose
from camfuse.errors import ShardError
from camfuse.evaluate.run import evaluate
from camfuse.files import write_text
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.crops import crop_clips
from camfuse.prep.frames import extract_frames
from camfuse.prep.heatmaps import render_heatmaps
from camfuse.prep.pose import run as pose
from camfuse.prep.pose.estimator import Poses, tight_boxes
from camfuse.prep.pose.mediapipe.estimator import BOX_MIN_SCORE, MediapipeEstimator
from camfuse.run.layout import DATA_STAGES, DataStage, Run
from camfuse.train import train

ROOT = Path(__file__).parents[1]
SHARDS = 4


def main() -> None:
    options = arguments().parse_args()
    warnings.filterwarnings("ignore")
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    values = changed(yaml.safe_load(options.config.read_text(encoding="utf-8")), options.set)
    data = prepare(values, options.data, options.work)
    for name in options.sets:
        for seed in options.seeds:
            for fold, table in folds(options.data, name):
                if options.folds and fold not in options.folds:
                    continue
                output = options.work / "folds" / options.name / f"{name}-{fold}-{seed}"
                run = fold_run(values, table, data, output, options.data, seed)
                print(name, fold, seed, json.dumps(run_fold(run)), flush=True)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/asl")
    parser.add_argument("--config", type=Path, default=ROOT / "config" / "videos.yaml")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="other settings than the config's")
    parser.add_argument("--name", default="videos", help="of the folder of what was trained")
    parser.add_argument(
        "--sets",
        nargs="+",
        choices=["asl8", "asl8web", "asl24", "asl24one"],
        default=["asl8", "asl8web", "asl24"],
        help="asl24one: trained on one signer each, tested on the others, to choose by",
    )
    parser.add_argument("--folds", nargs="+", help="only these")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--work", type=Path, default=Path("results/real_people_streams"))
    return parser


def prepare(values: dict[str, Any], data: Path, work: Path) -> Path:
    """Run the data stages over all clips; what is there already is not made again."""
    table = _index(data)
    table = table.assign(label=table["label8"].where(table["label8"] != "", table["word"]), split="train")
    work.mkdir(parents=True, exist_ok=True)
    table[["video", "label", "signer", "split"]].to_csv(work / "all.csv", index=False)
    run = Run(_config(values, work / "all.csv", (work / "data").absolute(), data))
    refresh(run.config)
    pose.make_estimator = lambda config: KnownPoses(work / "poses" / "asl", run.config)
    for name in run.shard_names:
        clips, paths = run.clip_files.shard(name), {stage: run.shard_path(stage, name) for stage in DATA_STAGES}
        for path in paths.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        steps: dict[DataStage, Callable[[Path], None]] = {
            "frames": partial(extract_frames, run.config, clips),
            "pose": partial(pose.estimate_poses, run.config, clips, paths["frames"]),
            "crops": partial(crop_clips, run.config, clips, paths["frames"], paths["pose"]),
            "heatmaps": partial(render_heatmaps, run.config, clips, paths["crops"]),
        }
        for stage, step in steps.items():
            if not is_made(run, stage, name):
                step(paths[stage])
    return run.output


def is_made(run: Run, stage: DataStage, name: str) -> bool:
    try:
        run.shard(stage, name).close()
    except ShardError:
        return False
    return True


class KnownPoses(MediapipeEstimator):
    """MediaPipe, which does not look again at a clip whose keypoints `real_people` has."""

    def __init__(self, cache: Path, config: Config) -> None:
        super().__init__(config.pose.mediapipe or MediapipePose())
        self._cache = cache

    def estimate(self, clip: Clip, frames: ClipFrames) -> Poses:
        stored = self._cache / f"{clip.video.stem}.npy"
        if not stored.is_file():
            return super().estimate(clip, frames)
        keypoints = np.load(stored)
        return Poses(keypoints, tight_boxes(keypoints, BOX_MIN_SCORE), np.zeros(len(keypoints), np.bool_))


def folds(data: Path, name: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the name of each fold, and its clips with label and split."""
    table = _index(data)
    if name.startswith("asl24"):
        rows = table[table["source"] == "webcam"].assign(label=table["word"])
        groups = {signer: (rows["signer"] == signer) ^ (name == "asl24one") for signer in sorted(set(rows["signer"]))}
    else:
        rows = table[table["label8"] != ""].assign(label=table["label8"])
        groups = {"webcam": rows["source"] == "webcam"}
        if name == "asl8":
            groups = {f"group{group}": rows["group8"] == group for group in sorted(set(rows["group8"]))}
    for fold, tested in groups.items():
        yield fold, rows.assign(split=np.where(tested, "test", "train"))


def fold_run(values: dict[str, Any], table: pd.DataFrame, data: Path, output: Path, videos: Path, seed: int) -> Run:
    """Make the clip table of a fold's run, beside links to the shards of all clips."""
    output.mkdir(parents=True, exist_ok=True)
    table[["video", "label", "signer", "split"]].to_csv(output / "table.csv", index=False)
    for stage in DATA_STAGES:
        if not (output / stage).exists():
            (output / stage).symlink_to(data / stage)
    config = _config(values | {"seed": seed}, output / "table.csv", output.absolute(), videos)
    refresh(config)
    write_text(Run(config).config_file, dump_config(config))
    return Run(config)


def run_fold(run: Run) -> dict[str, float]:
    """Train and test a fold's run; return each row's top-1 and the seconds of each training."""
    seconds = run.output / "seconds.json"
    spent: dict[str, float] = json.loads(seconds.read_text()) if seconds.is_file() else {}
    for part in run.config.model.parts:
        init = tuple(run.training(stream).best for stream in run.config.model.streams) if part == "fusion" else ()
        start = time.process_time()
        train(run, part, run.training(part).folder, init)
        spent[part] = spent.get(part, 0.0) + time.process_time() - start
    write_text(seconds, json.dumps(spent))
    results = evaluate(run, {part: run.training(part).best for part in run.config.model.parts}, run.evaluation.folder)
    top1 = {name: round(100 * score.top[1], 1) for name, score in results.rows.items()}
    return top1 | {f"{part} s": round(one) for part, one in spent.items()}


def _config(values: dict[str, Any], table: Path, output: Path, data: Path) -> Config:
    videos = (data / "clips" / "asl").absolute()
    clips = {"csv": {"table": str(table.absolute()), "videos": str(videos)}, "shards": SHARDS}
    machine = {"device": "cpu", "threads": 1}
    whole = values | {"output": str(output), "clips": clips, "bad_clips": "skip", "machine": machine}
    whole["train"] = whole.get("train", {}) | {"validation": False}
    return parse_config(whole)


def _index(data: Path) -> pd.DataFrame:
    return pd.read_csv(data / "clips" / "asl" / "index.csv", dtype=str, keep_default_na=False)


if __name__ == "__main__":
    main()
