"""Killed at any moment: the restart with the documented commands finishes with the bytes of the undisturbed run."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from small_run import Workflow, hashes

SEED = 20251


def leftovers(results: Path) -> list[Path]:
    return [path for pattern in ("*.part", "*.work") for path in results.rglob(pattern)]


def begin(workflow: Workflow, *arguments: str) -> subprocess.Popen[str]:
    """Start the documented restart in a process group of its own."""
    workflow.run("--unlock")
    return workflow.start("--rerun-incomplete", *arguments)


def kill_everything(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kill_snakemake_only(process: subprocess.Popen[str]) -> None:
    """Leave its jobs alone, wait until they have ended as the documentation says."""
    jobs = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    psutil.wait_procs(jobs, timeout=120)


def kill_a_job(process: subprocess.Popen[str]) -> None:
    """Kill a stage's own process, and let snakemake see it."""
    jobs = [job for job in psutil.Process(process.pid).children(recursive=True) if not job.children()]
    if jobs:
        jobs[0].kill()
    process.wait(timeout=600)


KILLS: tuple[Callable[[subprocess.Popen[str]], None], ...] = (kill_everything, kill_snakemake_only, kill_a_job)


def disturb(workflow: Workflow, moments: list[float], rng: random.Random, *target: str) -> int:
    """Kill the run at `moments` (seconds after each start), restart every time, let the last one finish."""
    killed = 0
    for seconds in moments:
        process = begin(workflow, *target)
        try:
            process.wait(timeout=seconds)
            break
        except subprocess.TimeoutExpired:
            rng.choice(KILLS)(process)
            killed += 1
    workflow.run("--unlock")
    workflow.run("--rerun-incomplete", *target)
    return killed


def test_killed_twice_and_amid_the_poses_gives_the_same_bytes(finished: Workflow, tmp_path: Path) -> None:
    workflow = Workflow(tmp_path)
    rng = random.Random(SEED)
    for _ in range(2):
        process = begin(workflow, "data")
        time.sleep(rng.uniform(3.0, 8.0))
        kill_everything(process)
    for stage in ("pose", "crops", "heatmaps"):  # a fast machine may have finished them by now
        shutil.rmtree(tmp_path / "results" / stage, ignore_errors=True)
    process = begin(workflow, "data")
    saved = wait_for_saved_poses(tmp_path / "results" / "pose", process)
    kill_everything(process)
    workflow.run("--unlock")
    workflow.run("--rerun-incomplete", "data")
    for shard, count in saved.items():
        log = (tmp_path / "results" / "logs" / "pose" / f"{shard}.log").read_text()
        found = re.search(r"(\d+) new, (\d+) taken over", log)
        assert found, log
        assert int(found[2]) >= count
    assert hashes(tmp_path / "results") == hashes(finished.folder / "results")
    assert not leftovers(tmp_path / "results")


def wait_for_saved_poses(folder: Path, process: subprocess.Popen[str]) -> dict[str, int]:
    """Return how many finished clips each unfinished shard has saved, as soon as one has some."""
    while process.poll() is None:
        saved = {path.name.split(".")[0]: len(list(path.glob("*.npz"))) for path in folder.glob("*.h5.work")}
        if any(saved.values()):
            return saved
        time.sleep(0.001)
    pytest.fail("the run ended before it could be killed")


@pytest.mark.torture
def test_killed_fifty_times(finished: Workflow, tmp_path: Path) -> None:
    rng = random.Random(SEED)
    wanted, killed, runs = 50, 0, 0
    while killed < wanted:
        workflow = Workflow(tmp_path / str(runs))
        workflow.folder.mkdir()
        killed += disturb(workflow, [rng.uniform(1.0, 25.0) for _ in range(wanted - killed)], rng)
        made, undisturbed = workflow.folder / "results", finished.folder / "results"
        assert hashes(made) == hashes(undisturbed)
        assert (made / "evaluate" / "results.csv").read_text() == (undisturbed / "evaluate" / "results.csv").read_text()
        assert not leftovers(made)
        runs += 1
    print(f"{killed} kills in {runs} runs")
