"""``--use-conda``: the small run, each rule in the environment that its env file describes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_run import ROOT, Workflow, hashes, same_results
from stand_in_conda import install


def need_an_index(folder: Path) -> None:
    """Skip where pip cannot fetch packages."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-c", str(ROOT / "envs" / "pins.txt")]
    done = subprocess.run([*command, "-d", str(folder), "tqdm"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs a package index: {done.stderr.strip().splitlines()[-1]}")


def run_with_conda(finished: Workflow, folder: Path, extra: dict[str, str]) -> None:
    workflow = Workflow(folder / "run", extra=extra)
    workflow.folder.mkdir()
    out = workflow.run("--use-conda", "--conda-prefix", str(folder / "envs"))
    made = sorted(path.stem for path in (folder / "envs").glob("*.yaml"))
    assert len(made) == 3  # prep, pose, train
    assert out.count("Activating conda environment") >= 15
    assert hashes(workflow.folder / "results") == hashes(finished.folder / "results")
    same_results(workflow.folder / "results", finished.folder / "results")


@pytest.mark.torture
def test_the_pip_part_of_each_environment_runs_its_rules(finished: Workflow, tmp_path: Path) -> None:
    need_an_index(tmp_path / "probe")
    path = os.pathsep.join([str(install(tmp_path / "conda")), os.environ["PATH"]])
    run_with_conda(finished, tmp_path, {"PATH": path})


@pytest.mark.torture
def test_the_small_run_with_conda(finished: Workflow, tmp_path: Path) -> None:
    if not shutil.which("conda"):
        pytest.skip("needs conda on the PATH")
    run_with_conda(finished, tmp_path, {})
