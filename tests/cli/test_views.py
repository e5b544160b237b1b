"""The commands for people."""

from pathlib import Path

import pytest
from made_training import MadeRun
from run_command import camfuse, write_config

from camfuse.errors import TableError


@pytest.fixture(scope="module")
def config(trained: MadeRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config file of the run that is trained already."""
    return write_config(trained, tmp_path_factory.mktemp("config") / "made.yaml")


def test_results_of_a_run_and_of_none(trained: MadeRun, config: Path, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="found no file; run the workflow first"):
        camfuse("results", "--config", write_config(trained.with_config(output=str(tmp_path)), tmp_path / "x.yaml"))
