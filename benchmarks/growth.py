"""What a clip costs as data sets grow: the start of a run, the data stages, the data of a training.

    python -m benchmarks.growth            # writes benchmarks/results/growth.md; about 15 minutes of one core

Videos are stand-ins: a few bytes each for the start, ten plain frames for the stages; shards are made for the training.
CPU seconds of a process of its own, so that other programs count little.
"""

import argparse
import os
import pickle
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import yaml

from camfuse.clips.table import shard_of
from camfuse.config import Config, parse_config
from camfuse.ffmpeg_tool import write_video
from camfuse.run.layout import DATA_STAGES, Run
from camfuse.run.shard import ClipData
from camfuse.run.shard_writer import ShardWriter
from camfuse.run.workflow import find_workflow
from camfuse.skeleton import NUM_KEYPOINTS

RESULTS = Path(__file__).with_name("results") / "growth.md"
SETS = (100, 1000, 10_000, 36_302)
SHARDS = (10, 30, 100, 300)
"""Clips of a shard, for the data stages: a larger set has more shards of a size, not larger ones."""
CLIPS_OF_A_SHARD = 280
FRAMES = 10
OPENED = """
import runpy, sys
folder, count, words = sys.argv[1], [0], sys.argv[2:]
def look(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(folder):
        count[0] += 1
sys.addaudithook(look)
sys.argv = words
try:
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
finally:
    print("opened", count[0], flush=True)
"""
"""Runs a module and counts which files of a folder it opens."""


@dataclass(frozen=True)
class Used:
    """What a command used: CPU seconds, most memory in MB, files of the watched folder that it opened; what it said."""

    cpu: float
    memory: float
    opened: int
    said: str


