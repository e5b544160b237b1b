"""A disk that is full or read-only: one clear line, and a restart after making room finishes."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from counting import CasesOf
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


def test_a_full_disk_is_one_line_and_the_restart_finishes(tmp_path: Path) -> None:
    workflow = Workflow(tmp_path)
    disk = tmp_path / "disk"
    disk.mkdir()
    change = {"output": str(disk / "results")}
    run = shlex.join(workflow.command("data", change=change))
    done = in_own_mounts(
        workflow,
        f"mount -t tmpfs -o size=4m none {disk} || exit 9\n"
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


CONFIG = "--config results/config.yaml"
SHARD = "--clips results/clips/shards/0000.csv"
STAGES = {
    "clips": "clips --config other.yaml",
    "avatars": f"avatars {CONFIG} {SHARD} --output {{disk}}/0000",
    "frames": f"frames {CONFIG} {SHARD} --output {{disk}}/0000.h5",
    "pose": f"pose {CONFIG} {SHARD} --frames results/frames/0000.h5 --output {{disk}}/0000.h5",
    "crops": f"crops {CONFIG} {SHARD} --frames results/frames/0000.h5 --pose results/pose/0000.h5"
    " --output {disk}/0000.h5",
    "heatmaps": f"heatmaps {CONFIG} {SHARD} --crops results/crops/0000.h5 --output {{disk}}/0000.h5",
    "train": f"train-part pose {CONFIG} --output {{disk}}/pose",
    "evaluate": f"evaluate {CONFIG} --fusion results/train/fusion/best.ckpt --output {{disk}}/evaluate",
    "report": f"report {CONFIG} --output {{disk}}/index.html",
    "keypoints": f"keypoints export {CONFIG} --format pyskl --output {{disk}}/all.pkl",
    "export": "export results --output {disk}/signs.pt2 --format torch",
}
OFTEN = ("frames", "report")
"""Those that every run of the tests tries."""


@pytest.fixture(scope="module")
def copied(finished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    folder = tmp_path_factory.mktemp("copied") / "run"
    shutil.copytree(finished.folder, folder, ignore=shutil.ignore_patterns(".snakemake", "cache", "tmp"))
    return Workflow(folder)


@pytest.mark.bad_input("a disk that is full, at any stage", "one line that names it; nothing that passes for finished")
@pytest.mark.parametrize(
    "stage", [pytest.param(name, marks=() if name in OFTEN else pytest.mark.torture) for name in STAGES]
)
def test_a_full_disk_at_any_stage_leaves_nothing_that_passes_for_finished(
    copied: Workflow, tmp_path: Path, stage: str, cases_of: CasesOf
) -> None:
    disk, then = tmp_path / "disk", {name: tmp_path / name for name in ("full", "whole")}
    disk.mkdir()
    config = yaml.safe_load((copied.folder / "results" / "config.yaml").read_text())
    (copied.folder / "other.yaml").write_text(yaml.safe_dump(config | {"output": str(disk / "results")}))
    run = f"{shlex.quote(sys.executable)} -m camfuse {STAGES[stage].format(disk=disk)}"
    done = in_own_mounts(
        copied,
        f"mount -t tmpfs -o size=8k none {disk} || exit 9\n"
        f"{run} > {tmp_path}/first.txt 2>&1; code=$?\n"
        f"cp -a {disk} {then['full']}; mount -o remount,size=100m {disk} || exit 9\n"
        f"{run} > {tmp_path}/second.txt 2>&1 || exit 7\n"
        f"cp -a {disk} {then['whole']}; exit $code",
    )
    first = (tmp_path / "first.txt").read_text()
    assert done.returncode == 2, first[-2000:] + done.stderr
    said = [line for line in first.splitlines() if "the disk is full: make room" in line]
    assert len(said) == 1 and str(disk) in said[0]
    assert "Traceback" not in first and "bug in camfuse" not in first
    for path in (one for one in then["full"].rglob("*") if one.is_file() and "logs" not in one.parts):
        whole = then["whole"] / path.relative_to(then["full"])
        assert not whole.exists() or path.read_bytes() == whole.read_bytes(), f"{path.name} passes for finished"
    assert not [path for one in then.values() for path in one.rglob("*.part")]
    cases_of(f"full disk, {stage}", refused=1)
