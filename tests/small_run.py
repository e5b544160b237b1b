"""A small run of the whole workflow: three letters of five languages, a few seconds a stage."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from camfuse.config.read import merged
from camfuse.ffmpeg_tool import find_ffmpeg

ROOT = Path(__file__).parents[1]
DATA = ("frames", "pose", "crops", "heatmaps")
PHASE: dict[str, Any] = {
    "epochs": 1,
    "repeat": 1,
    "batch": 4,
    "rate": 0.001,
    "base_batch": 4,
    "optimizer": "adamw",
    "schedule": "cosine",
}
SMALL: dict[str, Any] = {
    "output": "results",
    "clips": {
        "fingerspelling": {
            "letters": ["C", "L", "Y"],
            "languages": {"train": ["bzs", "csq", "asq"], "val": ["ssp"], "test": ["ase"]},
            "avatar_height": 160,
        },
        "shards": 2,
    },
    "pose": {"annotations": {}},
    "crops": {"size": 64},
    "sampling": {"rgb_frames": 2, "pose_frames": 4},
    "model": {
        "rgb": {"depths": [1, 1, 1, 1], "channels": 8},
        "pose": {"depths": [1, 1, 1], "channels": 8},
        "fusion": {"width": 16, "heads": 2},
    },
    "train": {"rgb": PHASE, "pose": PHASE, "fusion": PHASE},
    "evaluate": {"samplings": 2},
    "report": {"examples": 2},
    "machine": {"device": "cpu", "threads": 1},
}
SEQUENCE: dict[str, Any] = {"frames": 8, "width": 8, "depth": 1}
"""A small sequence stream."""
ALONE: dict[str, Any] = {"model": {"rgb": None, "pose": None, "sequence": SEQUENCE}, "train": {"sequence": PHASE}}
"""What makes the small run one of that stream alone."""


@dataclass
class Workflow:
    """Snakemake in a working folder of its own, with the project's Snakefile."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=lambda: dict(SMALL))
    root: Path = ROOT
    cores: int = 2
    extra: dict[str, str] = field(default_factory=dict)
    """Added to the environment."""
    python: str = sys.executable
    """What runs Snakemake."""

    def command(self, *arguments: str, change: dict[str, Any] | None = None) -> list[str]:
        """Write the settings, return the command line."""
        config = self.folder / "config.yaml"
        config.write_text(yaml.safe_dump(merged(self.settings, change or {})))
        return [
            *(self.python, "-m", "snakemake", "--snakefile", str(self.root / "Snakefile")),
            *("--directory", str(self.folder), "--configfile", str(config), "--cores", str(self.cores), *arguments),
        ]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(self.folder / "cache")} | self.extra

    def snakemake(self, *arguments: str, change: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        command, folder, env = self.command(*arguments, change=change), self.folder, self.environment
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=900, check=False)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start in a process group of its own, so that it can be killed with all its jobs."""
        with (self.folder / "snakemake.log").open("a") as log:
            return subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                env=self.environment,
                start_new_session=True,
                # where the tests run in the background of a script, Ctrl-C is ignored, and by their children too
                preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def run(self, *arguments: str, change: dict[str, Any] | None = None) -> str:
        done = self.snakemake(*arguments, change=change)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        return done.stdout + done.stderr

    def planned(self, change: dict[str, Any] | None = None, options: tuple[str, ...] = ()) -> dict[str, int]:
        """Return how many jobs of each rule a dry run plans."""
        out = self.run("--dry-run", "--quiet", "rules", *options, change=change)
        table = re.search(r"^job +count\n-+ +-+\n(.*?)^total", out, re.MULTILINE | re.DOTALL)
        if table is None:
            assert "Nothing to be done" in out, out
            return {}
        rows = (line.split() for line in table[1].splitlines())
        return {name: int(count) for name, count in rows if name != "all"}


def write_video(path: Path, shade: int) -> None:
    """Write ten plain frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [find_ffmpeg(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-s", "64x64", "-r", "25"]
    command += ["-i", "pipe:0", "-c:v", "mpeg4", str(path)]
    subprocess.run(command, input=bytes([shade]) * (64 * 64 * 10), check=True)


def hashes(results: Path) -> dict[str, str]:
    """Return the SHA-256 of every shard and drawn video."""
    files = [path for name in DATA for path in (results / name).glob("*.h5")]
    files += (results / "avatars").rglob("*.mp4")
    return {str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def same_results(ours: Path, theirs: Path) -> None:
    """Check that two runs measured the same: results, predictions and confusion to the last digit, curves too."""
    for name in ("results.csv", "predictions.csv", "confusion.csv"):
        assert (ours / "evaluate" / name).read_text() == (theirs / "evaluate" / name).read_text(), name
    for part in ("rgb", "pose", "fusion"):
        curves = [(results / "train" / part / "curves.csv").read_text() for results in (ours, theirs)]
        assert curves[0] == curves[1], part
    rows = [json.loads((results / "evaluate" / "results.json").read_text())["rows"] for results in (ours, theirs)]
    assert rows[0] == rows[1]
