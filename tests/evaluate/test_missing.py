"""Which clips of a split cannot be tested, and of which class they are."""

import pandas as pd
import pytest
from made_training import MakeConfig

from camfuse.errors import TableError
from camfuse.evaluate.missing import find_missing
from camfuse.run.layout import Run
from camfuse.run.shard import LeftOut

ROWS = pd.DataFrame({"clip_id": ["a", "b", "c"], "class_index": [0, 1, 1]})
LOST = {"b": LeftOut("pose", "nothing fits")}


@pytest.fixture
def run(make_config: MakeConfig) -> Run:
    """Coverage: of test, one clip of class 1 and two of class 2 are not on disk."""
    run = Run(make_config())
    rows = [("train", 0, 9), ("test", 0, 0), ("test", 1, 1), ("test", 2, 2)]
    run.clip_files.folder.mkdir(parents=True)
    table = pd.DataFrame(rows, columns=["split", "class_index", "missing"])
    table.to_csv(run.clip_files.coverage, index=False)
    return run


def test_left_out_and_not_on_disk_are_added_by_class(run: Run) -> None:
    missing, by_class = find_missing(run, "test", ROWS, LOST, whole=True)
    assert (missing.left_out, missing.not_on_disk, missing.count) == (LOST, 3, 4)
    assert by_class == {1: 2, 2: 2}


def test_of_chosen_clips_only_those_that_were_left_out_are_missing(run: Run) -> None:
    missing, by_class = find_missing(run, "test", ROWS, LOST, whole=False)
    assert (missing.not_on_disk, missing.count) == (None, 1)
    assert by_class == {1: 1}


def test_words_kept_out_of_training_are_not_missing(run: Run, make_config: MakeConfig) -> None:
    other = Run(make_config(train={"unknown_words": ["c"]}))
    other.clip_files.classes.write_text("class_index,label\n0,a\n1,b\n2,c\n")
    missing, by_class = find_missing(other, "test", ROWS, {}, whole=True)
    assert (missing.not_on_disk, by_class) == (1, {1: 1})


def test_without_the_table_nobody_knows_what_is_on_disk(run: Run) -> None:
    run.clip_files.coverage.unlink()
    assert find_missing(run, "test", ROWS, {}, whole=True)[0].not_on_disk is None


def test_a_damaged_table_is_named(run: Run) -> None:
    run.clip_files.coverage.write_text("split,label\ntest,x\n")
    with pytest.raises(TableError, match=r"coverage\.csv"):
        find_missing(run, "test", ROWS, {}, whole=True)
