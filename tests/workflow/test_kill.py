"""Killed at any moment: the restart with the documented commands finishes with the bytes of the undisturbed run.

And no pose that was finished is estimated again: after every kill, what a shard had saved must still be there, and the
job that resumes must say that it reused as much.
"""

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
from counting import CasesOf
from small_run import ALONE, PHASE, SMALL, Workflow, hashes, same_results

from camfuse.clips.table import read_shard_clips
from camfuse.config.read import merged

SEED = 20251
KILLS_EACH = 10
LONGEST = 15.0
"""Seconds after a start until which it is killed: a third of the undisturbed run on two quiet cores."""


def leftovers(results: Path) -> list[Path]:
    return [path for pattern in ("*.part", "*.work") for path in results.rglob(pattern)]


def begin(workflow: Workflow, *target: str) -> subprocess.Popen[str]:
    """Start the documented restart in a process group of its own."""
    workflow.run("--unlock")
    return workflow.start("--rerun-incomplete", *target)


def kill_everything(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kill_snakemake_only(process: subprocess.Popen[str]) -> None:
    """Leave its jobs alone, wait until they have ended as the documentation says."""
    jobs = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    psutil.wait_procs(jobs, timeout=120)


def kill_a_job(process: subprocess.Popen[str], stage: str = "") -> None:
    """Kill a stage's own process, and let Snakemake see it and do what does not need it."""
    for job in psutil.Process(process.pid).children(recursive=True):
        try:
            command = job.cmdline()
            if "camfuse" in command and stage in [*command, ""]:  # not its shell, nor the estimator's process
                job.kill()
                break
        except psutil.NoSuchProcess:
            continue
    process.wait(timeout=600)


KILLS: tuple[Callable[[subprocess.Popen[str]], None], ...] = (kill_everything, kill_snakemake_only, kill_a_job)


def saved_poses(results: Path) -> dict[str, int]:
    """Return how many finished clips each shard of poses has, in the end or saved on the way."""
    saved = {}
    for clips in sorted((results / "clips" / "shards").glob("*.csv")):
        shard = results / "pose" / f"{clips.stem}.h5"
        whole = shard.exists() or shard.with_name(f".{shard.name}.kept").exists()
        on_the_way = shard.with_name(f"{shard.name}.work").glob("*.npz")
        saved[clips.stem] = len(read_shard_clips(clips)) if whole else len(list(on_the_way))
    return saved


def check_none_lost(results: Path, before: dict[str, int]) -> None:
    after = saved_poses(results)
    for shard, count in before.items():
        assert after[shard] >= count, f"shard {shard}: {count} poses saved before the kill, {after[shard]} after it"


def check_poses(results: Path, before: dict[str, int], began: float) -> None:
    """Check that no pose was lost, and that no job started since `began` estimated one of those before again."""
    check_none_lost(results, before)
    for shard, count in before.items():
        log = results / "logs" / "pose" / f"{shard}.log"
        if log.exists() and log.stat().st_mtime >= began:
            for new, taken in re.findall(r"(\d+) new, (\d+) reused", log.read_text()):
                assert int(taken) >= count, f"shard {shard}: {count} poses were saved, {new} estimated, {taken} reused"


def disturb(workflow: Workflow, rng: random.Random, kills: int) -> int:
    """Kill the run `kills` times, each time at a random moment, then let it finish; return how many."""
    results = workflow.folder / "results"
    for killed in range(kills):
        before, began = saved_poses(results), time.time()
        process = begin(workflow)
        try:
            process.wait(timeout=rng.uniform(1.0, LONGEST))
        except subprocess.TimeoutExpired:
            rng.choice(KILLS)(process)
        else:
            return killed
        finally:
            check_poses(results, before, began)
    before, began = saved_poses(results), time.time()
    workflow.run("--unlock")
    workflow.run("--rerun-incomplete")
    check_poses(results, before, began)
    return kills


def test_killed_in_each_way_gives_the_same_bytes(finished: Workflow, tmp_path: Path) -> None:
    workflow = Workflow(tmp_path)
    results = tmp_path / "results"
    rng = random.Random(SEED)
    for kill in (kill_everything, kill_snakemake_only):
        process = begin(workflow, "data")
        time.sleep(rng.uniform(3.0, 8.0))
        kill(process)
    for stage in ("pose", "crops", "heatmaps"):  # a fast machine may have finished them by now
        shutil.rmtree(results / stage, ignore_errors=True)
    process = begin(workflow, "data")
    wait_for_a_pose(results / "pose", process)
    before = saved_poses(results)
    kill_a_job(process, "pose")
    check_none_lost(results, before)  # the shard beside it may end undisturbed, having taken nothing over
    assert process.returncode != 0

    before, began = saved_poses(results), time.time()
    assert sum(before.values()) > 0
    workflow.run("data")  # after a job was killed, the same command again
    check_poses(results, before, began)
    assert hashes(results) == hashes(finished.folder / "results")
    assert not leftovers(results)


def test_after_ctrl_c_in_a_training_the_same_command_is_enough(tmp_path: Path) -> None:
    phase = {**PHASE, "epochs": 300}  # some 10 or 20 seconds, so that it cannot end before it is interrupted
    workflow = Workflow(tmp_path, settings=merged(SMALL, ALONE) | {"train": {"sequence": phase}})
    training = tmp_path / "results" / "train" / "sequence"
    process = workflow.start()
    deadline = time.monotonic() + 300
    while not (training / "last.ckpt").exists():  # from which it resumes
        assert process.poll() is None, (tmp_path / "snakemake.log").read_text()
        assert time.monotonic() < deadline, "no epoch in five minutes"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=120) == 130
    said = (tmp_path / "snakemake.log").read_text()
    assert said.endswith("\nStopped. The same command goes on where it was.\n") and "WorkflowError" not in said
    assert not (training / "best.ckpt").exists()
    assert "IncompleteFiles" not in workflow.run()
    assert (training / "best.ckpt").exists()
    assert "resum" in (tmp_path / "results" / "logs" / "train_sequence.log").read_text()


def wait_for_a_pose(folder: Path, process: subprocess.Popen[str]) -> None:
    """Wait until an unfinished shard has saved a clip."""
    while process.poll() is None:
        if any(folder.glob("*.h5.work/*.npz")):
            return
        time.sleep(0.001)
    pytest.fail("the run ended before it could be killed")


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(SEED, SEED + 5))
def test_killed_ten_times_five_times_over(finished: Workflow, tmp_path: Path, seed: int, cases_of: CasesOf) -> None:
    rng = random.Random(seed)
    undisturbed = finished.folder / "results"
    killed, runs = 0, 0
    while killed < KILLS_EACH:
        workflow = Workflow(tmp_path / str(runs))
        workflow.folder.mkdir()
        killed += disturb(workflow, rng, KILLS_EACH - killed)
        made = workflow.folder / "results"
        assert hashes(made) == hashes(undisturbed)
        same_results(made, undisturbed)
        assert not leftovers(made)
        runs += 1
    cases_of(f"kills in {runs} run(s)", survived=killed)