def use(module: str, *words: object, watched: Path = Path("/nowhere")) -> Used:
    """Run a module in a process of its own.

    Raises
    ------
    RuntimeError
        If it fails, with what it said.
    """
    command = [sys.executable, "-c", OPENED, str(watched), module, *map(str, words)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command, stdout=said, stderr=subprocess.STDOUT, env=os.environ | {"PYTHONWARNINGS": "ignore"}
        )
        _, code, own = os.wait4(process.pid, 0)
        said.seek(0)
        text = said.read()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code:
        raise RuntimeError(f"{module} {words}: {text[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    opened = int(text.rpartition("opened ")[2].split()[0]) if "opened " in text else 0
    return Used(cpu, own.ru_maxrss / 1024, opened, text)


def settings(folder: Path, clips: int, **more: Any) -> Path:
    """Write the config of a table of clips, with a shard for every 280."""
    source = {"csv": {"table": str(folder / "clips.csv"), "videos": str(folder / "videos")}}
    values = {
        "output": str(folder / "results"),
        "clips": source | {"shards": max(1, clips // CLIPS_OF_A_SHARD)},
        "pose": {"annotations": {}},
        "crops": {"size": 64},
        **more,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def table(folder: Path, clips: int, annotation: str = "") -> None:
    """Write a table of clips: two thousand words at most, ten signers, all three splits."""
    words = min(2000, clips // 10)
    rows = [
        (f"{n:06d}.mp4", f"word {n % words}", f"signer {n % 10}", ("train", "train", "val", "test")[n // words % 4])
        for n in range(clips)
    ]
    found = pd.DataFrame(rows, columns=["video", "label", "signer", "split"])
    if annotation:
        found["annotation"] = [annotation.format(n) for n in range(clips)]
    found.to_csv(folder / "clips.csv", index=False)


# ------------------------------------------------------------------------------------------- the start


def start(folder: Path, clips: int) -> dict[str, object]:
    """Start a run twice: clip table and hashes alone, then Snakemake's plan."""
    (folder / "videos").mkdir(parents=True)
    for n in range(clips):
        (folder / "videos" / f"{n:06d}.mp4").write_text(f"recording {n}")
    table(folder, clips)
    config = settings(folder, clips, pose={"mediapipe": {}})
    first, second = (use("camfuse", "clips", "--config", config, watched=folder / "videos") for _ in range(2))
    words = ("--snakefile", find_workflow(), "--configfile", config, "--cores", 2, "--dry-run", "--quiet", "rules")
    plan = use("snakemake", *words, "--directory", folder, watched=folder / "videos")
    return {
        "clips": clips,
        "first, CPU s": first.cpu,
        "files read": first.opened,
        "second, CPU s": second.cpu,
        "files read again": second.opened + plan.opened,
        "Snakemake's start, CPU s": plan.cpu,
        "its memory, MB": plan.memory,
    }


# ------------------------------------------------------------------------------------------- the stages


def write_videos(folder: Path, clips: int) -> None:
    """Write plain videos."""
    folder.mkdir(parents=True)
    for n in range(clips):
        shade = np.full((64, 64, 3), n % 200, np.uint8)
        write_video(folder / f"{n:06d}.mp4", [shade] * FRAMES, Fraction(25), crf=30, preset="ultrafast")


def entry(number: int) -> dict[str, object]:
    """Return the made keypoints of a clip, as PYSKL writes them."""
    places = np.random.default_rng(number).uniform(8, 56, (1, FRAMES, NUM_KEYPOINTS, 2)).astype(np.float16)
    scores = np.full((1, FRAMES, NUM_KEYPOINTS), 0.9, np.float16)
    facts = {"frame_dir": f"{number:06d}", "total_frames": FRAMES, "img_shape": (64, 64)}
    return facts | {"keypoint": places, "keypoint_score": scores}


def stages(folder: Path, clips: int) -> dict[str, object]:
    """Run each data stage on one shard of so many clips."""
    write_videos(folder / "videos", clips)
    (folder / "keypoints").mkdir()
    for n in range(clips):
        content = {"split": {}, "annotations": [entry(n)]}
        (folder / "keypoints" / f"{n:06d}.pkl").write_bytes(pickle.dumps(content))
    table(folder, clips, str(folder / "keypoints" / "{:06d}.pkl"))
    return {"clips of the shard": clips} | run_stages(folder, settings(folder, clips), DATA_STAGES)


def one_pickle(folder: Path, clips: int) -> dict[str, object]:
    """Run stage `pose` on one shard of ten clips whose keypoints lie in one pickle with those of all others."""
    write_videos(folder / "videos", SHARDS[0])
    (folder / "all.pkl").write_bytes(pickle.dumps({"split": {}, "annotations": [entry(n) for n in range(clips)]}))
    table(folder, SHARDS[0], str(folder / "all.pkl"))
    return {"clips of the pickle": clips} | run_stages(folder, settings(folder, SHARDS[0]), ("frames", "pose"))


def run_stages(folder: Path, config: Path, names: Sequence[str]) -> dict[str, object]:
    """Run data stages on the first shard of a config; return what each used."""
    use("camfuse", "clips", "--config", config)
    out: dict[str, object] = {}
    base = ["--config", config, "--clips", folder / "results" / "clips" / "shards" / "0000.csv"]
    reads = {"frames": (), "pose": ("frames",), "crops": ("frames", "pose"), "heatmaps": ("crops",)}
    for stage in names:
        files = {name: folder / "results" / name / "0000.h5" for name in (*reads[stage], stage)}
        inputs = [word for name in reads[stage] for word in (f"--{name}", files[name])]
        found = use("camfuse", stage, *base, *inputs, "--output", files[stage])
        out[f"{stage}, CPU s"] = found.cpu
    return out


# ------------------------------------------------------------------------------------------- training


def training(folder: Path, clips: int) -> dict[str, object]:
    """Read made shards as a training does, each clip twice, in a process of its own."""
    made_shards(folder, clips)
    found = use("benchmarks.growth", "--read", folder)
    opened, loaded, first, second = (float(number) for number in found.said.split("read ")[1].split()[:4])
    return {
        "clips": clips,
        "memory once open, MB": opened,
        "grown over the first epoch, MB": first,
        "over the second, MB": second,
        "reading, CPU ms a clip": 1000 * loaded / clips / 2,
    }


def training_config(folder: Path, clips: int) -> Config:
    """Return the config of the made shards: crops of 32 pixels, and keypoints as a sequence."""
    return parse_config(
        {
            "output": str(folder),
            "clips": {"folder": {"videos": "nowhere"}, "shards": max(1, clips // CLIPS_OF_A_SHARD)},
            "pose": {"annotations": {}},
            "crops": {"size": 32},
            "sampling": {"rgb_frames": 2, "pose_frames": 4},
            "model": {"pose": None, "sequence": {"frames": 8}},
            "machine": {"device": "cpu"},
        }
    )


def made_shards(folder: Path, clips: int) -> None:
    """Write a clip table, and the shards of crops and poses."""
    config, rng = training_config(folder, clips), np.random.default_rng(0)
    image = cv2.imencode(".jpg", rng.integers(0, 255, (32, 32, 3), np.uint8))[1].tobytes()
    keypoints = rng.uniform(8, 56, (FRAMES, NUM_KEYPOINTS, 3)).astype(np.float32)
    keypoints[..., 2] = 0.9
    ids = [f"clip-{n:06d}" for n in range(clips)]
    rows = pd.DataFrame({"clip_id": ids, "label": "a", "signer": "", "split": "train", "class_index": range(clips)})
    rows = rows.assign(class_index=rows["class_index"] % 100, shard=[shard_of(one, config.clips.shards) for one in ids])
    run = Run(config)
    run.clip_files.folder.mkdir(parents=True)
    rows.to_csv(run.clip_files.clips, index=False)
    data = {"pose": ClipData({"keypoints": keypoints}), "crops": ClipData({"keypoints": keypoints}, [image] * FRAMES)}
    for stage, one in data.items():
        for name in run.shard_names:
            path, mark = run.shard_path(stage, name), run.fingerprint(stage)
            with ShardWriter(path, stage=stage, fingerprint=mark, provenance={}) as writer:
                for clip_id in rows["clip_id"][rows["shard"] == name]:
                    writer.add(clip_id, one)


def read_all(folder: Path) -> str:
    """Read each clip twice; return MB once the shards are open, CPU seconds, and the MB that each epoch added."""
    from camfuse.data.batch import collate
    from camfuse.data.dataset import ClipDataset

    clips = len(pd.read_csv(folder / "clips" / "clips.csv"))
    run = Run(training_config(folder, clips))
    dataset = ClipDataset(run.clips(), run, part="fusion", augment=True)
    for index in range(50):  # what is loaded and allocated once
        collate([dataset[(0, index)]])
    sizes, began = [resident()], resource.getrusage(resource.RUSAGE_SELF)
    for epoch in (1, 2):
        for index in range(clips):
            collate([dataset[(epoch, index)]])
        sizes.append(resident())
    ended = resource.getrusage(resource.RUSAGE_SELF)
    cpu = ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
    return f"read {sizes[0]:.1f} {cpu:.3f} {sizes[1] - sizes[0]:.1f} {sizes[2] - sizes[1]:.1f}"


def resident() -> float:
    """Return this process's resident memory, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


# ------------------------------------------------------------------------------------------- the page


def with_each(rows: Sequence[dict[str, object]], count: str) -> list[dict[str, object]]:
    """Return the rows with the CPU ms of each further clip, beyond those of the first row, beside each CPU time."""
    base, found = rows[0], []
    for row in rows:
        more, out = float(str(row[count])) - float(str(base[count])), dict[str, object]()
        for name, value in row.items():
            out[name] = value
            if name.endswith("CPU s"):
                apart = float(str(value)) - float(str(base[name]))
                out[f"{name.removesuffix('CPU s')}ms a further clip"] = 1000 * apart / more if more else "-"
        found.append(out)
    return found


def markdown(title: str, rows: Sequence[dict[str, object]]) -> Iterator[str]:
    """Yield a table of measurements."""
    yield f"\n## {title}\n"
    names = list(rows[0])
    yield f"| {' | '.join(names)} |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield f"| {' | '.join(written(row[name]) for name in names)} |"


def written(value: object) -> str:
    """Write a number with three digits."""
    if isinstance(value, str):
        return value
    return f"{value:.3g}" if isinstance(value, float) and value < 1000 else f"{value:,.0f}"  # type: ignore[str-format]


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--read", type=Path, help="only read the made shards of this folder")
    parser.add_argument("--most", type=int, default=SETS[-1], help="clips of the largest set")
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args()
    if asked.read:
        sys.stdout.write(f"{read_all(asked.read)}\n")
        return
    parts = (
        ("The start", start, SETS),
        ("The data stages", stages, SHARDS),
        ("One pickle of all keypoints", one_pickle, SETS[:3]),
        ("The data of a training", training, SETS),
    )
    lines = ["# What a clip costs as data sets grow"]
    for title, measure, sizes in parts:
        rows = []
        for clips in (size for size in sizes if size <= asked.most):
            with tempfile.TemporaryDirectory() as folder:
                rows.append(measure(Path(folder) / "set", clips))
            sys.stderr.write(f"{title}: {rows[-1]}\n")
        lines += markdown(title, with_each(rows, next(iter(rows[0]))))
    asked.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
