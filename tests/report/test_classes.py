"""Confused classes on the page."""

import numpy as np
import pandas as pd
import pytest
from made_run import EVIL, Run

from camfuse.errors import TableError
from camfuse.report.classes import Prediction, count_confusion, describe_classes
from tests.report.page_text import Text, written


def test_the_classes(text: Text) -> None:
    classes = text.sections["classes"]
    assert f"{EVIL} drink 1 2" in classes
    assert "drink book 1 2" in classes
    assert f"Most confident errors clip true class taken for probability test_2_1 {EVIL} drink 0.950" in classes
    assert "book 2 2 100.00" in classes


def test_many_classes_get_no_matrix(run: Run) -> None:
    classes = ["book", "drink", EVIL, *(f"word {i}" for i in range(60))]
    pd.DataFrame({"class_index": range(63), "label": classes}).to_csv(run.folder / "clips/classes.csv", index=False)
    text = Text(written(run))
    assert "63 classes: search a word" in text.sections["classes"]
    assert "drink book 1 2" in text.sections["classes"]


def test_two_thousand_classes(run: Run) -> None:
    """WLASL-2000's size: no matrix of four million cells, and a page that a browser opens."""
    labels = [f"word number {i}" for i in range(2000)]
    pd.DataFrame({"class_index": range(2000), "label": labels}).to_csv(run.folder / "clips/classes.csv", index=False)
    rng = np.random.default_rng(0)
    true, taken = rng.integers(0, 2000, (2, 3000))
    taken[:1500] = true[:1500]
    pd.DataFrame(
        {
            "clip_id": [f"clip_{i}" for i in range(3000)],
            "label": [labels[i] for i in true],
            "top1_label": [labels[i] for i in taken],
            "top1_probability": rng.random(3000).round(6),
        }
    ).to_csv(run.folder / "evaluate/predictions.csv", index=False)
    empty = pd.DataFrame({"split": "test", "class_index": range(2000), "label": labels, "listed": 3, "on_disk": 0})
    empty.assign(missing=3, used=0).to_csv(run.folder / "clips/coverage.csv", index=False)
    page = written(run)
    text = Text(page)
    assert len(page) < 10e6
    assert "2,000 classes: search a word" in text.sections["classes"]
    confused = {pair for pair in zip(true.tolist(), taken.tolist(), strict=True) if pair[0] != pair[1]}
    assert f"Most confused pairs (the first 15 of {len(confused)})" in page
    tested = len(set(true.tolist()))
    assert f"Accuracy by class, worst first ({tested:d})" in text.sections["classes"]


def test_confusion_by_hand() -> None:
    taken = [
        ("a", "book", "book", 0.9),
        ("b", "book", "sea", 0.6),
        ("c", "sea", "book", 0.8),
        ("d", "sea", "book", 0.8),
    ]
    predictions = [Prediction(*values) for values in taken]
    assert count_confusion(predictions, ["book", "sea", "tree"]).tolist() == [[1, 1, 0], [2, 0, 0], [0, 0, 0]]
    classes = describe_classes(predictions, ["book", "sea", "tree"])
    assert classes.confused.rows == [("sea", "book", "2", "2"), ("book", "sea", "1", "2")]
    assert [row[0] for row in classes.accuracy.rows] == ["sea", "book"]  # tree has no clip
    assert [row[0] for row in classes.errors.rows] == ["c", "d", "b"]
    with pytest.raises(TableError, match="'sea', taken for 'book'"):
        count_confusion(predictions, ["book", "tree"])
