"""A disk that is full or read-only: one clear line, and a restart after making room finishes.

(HDF5's Python binding also prints what it meets while it frees a half-written file; that is not ours to silence.)
"""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from small_run import Workflow

PRIVATE = ("unshare", "--mount", "--map-root-user")


@pytest.fixture(scope="module", autouse=True)
def may_mount() -> None:
    if not shutil.which("unshare"):
        pytest.skip("needs unshare to mount a small disk")
    done = subprocess.run([*PRIVATE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("needs the right to mount a small disk in a namespace of its own")


def in_own_mounts(workflow: Workflow, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script whose mounts end with it."""
    command = [*PRIVATE, "sh", "-c", script]
    return subprocess.run(
        command, cwd=workflow.folder, env=workflow.environment, capture_output=True, text=True, timeout=600, check=False
    )


def test_a_read_only_folder_is_one_line(tmp_path: Path) -> None:
    workflow = Workflow(tmp_path)
    (tmp_path / "disk").mkdir()
    change = {"output": str(tmp_path / "disk" / "results")}
    run = shlex.join(workflow.command("data", change=change))
    done = in_own_mounts(workflow, f"mount -t tmpfs -o ro none {tmp_path}/disk && {run}")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "results: the place is read-only: choose another `output`" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("size", ["2500k", pytest.param("500k", marks=pytest.mark.torture)])
def test_a_full_disk_is_one_line_and_the_restart_finishes(tmp_path: Path, size: str) -> None:
    workflow = Workflow(tmp_path)
    disk = tmp_path / "disk"
    disk.mkdir()
    change = {"output": str(disk / "results")}
    run = shlex.join(workflow.command("data", change=change))
    done = in_own_mounts(
        workflow,
        f"mount -t tmpfs -o size={size} none {disk} || exit 9\n"
        f"{run} > first.txt 2>&1 && exit 8\n"
        f"mount -o remount,size=100m {disk} || exit 9\n"
        f"{run} --rerun-incomplete > second.txt 2>&1 || exit 7\n"
        f"find {disk} -name '*.h5' | wc -l > shards.txt",
    )
    first = (tmp_path / "first.txt").read_text()
    assert done.returncode == 0, first[-2000:] + (tmp_path / "second.txt").read_text()[-2000:]
    assert "the disk is full: make room" in first
    assert "bug in camfuse" not in first
    assert (tmp_path / "shards.txt").read_text().strip() == "8"
