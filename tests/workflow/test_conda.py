"""``--use-conda``: the small run, each rule in the environment that its env file describes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conda_shells import SHELLS, Shell, shell
from packaging.utils import canonicalize_name
from small_run import ROOT, Workflow, hashes, same_results
from stand_in_conda import create, install, pip_part

SHARD = ("avatars", "frames", "pose", "crops", "heatmaps")
TRAINED = ("train-part", "train-part", "train-part", "evaluate", "report")


def need_an_index(folder: Path) -> None:
    """Skip where pip cannot fetch packages."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-c", str(ROOT / "envs" / "pins.txt")]
    done = subprocess.run([*command, "-d", str(folder), "tqdm"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs a package index: {done.stderr.strip().splitlines()[-1]}")


def made_of(environments: Path) -> dict[Path, str]:
    """Return the env file of each environment that was made below a prefix."""
    sources = {path.read_bytes(): path.stem for path in (ROOT / "envs").glob("*.yaml")}
    return {copy.with_suffix(""): sources[copy.read_bytes()] for copy in environments.glob("*.yaml")}


def check_jobs(there: Shell, workflow: Workflow, environments: Path) -> list[str]:
    """Check that each job ran in its own environment and says so; return the stages."""
    made = made_of(environments)
    jobs = [start for start in there.starts() if start.stage]
    for job in jobs:
        wanted = {"pose": "pose"} | dict.fromkeys(TRAINED, "train")
        assert made[job.prefix] == wanted.get(job.stage or "", "prep"), job
        assert job.no_user_site == "1"
        log = Path(workflow.folder, job.command[job.command.index("--log") + 1]).read_text()
        assert f"{job.prefix}/bin/python" in log
    installed = [start for start in there.starts() if start.command[1:4] == ["-m", "pip", "install"]]
    assert [made[start.prefix] for start in installed] == ["pose"]
    assert installed[0].no_user_site == "1"
    return sorted(job.stage or "" for job in jobs)


@pytest.mark.parametrize("name", SHELLS[:1] + SHELLS[2:])
def test_jobs_run_in_their_environments(name: str, finished: Workflow, tmp_path: Path) -> None:
    with shell(name, tmp_path / "conda") as there:
        workflow = there.workflow(tmp_path / "run")
        workflow.run("results/heatmaps/0000.h5", "--use-conda", "--conda-prefix", str(tmp_path / "envs"))
        assert check_jobs(there, workflow, tmp_path / "envs") == sorted(SHARD)
    assert hashes(workflow.folder / "results").items() <= hashes(finished.folder / "results").items()


def test_a_whole_run_with_base_active_is_no_reason_to_run_again(finished: Workflow, tmp_path: Path) -> None:
    with shell("base", tmp_path / "conda") as there:
        workflow = there.workflow(tmp_path / "run")
        conda = ("--use-conda", "--conda-prefix", str(tmp_path / "envs"))
        workflow.run(*conda)
        assert check_jobs(there, workflow, tmp_path / "envs") == sorted([*SHARD * 2, *TRAINED])
        assert hashes(workflow.folder / "results") == hashes(finished.folder / "results")
        same_results(workflow.folder / "results", finished.folder / "results")
        # on and off, elsewhere, and with another version of a library
        assert workflow.planned(options=conda) == {}
        assert workflow.planned() == {}
        assert workflow.planned(options=("--use-conda", "--conda-prefix", str(tmp_path / "other"))) == {}
        workflow.root = with_another_pin(tmp_path / "checkout")
        assert workflow.planned(options=conda) == {}


def with_another_pin(root: Path) -> Path:
    """Lay out a checkout whose environments have another tqdm."""
    for name in ("camfuse", "workflow", "envs"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", root)
    (root / "profiles").symlink_to("workflow/profiles")
    for path in (root / "envs").glob("*.yaml"):
        text = path.read_text()
        assert "tqdm==" in text
        path.write_text(text.replace("tqdm==", "tqdm==0."))
    return root


@pytest.mark.parametrize("profile", ["default", "generic", "kubernetes", "slurm"])
def test_no_profile_watches_the_environments(profile: str) -> None:
    text = (ROOT / "workflow" / "profiles" / profile / "config.yaml").read_text()
    assert "\nrerun-triggers: [mtime, params, input, code]" in text


def test_what_was_made_without_conda_is_taken_with_it(finished: Workflow, tmp_path: Path) -> None:
    with shell("base", tmp_path / "conda") as there:
        workflow = there.workflow(tmp_path / "run")
        workflow.folder = finished.folder
        assert workflow.planned(options=("--use-conda", "--conda-prefix", str(tmp_path / "envs"))) == {}


def installed(python: Path) -> set[str]:
    """Return the pins of what is installed for a Python, except for what installs, and which build of torch it is."""
    code = "from importlib.metadata import distributions as all\nfor one in all(): print(one.name, one.version)"
    out = subprocess.run([python, "-I", "-c", code], check=True, capture_output=True, text=True).stdout
    pins = {name: pin.split("+")[0] for name, pin in (line.split() for line in out.splitlines())}
    return {f"{canonicalize_name(name)}=={pin}" for name, pin in pins.items()} - {
        f"{name}=={pins[name]}" for name in ("pip", "setuptools", "wheel") if name in pins
    }


def described(name: str) -> set[str]:
    """Return the pins of an environment's file and script, likewise."""
    script = ROOT / "envs" / f"{name}.post-deploy.sh"
    pins = pip_part(ROOT / "envs" / f"{name}.yaml")
    pins += [word for word in script.read_text().split() if "==" in word] if script.exists() else []
    pairs = (pin.split("==") for pin in pins)
    return {f"{canonicalize_name(name)}=={pin}" for name, pin in pairs if name not in ("setuptools", "wheel")}


def run_with_conda(finished: Workflow, folder: Path, extra: dict[str, str]) -> None:
    workflow = Workflow(folder / "run", extra=extra)
    workflow.folder.mkdir()
    out = workflow.run("--use-conda", "--conda-prefix", str(folder / "envs"))
    made = made_of(folder / "envs")
    assert sorted(made.values()) == ["pose", "prep", "train"]
    assert out.count("Activating conda environment") >= 15
    assert hashes(workflow.folder / "results") == hashes(finished.folder / "results")
    same_results(workflow.folder / "results", finished.folder / "results")
    for prefix, name in made.items():
        assert installed(prefix / "bin" / "python") == described(name)


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


def with_pip(_: Path, prefix: Path) -> None:
    """Make the environment that runs Snakemake as the README says for those without conda in it."""
    subprocess.run([sys.executable, "-m", "venv", prefix], check=True)
    needs = ["-c", ROOT / "envs" / "pins.txt", "-r", ROOT / "envs" / "workflow.txt"]
    subprocess.run([prefix / "bin" / "python", "-m", "pip", "install", "--quiet", *needs], check=True)


@pytest.mark.torture
@pytest.mark.parametrize("make", [create, with_pip], ids=["conda", "pip"])
def test_snakemakes_environment_needs_no_more_than_its_file_says(
    make: Callable[[Path, Path], None], finished: Workflow, tmp_path: Path
) -> None:
    need_an_index(tmp_path / "probe")
    with shell("nothing active", tmp_path / "conda") as there:
        make(ROOT / "envs" / "workflow.yaml", tmp_path / "snakemake")
        assert installed(tmp_path / "snakemake" / "bin" / "python") == described("workflow")
        there.python = str(tmp_path / "snakemake" / "bin" / "python")
        workflow = there.workflow(tmp_path / "run")
        workflow.run("results/frames/0000.h5", "--use-conda", "--conda-prefix", str(tmp_path / "envs"))
    assert hashes(workflow.folder / "results").items() <= hashes(finished.folder / "results").items()
