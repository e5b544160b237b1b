"""Conda and pip install the same versions."""

from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ENVS = Path(__file__).parents[1] / "envs"


def lines(name: str) -> list[str]:
    text = (ENVS / name).read_text().splitlines()
    return [line for line in text if line and not line.startswith("#")]


PINS = {Requirement(line).name.lower().replace("_", "-"): line for line in lines("pins.txt")}


@pytest.mark.parametrize("path", sorted(ENVS.glob("*.yaml")), ids=lambda path: path.stem)
def test_conda_environments_use_the_pins(path: Path) -> None:
    environment = yaml.safe_load(path.read_text())
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    packages = next(part["pip"] for part in environment["dependencies"] if isinstance(part, dict))
    for package in packages:
        name = Requirement(package).name.lower().replace("_", "-")
        assert Requirement(package).specifier == Requirement(PINS[name]).specifier, package


def test_mediapipe_is_the_same_on_both_routes() -> None:
    (pin,) = lines("mediapipe.txt")
    assert pin in (ENVS / "pose.post-deploy.sh").read_text()


def test_mediapipes_needs_agree_with_the_pins() -> None:
    for line in lines("mediapipe-needs.txt"):
        need = Requirement(line)
        (version,) = Requirement(PINS[need.name.lower()]).specifier
        assert need.specifier.contains(version.version)


@pytest.mark.parametrize("path", sorted((ENVS / "executors").glob("*.txt")), ids=lambda path: path.stem)
def test_executor_plugins_are_pinned(path: Path) -> None:
    for line in lines(f"executors/{path.name}"):
        assert line == PINS[Requirement(line).name.lower()]


def test_every_dependency_of_the_project_is_pinned() -> None:
    import tomllib

    project = tomllib.loads((ENVS.parent / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(p for extra in project["optional-dependencies"].values() for p in extra)]
    for text in wanted:
        need = Requirement(text)
        (pin,) = Requirement(PINS[need.name.lower().replace("_", "-")]).specifier
        assert need.specifier.contains(pin.version), text


def test_mmpose_is_the_same_on_both_routes() -> None:
    script = (ENVS / "pose-mmpose.post-deploy.sh").read_text()
    for pin in [*lines("mmpose.txt"), *lines("mmpose-build.txt")]:
        assert pin in script.split()
        assert PINS[Requirement(pin).name] == pin


def test_mmposes_needs_are_in_its_conda_environment() -> None:
    environment = yaml.safe_load((ENVS / "pose-mmpose.yaml").read_text())
    packages = next(part["pip"] for part in environment["dependencies"] if isinstance(part, dict))
    there = {Requirement(package).name.lower() for package in packages}
    for line in lines("mmpose-needs.txt"):
        need = Requirement(line)
        assert need.name.lower() in there
        (pin,) = Requirement(PINS[need.name.lower()]).specifier
        assert need.specifier.contains(pin.version)


def test_rtmlib_is_the_same_on_both_routes() -> None:
    (pin,) = lines("rtmlib.txt")
    assert pin in (ENVS / "pose-rtmlib.post-deploy.sh").read_text().split()
    assert PINS["rtmlib"] == pin
    environment = yaml.safe_load((ENVS / "pose-rtmlib.yaml").read_text())
    packages = next(part["pip"] for part in environment["dependencies"] if isinstance(part, dict))
    assert {PINS[name] for name in lines("rtmlib-needs.txt")} <= set(packages)
