"""The small run end to end on a real one-node Slurm, one job cancelled on the way."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from conda_shells import shell
from executors import environment_with
from one_node_slurm import missing, one_node_slurm
from small_run import ROOT, Workflow, hashes, same_results

HARD_LIMIT = 600.0
GROUPS = {
    "shard": ("avatars", "frames", "pose", "crops", "heatmaps"),
    "rest": ("train_fusion", "evaluate", "report"),
}
"""Rules that share a submission: five jobs instead of fifteen, as each waits some ten seconds for the next look."""
PROFILE = ROOT / "workflow" / "profiles" / "slurm" / "config.yaml"
FOR_A_TEST = {
    "slurm-status-command": "squeue",
    "slurm-init-seconds-before-status-checks": 3,
    "latency-wait": 5,
}


def small_profile(folder: Path) -> Path:
    """Write the shipped profile with less memory, and with less patience."""
    profile = yaml.safe_load(PROFILE.read_text())
    rules = [*profile["set-resources"], "avatars", "report"]
    profile |= FOR_A_TEST | {"default-resources": ["slurm_partition=main", "mem_mb=500", "runtime=5"]}
    profile["set-resources"] = {rule: {"mem_mb": "attempt * 500", "runtime": "attempt * 5"} for rule in rules}
    (folder / "config.yaml").write_text(yaml.safe_dump(profile))
    return folder


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let Snakemake find its plugin; return a profile for the test's Slurm."""
    for name, value in environment_with("slurm").items():
        monkeypatch.setenv(name, value)
    (tmp_path / "profile").mkdir()
    return small_profile(tmp_path / "profile")


@pytest.mark.torture
@pytest.mark.skipif(bool(missing()), reason=missing() or "Slurm is there")
def test_slurm_gives_the_local_runs_results(finished: Workflow, slurm: Path, tmp_path: Path) -> None:
    workflow = Workflow(tmp_path / "run")
    workflow.folder.mkdir()
    with one_node_slurm(tmp_path / "slurm"):
        groups = [f"{rule}={name}" for name, rules in GROUPS.items() for rule in rules]
        process = workflow.start("--workflow-profile", str(slurm), "--groups", *groups)
        try:
            cancelled = cancel_one(process)
            process.wait(timeout=HARD_LIMIT)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    log = (workflow.folder / "snakemake.log").read_text()
    assert process.returncode == 0, log[-4000:]
    # two shards, two trainings and the rest; one of them twice
    assert len(re.findall(r"has been submitted with SLURM jobid", log)) == 6
    assert re.search(rf"Error in group shard\n.*?/{cancelled}\.log ", log, re.DOTALL)
    assert "srun" not in "".join(path.read_text() for path in (tmp_path / "run" / "results" / "logs").rglob("*.log"))
    assert hashes(workflow.folder / "results") == hashes(finished.folder / "results")
    same_results(workflow.folder / "results", finished.folder / "results")


@pytest.mark.torture
@pytest.mark.skipif(bool(missing()), reason=missing() or "Slurm is there")
def test_slurm_and_conda(finished: Workflow, slurm: Path, tmp_path: Path) -> None:
    """As docs/cluster.md says: environments first, on the shared disk, then the jobs that use them."""
    with shell("base", tmp_path / "conda") as there:
        workflow = there.workflow(tmp_path / "run")
        conda = ("--software-deployment-method", "conda", "--conda-prefix", str(tmp_path / "envs"))
        workflow.run("--conda-create-envs-only", *conda)
        assert len(list((tmp_path / "envs").glob("*.env_setup_done"))) == 3
        made = {start.prefix for start in there.starts()}
        with one_node_slurm(tmp_path / "slurm"):
            groups = [f"{rule}=shard" for rule in GROUPS["shard"]]
            profile = ("--workflow-profile", str(slurm), "--groups", *groups)
            workflow.run("results/heatmaps/0000.h5", *profile, *conda)
        jobs = [start for start in there.starts() if start.stage]
    assert sorted(job.stage or "" for job in jobs) == sorted(GROUPS["shard"])
    assert made <= {job.prefix for job in jobs}
    assert hashes(workflow.folder / "results").items() <= hashes(finished.folder / "results").items()


def cancel_one(process: subprocess.Popen[str]) -> str:
    """Cancel the first job that runs; Snakemake submits it once more."""
    while process.poll() is None:
        shown = subprocess.run(["squeue", "-h", "-t", "R", "-o", "%i"], capture_output=True, text=True, check=False)
        if jobs := shown.stdout.split():
            subprocess.run(["scancel", jobs[0]], check=True)
            return jobs[0]
        time.sleep(0.2)
    return ""
