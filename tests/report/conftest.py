"""Made runs to report on."""

import shutil
from pathlib import Path

import pytest
from made_run import Run, clip_table, make_config, write_run

from camfuse.report.page import write_report
from camfuse.run.layout import Run as RunFiles
from tests.report.page_text import Text


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


@pytest.fixture(scope="session")
def page(finished_run: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of the finished run."""
    path = tmp_path_factory.mktemp("page") / "index.html"
    write_report(RunFiles(finished_run.config), path)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def text(page: str) -> Text:
    """Its text and elements."""
    return Text(page)
