"""Conda and pip install the same versions."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ENVS = Path(__file__).parents[1] / "envs"
SCRIPTS = sorted(ENVS.glob("*.post-deploy.sh"))
ENVIRONMENTS = sorted(ENVS.glob("*.yaml"))


def lines(name: str) -> list[str]:
    text = (ENVS / name).read_text().splitlines()
    return [line for line in text if line and not line.startswith("#")]


def by_name(packages: list[str]) -> dict[str, str]:
    return {canonicalize_name(Requirement(package).name): package for package in packages}


def pip_part(path: Path) -> dict[str, str]:
    """Return what pip installs into a conda environment, by name."""
    environment = yaml.safe_load(path.read_text())
    return by_name(next(part["pip"] for part in environment["dependencies"] if isinstance(part, dict)))


PINS = by_name(lines("pins.txt"))
PINS_GPU = by_name(lines("pins-gpu.txt"))


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_conda_environments_use_the_pins(path: Path) -> None:
    environment = yaml.safe_load(path.read_text())
    assert environment["channels"] == ["conda-forge"]
    for package in environment["dependencies"][:-1]:
        assert package.startswith("conda-forge::")
    pins = PINS | PINS_GPU if path.stem.endswith("-gpu") else PINS
    for name, package in pip_part(path).items():
        assert package == pins[name]


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="other packages are needed with another Python")
def test_conda_environments_pin_what_their_packages_need(path: Path) -> None:
    """As far as the packages are installed here; the run in environments from an index sees them all."""
    there = pip_part(path)
    seen = 0
    for name in there:
        try:
            needs = requires(name) or []
        except PackageNotFoundError:
            continue
        seen += 1
        for need in map(Requirement, needs):
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                (pin,) = Requirement(there[canonicalize_name(need.name)]).specifier
                assert need.specifier.contains(pin.version), f"{name} needs {need}: make envs"
    assert seen >= len(there) / 2


def test_planning_imports_no_more_than_snakemakes_environment_has() -> None:
    rules = (ENVS.parent / "workflow" / "rules" / "common.smk").read_text()
    imports = re.findall(r"^ *(from camfuse\S* import .*)$", rules, re.MULTILINE)
    assert len(imports) > 5
    code = "\n".join([*imports, "import sys", "print(*{name.split('.')[0] for name in sys.modules})"])
    out = subprocess.run([sys.executable, "-c", code], cwd=ENVS.parent, check=True, capture_output=True, text=True)
    owners = packages_distributions()
    loaded = {canonicalize_name(name) for module in out.stdout.split() for name in owners.get(module, [])}
    assert loaded - {"camfuse"} <= pip_part(ENVS / "workflow.yaml").keys() | {"setuptools"}


def test_the_variants_for_gpus_differ_in_what_runs_on_a_gpu() -> None:
    for name in ("pose-mmpose", "pose-rtmlib"):
        without, with_gpu = (pip_part(ENVS / f"{end}.yaml") for end in (name, f"{name}-gpu"))
        assert without.keys() - with_gpu.keys() == {"onnxruntime"}
        assert with_gpu.keys() - without.keys() == PINS_GPU.keys()
        scripts = [(ENVS / f"{end}.post-deploy.sh").read_text() for end in (name, f"{name}-gpu")]
        assert scripts[0] == scripts[1]


def test_there_is_an_environment_for_each_estimator_and_no_other_script() -> None:
    assert {path.name.split(".")[0] for path in SCRIPTS} == {
        path.stem for path in ENVIRONMENTS if path.stem.startswith("pose")
    }


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name.split(".")[0])
def test_a_script_installs_into_its_environment_whatever_is_active(path: Path) -> None:
    commands = [line for line in path.read_text().splitlines() if line and not line.startswith(("#", "set "))]
    assert commands
    for command in commands:
        assert command.startswith('"$CONDA_PREFIX/bin/python" -m pip install --no-deps ')


def test_mediapipe_is_the_same_on_both_routes() -> None:
    (pin,) = lines("mediapipe.txt")
    assert pin in (ENVS / "pose.post-deploy.sh").read_text()


def test_mediapipes_needs_agree_with_the_pins() -> None:
    for line in lines("mediapipe-needs.txt"):
        need = Requirement(line)
        (version,) = Requirement(PINS[canonicalize_name(need.name)]).specifier
        assert need.specifier.contains(version.version)


@pytest.mark.parametrize("path", sorted((ENVS / "executors").glob("*.txt")), ids=lambda path: path.stem)
def test_executor_plugins_are_pinned(path: Path) -> None:
    for line in lines(f"executors/{path.name}"):
        assert line == PINS[canonicalize_name(Requirement(line).name)]


def test_every_dependency_of_the_project_is_pinned() -> None:
    import tomllib

    project = tomllib.loads((ENVS.parent / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(p for extra in project["optional-dependencies"].values() for p in extra)]
    for text in wanted:
        need = Requirement(text)
        (pin,) = Requirement(PINS[canonicalize_name(need.name)]).specifier
        assert need.specifier.contains(pin.version), text


def test_mmpose_is_the_same_on_both_routes() -> None:
    script = (ENVS / "pose-mmpose.post-deploy.sh").read_text()
    for pin in [*lines("mmpose.txt"), *lines("mmpose-build.txt")]:
        assert pin in script.split()
        assert PINS[canonicalize_name(Requirement(pin).name)] == pin


def test_mmposes_needs_are_in_its_conda_environment() -> None:
    there = pip_part(ENVS / "pose-mmpose.yaml")
    for line in lines("mmpose-needs.txt"):
        need = Requirement(line)
        (pin,) = Requirement(there[canonicalize_name(need.name)]).specifier
        assert need.specifier.contains(pin.version)


def test_rtmlib_is_the_same_on_both_routes() -> None:
    (pin,) = lines("rtmlib.txt")
    assert pin in (ENVS / "pose-rtmlib.post-deploy.sh").read_text().split()
    assert PINS["rtmlib"] == pin
    assert set(lines("rtmlib-needs.txt")) <= pip_part(ENVS / "pose-rtmlib.yaml").keys()
