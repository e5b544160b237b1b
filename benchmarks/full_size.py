"""Training and test at the paper's full size: clips a second, memory, and how long the GPU waits for the loader.

    python -m benchmarks.full_size --workers 14 --peer bf16
    python -m benchmarks.full_size --peer bf16 f32 --cases none    # the network's step beside MMAction2 1.2.0's

The first is about seven minutes of an H200, by the times of its parts: the fused training and both of the paper's
streams, two epochs of 200 steps each, and their tests. `--cases` names other trainings.

Made clips (moving noise and 133 keypoints, 64 frames of 224 x 224) in real shards; 8 RGB and 32 pose frames, 56 x 56
maps, ResNet-50 width, 2000 classes. The trainings are the package's own, `camfuse.train.train` and
`camfuse.evaluate.run.evaluate`: what stands in the table is what a user gets, with the loader, the optimizer and the
logs. Speeds are those of the last epoch, when everything is warm.
"""

import argparse
import json
import platform
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch

from benchmarks.network_step import network_steps
from benchmarks.pose_engines import processor
from camfuse.config import Config, parse_config
from camfuse.evaluate.run import evaluate
from camfuse.jpeg import encode_jpeg
from camfuse.prep.heatmaps import STRIDE, render
from camfuse.run.layout import Run
from camfuse.run.shard import ClipData
from camfuse.run.shard_writer import ShardWriter
from camfuse.run.stages import fingerprint
from camfuse.skeleton import NUM_KEYPOINTS
from camfuse.train import train

