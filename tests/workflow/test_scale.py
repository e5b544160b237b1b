"""Data sets at full size: planning stays cheap. Real or made label files, stand-ins for the videos."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import made_labels
import pandas as pd
import pytest
import yaml
from small_run import ROOT

from camfuse.config.read import merged

CPU_SECONDS = 15.0
MEGABYTES = 500.0
JOBS = 2000


def stand_in(path: Path) -> None:
    path.write_text(path.stem)  # all empty would be 20,000 copies of one recording


def wlasl(labels: Path, folder: Path) -> dict[str, Any]:
    for clip_id in json.loads((labels / "wlasl" / "nslt_2000.json").read_text()):
        stand_in(folder / f"{clip_id}.mp4")
    files = {"manifest": "WLASL_v0.3.json", "subset": "nslt_2000.json"}
    return {"videos": str(folder), **{key: str(labels / "wlasl" / name) for key, name in files.items()}}


def autsl(labels: Path, folder: Path) -> dict[str, Any]:
    files = {part: str(labels / "autsl" / f"{part}_labels.csv") for part in ("train", "validation", "test")}
    for path in files.values():
        for name in pd.read_csv(path, header=None)[0]:
            stand_in(folder / f"{name}_color.mp4")
    return {"videos": str(folder), **files, "class_names": str(labels / "autsl" / "SignList_ClassId_TR_EN.csv")}


def asl_citizen(folder: Path) -> dict[str, Any]:
    for name in made_labels.asl_citizen(folder.parent):
        stand_in(folder / name)
    return {"videos": str(folder), "splits": str(folder.parent)}


def lsa64(folder: Path) -> dict[str, Any]:
    for name in made_labels.lsa64():
        stand_in(folder / name)
    return {"videos": str(folder)}


# a process of its own in between: a child counts the memory of the one that started it, here of all tests before
MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss, flush=True)
sys.exit(code)
"""

SETS = {"wlasl": (wlasl, 21_095), "autsl": (autsl, 36_302)}
MADE = {"asl_citizen": (asl_citizen, 83_399), "lsa64": (lsa64, 3200)}


@pytest.mark.parametrize("name", SETS)
def test_planning_a_whole_data_set_is_cheap(name: str, shared_data: Path, tmp_path: Path) -> None:
    make, clips = SETS[name]
    (tmp_path / "videos").mkdir()
    assert_cheap(name, make(shared_data / "labels", tmp_path / "videos"), clips, tmp_path)


@pytest.mark.parametrize("name", [pytest.param("asl_citizen", marks=pytest.mark.torture), "lsa64"])
def test_planning_a_set_with_made_labels_is_cheap(name: str, tmp_path: Path) -> None:
    make, clips = MADE[name]
    (tmp_path / "videos").mkdir()
    assert_cheap(name, make(tmp_path / "videos"), clips, tmp_path)


def assert_cheap(name: str, source: dict[str, Any], clips: int, tmp_path: Path) -> None:
    shipped = yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text())
    shipped["pose"] = {"mediapipe": {}}  # as many jobs, and planning asks for its packages
    change = {"output": str(tmp_path / "results"), "clips": {name: source}}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(merged(shipped, change)))
    for first in (True, False):
        plan, cpu, megabytes = dry_run(config, tmp_path)
        jobs = re.search(r"^total +(\d+)$", plan, re.MULTILINE)
        assert jobs, plan[-3000:]
        print(f"{name}: {jobs[1]} jobs, {cpu:.1f} s CPU, {megabytes:.0f} MB, {'first' if first else 'again'}")
        assert int(jobs[1]) <= JOBS
        assert cpu < CPU_SECONDS
        assert megabytes < MEGABYTES
    table = pd.read_csv(tmp_path / "results" / "clips" / "clips.csv", usecols=["clip_id", "shard"])
    assert len(table) == clips
    assert table["shard"].value_counts().max() < 2 * table["shard"].value_counts().mean()


def dry_run(config: Path, folder: Path) -> tuple[str, float, float]:
    """Return what a dry run says, its CPU seconds and its largest memory in MB."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--configfile", str(config)]
    command += ["--directory", str(folder), "--cores", "16", "--dry-run", "--quiet", "rules"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    cpu, kilobytes = done.stdout.splitlines()[-1].split()
    return done.stdout + done.stderr, float(cpu), float(kilobytes) / 1024
