"""What the page says of the clip table."""

from pathlib import Path

import pandas as pd
from made_run import EVIL

from camfuse.clips.files import ClipFiles
from camfuse.report.coverage import coverage_tables, duplicate_table, read_notes, split_table
from tests.report.page_text import Text


def test_the_clips(text: Text) -> None:
    clips = text.sections["clips"]
    assert "train 6 3 1" in clips and "all 15 3 3" in clips
    assert "val 10 3 7 3" in clips
    assert "Classes that lost all clips of a split that the label files list (1)" in clips and "water val 4" in clips
    assert "1 test_book_0 book test yes no yes" in clips
    assert f"The label {EVIL} is odd." in clips
    assert f"train_gone pose nobody seen {EVIL}" in clips


def test_splits_by_hand() -> None:
    columns = ["clip_id", "label", "signer", "split"]
    rows = [("a", "book", "ann", "train"), ("b", "book", "ann", "train"), ("c", "sea", "", "val")]
    table = split_table(pd.DataFrame(rows, columns=columns))
    # an unknown signer is not counted
    assert table.rows == [
        ("train", "2", "1", "1"),
        ("val", "1", "1", "-"),
        ("test", "0", "0", "-"),
        ("all", "3", "2", "1"),
    ]


def test_clips_that_a_stage_left_out_are_counted_apart() -> None:
    columns = ["clip_id", "label", "signer", "split"]
    rows = [("a", "book", "ann", "train"), ("b", "sea", "bob", "train"), ("c", "sea", "cat", "test")]
    table = split_table(pd.DataFrame(rows, columns=columns), {"b"})
    assert table.head == ("split", "clips", "classes", "signers", "left out by a stage")
    assert table.rows == [
        ("train", "1", "1", "1", "1"),
        ("val", "0", "0", "-", "0"),
        ("test", "1", "1", "1", "0"),
        ("all", "2", "2", "2", "1"),
    ]


def test_before_the_clip_table_there_is_nothing(tmp_path: Path) -> None:
    files = ClipFiles(tmp_path)
    assert coverage_tables(files) is None and duplicate_table(files) is None and read_notes(files) == []
