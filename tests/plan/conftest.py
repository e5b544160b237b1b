"""A run of which only the clip table is there."""

from collections.abc import Callable
from pathlib import Path

import pytest
from made_training import MakeRun

from camfuse.clips.table import SHARD_COLUMNS
from camfuse.run.layout import DATA_STAGES, Run


@pytest.fixture
def table_only(make_run: MakeRun, tmp_path: Path) -> Callable[..., Run]:
    """Return a function that makes one: `table_only({"train": 4, "val": 2, "test": 3}, machine={...})`."""

    def make(counts: dict[str, int], **sections: object) -> Run:
        run = make_run(tmp_path / "results", counts, **sections).run
        files, rows = run.clip_files, run.clips()
        files.shards.mkdir()
        for name in run.shard_names:
            rows[rows["shard"] == name][list(SHARD_COLUMNS)].to_csv(files.shard(name), index=False)
            for stage in DATA_STAGES:
                run.shard_path(stage, name).unlink(missing_ok=True)
        for path in (files.coverage, files.duplicates, files.leaks, files.notes):
            path.write_text("")
        return run

    return make
