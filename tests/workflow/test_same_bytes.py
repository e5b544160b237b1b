"""Two clean runs give the same bytes and the same figures, whatever the numbers of cores and workers."""

import json
from pathlib import Path

import pytest
from small_run import SMALL, Workflow, hashes, merged


@pytest.mark.torture
@pytest.mark.parametrize(("cores", "workers"), [(1, 0), (4, 2)])
def test_another_number_of_cores_and_workers_changes_nothing(
    finished: Workflow, tmp_path: Path, cores: int, workers: int
) -> None:
    again = Workflow(tmp_path, merged(SMALL, {"machine": {"workers": workers}}), cores=cores)
    again.run()
    ours, theirs = finished.folder / "results", tmp_path / "results"
    assert hashes(theirs) == hashes(ours)
    for name in ("results.csv", "predictions.csv", "confusion.csv"):
        assert (theirs / "evaluate" / name).read_text() == (ours / "evaluate" / name).read_text(), name
    for part in ("rgb", "pose", "fusion"):
        curves = [results / "train" / part / "curves.csv" for results in (ours, theirs)]
        assert curves[0].read_text() == curves[1].read_text(), part
    rows = [json.loads((results / "evaluate" / "results.json").read_text())["rows"] for results in (ours, theirs)]
    assert rows[0] == rows[1]
