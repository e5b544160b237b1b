"""The page's table of what splits share."""

from pathlib import Path

from made_training import MakeRun

from camfuse.clips.leaks import COLUMNS
from camfuse.report.leaks import leaks_table


def test_pairs_of_table_and_keypoints_stand_together(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"train": 2, "test": 1}).run
    assert leaks_table(run) is None
    run.clip_files.leaks.write_text(",".join(COLUMNS) + "\n")
    table = leaks_table(run)
    assert table is not None and table.rows == []
    line = "same recording,test-0-0,test,red,train-0-1,train,red,"
    run.clip_files.leaks.write_text(f"{','.join(COLUMNS)}\n{line}\n")
    table = leaks_table(run)
    assert table is not None and table.rows == [(*line.split(","),)] and len(table.head) == len(COLUMNS)
