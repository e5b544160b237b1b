"""The finished small run; whole workflows are slow tests, all of them."""

from pathlib import Path

import pytest
from small_run import ALONE, ROOT, Workflow


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder as slow."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The small run, finished once for all tests; they may plan, but must leave its files as they are.

    Its `journal.txt` notes which files its processes wrote and renamed.
    """
    folder = tmp_path_factory.mktemp("run")
    (folder / "tmp").mkdir()
    extra = {"PYTHONPATH": str(ROOT / "tests" / "journal"), "CAMFUSE_JOURNAL": str(folder / "journal.txt")}
    workflow = Workflow(folder, extra=extra | {"TMPDIR": str(folder / "tmp")})
    workflow.run()
    return workflow


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The small run of the sequence stream alone, likewise."""
    workflow = Workflow(tmp_path_factory.mktemp("alone"))
    workflow.run(change=ALONE)
    return workflow