SIZE, FRAMES, CLASSES = 224, 64, 2000
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One training: its part, what it changes of the model, its arithmetic and clips per step."""

    part: Any
    precision: str
    batch: int
    fusion: str = "divided"
    tf32: bool = False
    workers: int | None = None
    compile: str = "on"
    heads: int | None = None


CASES: dict[str, Case] = {
    "fusion, divided, bf16": Case("fusion", "bf16-mixed", 48),
    "pose bf16": Case("pose", "bf16-mixed", 48),
    "rgb bf16": Case("rgb", "bf16-mixed", 48),
    "fusion, divided, bf16, not compiled": Case("fusion", "bf16-mixed", 48, compile="off"),
    "fusion, divided, bf16, 4 heads": Case("fusion", "bf16-mixed", 48, heads=4),
    "fusion, late only, bf16": Case("fusion", "bf16-mixed", 48, "none"),
    "fusion, joint, bf16": Case("fusion", "bf16-mixed", 24, "joint"),
    "fusion, divided, tf32": Case("fusion", "32-true", 24, tf32=True),
    "fusion, divided, bf16, 4 loaders": Case("fusion", "bf16-mixed", 48, workers=4),
}

MAIN = list(CASES)[:3]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="*", default=MAIN, help="trainings by name, or none")
    parser.add_argument(
        "--clips", type=int, default=240, help="made clips; each is seen again until the steps are done"
    )
    parser.add_argument("--steps", type=int, default=200, help="in each of two epochs; the first waits for its clips")
    parser.add_argument("--batch", type=int, help="clips per step, instead of each case's own")
    parser.add_argument("--tests", type=int, default=500, help="clips of the test, 10 samplings each")
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--cache", type=Path, default=Path("compile_cache"), help="folder of compiled kernels")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--peer", nargs="*", help="the network's step too, beside MMAction2's, in: bf16 f32")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "full_size.md")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        steps = network_steps(SIZE, CLASSES, options.device, options.peer) if options.peer else []
        options.output.write_text(report(rows, steps, options), encoding="utf-8")
        make_shards(folder, options)
        for case in [] if options.cases == ["none"] else options.cases:
            rows.append({"training": case, **run(CASES[case], folder, options)})
            print(rows[-1], flush=True)
            options.output.write_text(report(rows, steps, options), encoding="utf-8")  # should the time end here
    print(options.output.read_text(encoding="utf-8"))


def config_of(case: Case, folder: Path, options: argparse.Namespace, compiled: str | None = None) -> Config:
    """Return the config of one training: the package's defaults but for what the case says."""
    batch = options.batch or case.batch
    repeat = max(1, options.steps * batch // options.clips)
    phase = {"epochs": 2, "repeat": repeat, "batch": batch, "rate": 0.0075, "base_batch": 48}
    values = {
        "output": str(folder),
        "clips": {"folder": {"videos": "none"}, "shards": 1},
        "pose": {"mediapipe": {}},
        "crops": {"size": SIZE},
        "model": {"fusion": {"mode": case.fusion} | ({"heads": case.heads} if case.heads else {})},
        "train": {**dict.fromkeys(("rgb", "pose", "fusion"), phase), "precision": case.precision, "tf32": case.tf32},
        "machine": {
            "device": options.device,
            "workers": options.workers if case.workers is None else case.workers,
            "compile": compiled or case.compile,
            "compile_cache": str(options.cache),
        },
    }
    return parse_config(values)


def run(case: Case, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Train and test; return what it took."""
    config = config_of(case, folder, options)
    cuda = options.device == "cuda"
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory(dir=folder) as name:
        output = Path(name)
        began = time.perf_counter()
        train(Run(config), case.part, output / "train")
        took = time.perf_counter() - began
        summary = json.loads((output / "train" / "summary.json").read_text(encoding="utf-8"))
        (log,) = (output / "train" / "logs").glob("from_*/metrics.csv")
        last = pd.read_csv(log).dropna(subset="clips_per_second").iloc[-1]
        if cuda:
            torch.cuda.reset_peak_memory_stats()
        began = time.perf_counter()
        checkpoint = {case.part: output / "train" / "best.ckpt"}
        # as a user's test of so few clips: not compiled
        results = evaluate(Run(config_of(case, folder, options, "auto")), checkpoint, output / "evaluate")
        seconds = time.perf_counter() - began
    return {
        **asdict(case),
        "batch": options.batch or case.batch,
        "workers": config.machine.workers,
        "parameters": summary["parameters"],
        "clips_per_second": round(float(last["clips_per_second"]), 1),
        "waited": round(float(last["waited"]), 3),
        "minutes": round(took / 60, 1),
        "gpu_memory_gb": summary["gpu_memory_gb"],
        "loss": round(summary["numbers"]["train"][case.part if case.part != "fusion" else "fused"]["loss"], 3),
        "test_clips_per_second": round(results.rows[results.main].clips / seconds, 1),
        "test_gpu_memory_gb": round(torch.cuda.max_memory_allocated() / 1e9, 2) if cuda else None,
    }


# ------------------------------------------------------------------------------------------- made clips


def make_shards(folder: Path, options: argparse.Namespace) -> None:
    """Write the clip table, and one shard each of crops and heatmaps. A few clips under many names: files are small."""
    config = config_of(CASES["rgb bf16"], folder, options)
    splits = ["train"] * options.clips + ["test"] * options.tests
    rows = [
        {"clip_id": f"{split}{number}", "class_index": number % CLASSES, "split": split}
        for number, split in enumerate(splits)
    ]
    fixed = {
        "video": "v.mp4",
        "signer": "s",
        "start": 0.0,
        "end": np.nan,
        "annotation": "",
        "source": "",
        "shard": "0000",
    }
    table = pd.DataFrame(rows).assign(**fixed)
    table = table.assign(label=[f"word {index}" for index in table["class_index"]], identity=table["clip_id"])
    classes = pd.DataFrame({"class_index": range(CLASSES), "label": [f"word {index}" for index in range(CLASSES)]})
    (folder / "clips").mkdir()
    table.to_csv(folder / "clips" / "clips.csv", index=False)
    classes.to_csv(folder / "clips" / "classes.csv", index=False)
    made = [(images(seed), keypoints(seed)) for seed in range(4)]
    volumes = [render(points, SIZE // STRIDE, config.heatmaps.sigma) for _, points in made]
    for stage in ("crops", "heatmaps"):
        expected = fingerprint(stage, config)
        with ShardWriter(folder / stage / "0000.h5", stage=stage, fingerprint=expected, provenance={}) as writer:
            for number, clip_id in enumerate(table["clip_id"]):
                jpeg, points = made[number % len(made)]
                facts = {"affine": np.eye(2, 3), "identity": clip_id}
                frames = {"keypoints": points}
                if stage == "crops":
                    writer.add(clip_id, ClipData(frames, jpeg, facts))
                else:
                    writer.add(clip_id, ClipData(frames | {"volume": volumes[number % len(made)]}, facts=facts))


def images(seed: int) -> list[bytes]:
    """Return a clip's JPEGs, about as large as those of real crops at quality 90 (15 kB)."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (28, 28, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    out = []
    for number in range(FRAMES):
        frame = np.roll(smooth, number, axis=1) + rng.normal(0, 4, smooth.shape)
        out.append(encode_jpeg(frame.clip(0, 255).astype(np.uint8), quality=90))
    return out


def keypoints(seed: int) -> np.ndarray:
    """Return (FRAMES, 133, 3) keypoints in crop pixels that move smoothly."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0.1, 0.9, (1, NUM_KEYPOINTS, 2)) * SIZE
    path = np.cumsum(rng.normal(0, 1, (FRAMES, NUM_KEYPOINTS, 2)), axis=0)
    score = rng.uniform(0.3, 1, (FRAMES, NUM_KEYPOINTS, 1))
    return np.concatenate([place + path, score], axis=-1).astype(np.float32)


# ------------------------------------------------------------------------------------------- report


def report(rows: list[dict[str, Any]], steps: list[dict[str, Any]], options: argparse.Namespace) -> str:
    """Return the tables as Markdown."""
    peer = f" --peer {' '.join(options.peer)}" if options.peer else ""
    lines = [
        "# Training and test at the paper's full size",
        "",
        f"`python -m benchmarks.full_size --workers {options.workers}{peer}`, {processor(options.device)}, "
        f"Python {platform.python_version()}, torch {torch.__version__}. 224 px, 8 + 32 frames, 133 keypoints, "
        "2000 classes, ResNet-50 width, factorised stem; the package's own training and test (10 samplings a clip) on "
        f"made clips in real shards, the last of two epochs of {options.steps} steps. The GPU itself measures how long "
        "it waits between two steps.",
        "",
        "| training | clips a step | loaders | clips/s | GPU waits | memory, GB | minutes in all | test clips/s "
        "| test memory, GB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['training']} | {row['batch']} | {row['workers']} | {row['clips_per_second']:.0f} "
            f"| {row['waited']:.0%} | {row['gpu_memory_gb']} | {row['minutes']} | {row['test_clips_per_second']:.1f} "
            f"| {row['test_gpu_memory_gb']} |"
        )
    if steps:
        lines += [
            "",
            "The network alone, batches lying on the device: forward, loss, backward, SGD. RGBPoseConv3D is the same "
            "network in both (7x7 stem, lateral convolutions at s2 and s3), the two taking turns.",
            "",
            "| network | arithmetic | clips a step | clips/s | memory, GB |",
            "|---|---|---|---|---|",
            *(
                f"| {row['network']} | {row['arithmetic']} | {row['batch']} | {row['clips_per_second']:.0f} "
                f"| {row['memory_gb']:.1f} |"
                for row in steps
            ),
        ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
