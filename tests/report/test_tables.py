"""The page's tables, and the files that they are read from."""

import re

import pytest
from made_run import Run

from camfuse.errors import TableError
from camfuse.report.page import write_report
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
