"""Every training of these tests runs in one thread."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def small_nets(one_thread: None) -> None:
    """Take `one_thread` for the tests without a made run, too."""
