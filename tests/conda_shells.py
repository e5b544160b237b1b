"""The shells that people start Snakemake from, with the stand-in for conda (`stand_in_conda.py`)."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from sysconfig import get_path
from unittest.mock import patch

import stand_in_conda
from small_run import ROOT, Workflow

SHELLS = ("nothing active", "base", "Snakemake's own environment", "a venv on top of base")
PYTHON = str(Path(sys.executable).parent)


@dataclass
class Start:
    """One start of a Python of an environment, as the stand-in's environments note it."""

    prefix: Path
    command: list[str]
    no_user_site: str | None

    @property
    def stage(self) -> str | None:
        """The sub-command of camfuse, if it is one."""
        after = self.command[1:4]
        return after[2] if after[:2] == ["-m", "camfuse"] else None


@dataclass
class Shell:
    """A shell with conda: its Python that has Snakemake, and what its environment holds."""

    home: Path
    python: str
    variables: dict[str, str]
    journal: Path = field(init=False)

    def __post_init__(self) -> None:
        self.journal = self.home / "journal.txt"

    def workflow(self, folder: Path) -> Workflow:
        """Return a small run in a new folder; its environments link the tests' packages."""
        folder.mkdir()
        linked = {stand_in_conda.PACKAGES: get_path("purelib"), stand_in_conda.JOURNAL: str(self.journal)}
        return Workflow(folder, extra=self.variables | linked, python=self.python)

    def starts(self) -> list[Start]:
        """Return what ran in the environments, in this order."""
        # a virtual environment reads its .pth files twice
        lines = dict.fromkeys(self.journal.read_text().splitlines())
        noted = [json.loads(line) for line in lines]
        return [Start(Path(prefix), command, no_user_site) for _, prefix, command, no_user_site in noted]


@contextmanager
def shell(name: str, home: Path) -> Iterator[Shell]:
    """Install the stand-in below `home` and give the shell of that name, without what is active around the tests."""
    condabin = stand_in_conda.install(home)
    own = home / "envs" / "snakemake"
    python, first = sys.executable, [PYTHON]
    active: dict[str, str] = {"CONDA_SHLVL": "0"}
    if name != SHELLS[0]:
        active = {"CONDA_SHLVL": "1", "CONDA_PREFIX": str(home), "CONDA_DEFAULT_ENV": "base"}
        first = [str(home / "bin")]
    if name == SHELLS[2]:
        with patch.dict(os.environ, {stand_in_conda.PACKAGES: get_path("purelib")}):
            stand_in_conda.create(ROOT / "envs" / "prep.yaml", own)
        active |= {"CONDA_SHLVL": "2", "CONDA_PREFIX": str(own), "CONDA_PREFIX_1": str(home)}
        python, first = str(own / "bin" / "python"), [str(own / "bin")]
    if name == SHELLS[3]:
        active |= {"VIRTUAL_ENV": sys.prefix}
        first = [PYTHON, str(home / "bin")]
    outside = {key: value for key, value in os.environ.items() if not key.startswith(("CONDA", "VIRTUAL_ENV"))}
    path = [*first, str(condabin), *(part for part in os.environ["PATH"].split(os.pathsep) if part != PYTHON)]
    with patch.dict(os.environ, outside, clear=True):
        yield Shell(home, python, active | {"PATH": os.pathsep.join(path)})
