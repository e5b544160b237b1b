"""The page's tables, and the files that they are read from."""

import math
import re
from pathlib import Path

import pytest
from made_run import Run

from camfuse.errors import TableError
from camfuse.report.page import write_report
from camfuse.report.tables import Table, check_fingerprint, duration, read_csv, read_json
from camfuse.run.layout import Run as RunFiles


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("evaluate/results.json", "{", "expected JSON"),
        ("evaluate/results.json", '{"rows": [{"row": "rgb"}]}', "expected split, main, rows"),
        (
            "evaluate/results.json",
            '{"split": "test", "samplings": 1, "main": "rgb", "weights": {}, "tuned": false, "fingerprint": "", '
            '"rows": []}',
            "expected at least one row",
        ),
        ("evaluate/predictions.csv", "clip_id,label\na,b\n", "expected column `top1_label`"),
        ("evaluate/predictions.csv", "clip_id,label,top1_label,top1_probability\na,book,book,x\n", "expected numbers"),
        (
            "evaluate/predictions.csv",
            "clip_id,label,top1_label,top1_probability\na,book,book,\n",
            "a probability of 0 to 1",
        ),
        (
            "evaluate/predictions.csv",
            "clip_id,label,top1_label,top1_probability\na,sea,book,1\n",
            "'sea', taken for 'book'",
        ),
        ("train/rgb/curves.csv", "", "expected a CSV table"),
        ("train/rgb/curves.csv", "epoch,split,head,loss,top1\n", "expected at least one epoch"),
        ("train/rgb/summary.json", "[]", "expected a training's summary"),
        ("clips/classes.csv", "class_index,label\n1,book\n", "expected class_index 0, 1, 2"),
        ("benchmarks/train_rgb.tsv", "seconds\n1\n", "expected column `s`"),
    ],
)
def test_a_damaged_table_is_named(run: Run, path: str, content: str, message: str) -> None:
    (run.folder / path).write_text(content, encoding="utf-8")
    with pytest.raises(TableError, match=re.escape(message)):
        write_report(RunFiles(run.config), run.page)
    assert not run.page.exists()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (60, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3600, "1 h 00 min"),
        (7265, "2 h 01 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_cut_table_counts_what_it_left_out() -> None:
    table = Table("t", ("a",), [(str(i),) for i in range(5)])
    short = table.cut(3)
    assert (short.rows, short.left_out) == ([("0",), ("1",), ("2",)], 2)
    assert short.cut(1).left_out == 4
    assert table.cut(5).left_out == 0 and len(table.rows) == 5


def test_text_stays_text_and_an_empty_number_is_nan(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("clip_id,label,n\n007,nan,3\n008,,-\n", encoding="utf-8")
    rows = read_csv(path, ("clip_id", "label", "n"), ("clip_id", "label"))
    assert rows is not None
    assert rows["clip_id"].tolist() == ["007", "008"] and rows["label"].tolist() == ["nan", ""]
    assert rows["n"][0] == 3 and math.isnan(rows["n"][1])


def test_no_file_is_no_error(tmp_path: Path) -> None:
    assert read_csv(tmp_path / "none.csv", ("a",)) is None
    assert read_json(tmp_path / "none.json") is None


def test_another_fingerprint_is_refused(tmp_path: Path) -> None:
    check_fingerprint(tmp_path, expected="a", found="a")
    with pytest.raises(TableError, match="expected fingerprint a, found b"):
        check_fingerprint(tmp_path, expected="a", found="b")
