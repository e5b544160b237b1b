"""A made run to look at."""

import pytest
from made_training import MakeConfig

from camfuse.run.layout import Run
from tests.show.made_clips import write_run


@pytest.fixture
def run(make_config: MakeConfig) -> Run:
    """A run's folder with one shard of three clips."""
    clips = {"folder": {"videos": "videos"}, "shards": 1}
    return write_run(make_config(clips=clips, crops={"size": 64}, bad_clips="skip"))
