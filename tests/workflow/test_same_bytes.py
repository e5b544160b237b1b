"""Two clean runs give the same bytes and the same figures, whatever the numbers of cores and workers."""

from pathlib import Path

import pytest
from small_run import SMALL, Workflow, hashes, same_results

from camfuse.config.read import merged


@pytest.mark.torture
@pytest.mark.parametrize(("cores", "workers"), [(2, 0), (1, 1), (4, 2)])
def test_another_clean_run_with_any_cores_and_workers_is_the_same(
    finished: Workflow, tmp_path: Path, cores: int, workers: int
) -> None:
    again = Workflow(tmp_path, merged(SMALL, {"machine": {"workers": workers}}), cores=cores)
    again.run()
    ours, theirs = finished.folder / "results", tmp_path / "results"
    assert len(hashes(ours)) == 8 + 15  # shards and drawn videos
    assert hashes(theirs) == hashes(ours)
    same_results(theirs, ours)
