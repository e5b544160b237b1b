"""The small run's data stages on a real one-node Slurm, one job cancelled on the way."""

import os
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from one_node_slurm import missing, one_node_slurm
from small_run import ROOT, Workflow, hashes

HARD_LIMIT = 600.0
PROFILE = ROOT / "workflow" / "profiles" / "slurm"


@pytest.mark.torture
def test_slurm_gives_the_local_runs_bytes(finished: Workflow, tmp_path: Path) -> None:
    if not find_spec("snakemake_executor_plugin_slurm"):
        pytest.skip("needs the extra `slurm`: pip install -e '.[slurm]'")
    if reason := missing():
        pytest.skip(reason)
    workflow = Workflow(tmp_path / "run")
    workflow.folder.mkdir()
    profile = yaml.safe_load((PROFILE / "config.yaml").read_text())
    profile |= {"slurm-status-command": "squeue", "slurm-init-seconds-before-status-checks": 2, "latency-wait": 5}
    profile |= {"retries": 2, "set-resources": {}}
    profile["default-resources"] = ["slurm_partition=main", "mem_mb=300", "runtime=5"]
    small = ["avatars", "frames", "pose", "crops", "heatmaps"]
    arguments = ["--set-resources", *(f"{rule}:mem_mb=300" for rule in small)]
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile" / "config.yaml").write_text(yaml.safe_dump(profile))
    with one_node_slurm(tmp_path / "slurm"):
        process = workflow.start("data", "--profile", str(tmp_path / "profile"), *arguments)
        try:
            cancelled = cancel_one(process)
            process.wait(timeout=HARD_LIMIT)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    assert cancelled
    assert process.returncode == 0, (workflow.folder / "snakemake.log").read_text()[-4000:]
    assert hashes(workflow.folder / "results") == hashes(finished.folder / "results")


def cancel_one(process: subprocess.Popen[str]) -> str:
    """Cancel the first job that runs; Snakemake submits it once more."""
    while process.poll() is None:
        shown = subprocess.run(["squeue", "-h", "-t", "R", "-o", "%i"], capture_output=True, text=True, check=False)
        if jobs := shown.stdout.split():
            subprocess.run(["scancel", jobs[0]], check=True)
            return jobs[0]
        time.sleep(0.2)
    return ""
