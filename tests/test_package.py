"""What travels: wheel and source archive hold what they should and nothing else, and the wheel's workflow runs."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_videos import write_numbers

import camfuse

ROOT = Path(__file__).parents[1]
BUILD = "import sys, setuptools.build_meta as b; out = sys.argv[1]; b.build_sdist(out); b.build_wheel(out)"


def listed() -> list[str]:
    """Return the files that git knows or would add: not what runs and tools left behind."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("needs a checkout with git")
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file() or (ROOT / name).is_symlink()]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both out of a copy, without network, and return the folder that they lie in."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in listed():
        if name.startswith(("tests/", "docs/", "benchmarks/")):
            continue
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_symlink():
            (source / name).symlink_to((ROOT / name).readlink())
        else:
            (source / name).write_bytes((ROOT / name).read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out


def expected() -> Iterator[str]:
    """Give the files of the package as an installed one has them."""
    files = listed()
    yield from (
        name for name in files if name.startswith("camfuse/") and Path(name).suffix in (".py", ".typed", ".ckpt")
    )
    yield from (name for name in files if re.fullmatch(r"camfuse/(report|serve|show)/.*\.(html|css|js)", name))
    yield from (f"camfuse/shipped/{Path(name).name}" for name in files if re.fullmatch(r"config/\w+\.yaml", name))
    yield from (f"camfuse/{name}" for name in files if re.fullmatch(r"envs/[\w-]+\.yaml", name))
    yield from (f"camfuse/{name}" for name in files if re.fullmatch(r"workflow/(Snakefile|r.*\.(smk|rst))", name))
    yield "camfuse/workflow/profiles/default/config.yaml"


def test_the_wheel_holds_the_package_the_workflow_and_the_configs(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    found = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert sorted(found) == sorted(set(expected()))


def test_the_source_archive_holds_what_makes_the_wheel(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        found = {member.name.split("/", 1)[1] for member in files.getmembers() if not member.isdir()}
        assert not [member.name for member in files.getmembers() if member.issym() or member.islnk()]
    others = {name for name in found if not name.startswith(("camfuse/", "camfuse.egg-info/"))}
    assert {name for name in found if name.startswith("camfuse/")} == set(expected())
    assert others == {"CHANGELOG.md", "CITATION.cff", "LICENSE", "MANIFEST.in", "README.md", "PKG-INFO"} | {
        "pyproject.toml",
        "setup.cfg",
    }


def test_one_place_has_the_version(built: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "camfuse.__version__"}
    assert {path.name.split("-")[1].removesuffix(".tar.gz") for path in built.iterdir()} == {camfuse.__version__}
    cited = re.search(r'^version: "?([^"\n]+)', (ROOT / "CITATION.cff").read_text(), re.M)
    assert cited is None or cited[1] == camfuse.__version__


def test_the_wheels_workflow_runs_away_from_the_checkout(built: Path, tmp_path: Path) -> None:
    """Unpacked as pip would, it runs a job to its end; conda environments are for a checkout, and that is said."""
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    for name in ("001_001_001.mp4", "001_009_001.mp4"):
        write_numbers(tmp_path / name, frames=int(name[4:7]))
    clips = "{lsa64: {videos: .}, missing: drop, shards: 1}"
    (tmp_path / "my.yaml").write_text(f"output: out\nclips: {clips}\npose: {{mediapipe: {{}}}}\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "camfuse", "run", "my.yaml", *words]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    done = run("out/frames/0000.h5")
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "site" / "camfuse" / "workflow" / "Snakefile") in done.stderr
    assert (tmp_path / "out" / "frames" / "0000.h5").is_file()
    refused = run("--", "--dry-run", "--use-conda")
    assert refused.returncode == 2
    assert "expected a checkout" in refused.stderr
