"""Made runs to report on."""

import shutil
from pathlib import Path

import pytest
from made_run import Run, clip_table, make_config, write_run


@pytest.fixture
def empty_run(tmp_path: Path) -> Run:
    """A run of which nothing exists yet."""
    return Run(make_config(tmp_path / "results"), clip_table())


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run, to look at only."""
    return write_run(tmp_path_factory.mktemp("report") / "results")


@pytest.fixture
def run(finished_run: Run, empty_run: Run) -> Run:
    """A finished run of its own, to change."""
    shutil.copytree(finished_run.folder, empty_run.folder)
    return empty_run
