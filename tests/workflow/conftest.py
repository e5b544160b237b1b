"""The finished small run."""

import pytest
from small_run import Workflow


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The small run, finished once for all tests; they may plan, but must leave its files as they are."""
    workflow = Workflow(tmp_path_factory.mktemp("run"))
    workflow.run()
    return workflow
