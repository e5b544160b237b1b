"""Outcomes as a table, CSV and JSON lines."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from camfuse.predict.answer import Sign, VideoAnswer
from camfuse.predict.live import LiveSign
from camfuse.predict.many import Outcome
from camfuse.predict.written import COLUMNS, Format, header, written, written_live

WORDS = ("a, b", "c")
SIGN = Sign(0.5, 2.0, WORDS, np.array([0.75, 0.25], np.float32))
GOOD = Outcome(Path("x y.mp4"), VideoAnswer("x y.mp4", (SIGN,), 50, 2.0), None, None)
NONE = Outcome(Path("n.mp4"), VideoAnswer("n.mp4", (), 50, 2.0), None, None)
BAD = Outcome(Path("b.mp4"), None, None, 'no "video"')


def test_a_table_for_people() -> None:
    lines = written(GOOD, "table", 5).splitlines()
    assert lines == ["x y.mp4  (50 frames, 2.00 s)", f"  a, b   75.0%  {'#' * 22}", f"  c      25.0%  {'#' * 8}"]
    assert written(BAD, "table", 5) == 'b.mp4\n  no answer: no "video"\n'
    assert written(NONE, "table", 5).endswith("no sign found\n")
    unknown = Sign(0.5, 2.0, WORDS, SIGN.probabilities, known=False)
    lines = written(Outcome(Path("u"), VideoAnswer("u", (unknown,), 50, 2.0), None, None), "table", 1).splitlines()
    assert lines[1] == "  0.50 to 2.00 s  no known sign; nearest:"


def test_csv_is_read_back() -> None:
    text = header("csv") + "".join(written(one, "csv", 2) for one in (GOOD, NONE, BAD))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["video"], row["label"], row["probability"]) for row in rows[:2]] == [
        ("x y.mp4", "a, b", "0.750000"),
        ("x y.mp4", "c", "0.250000"),
    ]
    assert rows[2]["known"] == "False" and rows[3]["error"] == 'no "video"'


def test_json_lines_are_read_back() -> None:
    good, none, bad = (json.loads(written(one, "jsonl", 1)) for one in (GOOD, NONE, BAD))
    assert good["signs"][0] == {
        "start": 0.5,
        "end": 2.0,
        "known": True,
        "top": [{"label": "a, b", "probability": 0.75}],
    }
    assert none["signs"] == [] and none["error"] is None
    assert bad == {"video": "b.mp4", "error": 'no "video"'}


def test_a_sign_that_is_answered_anew_keeps_its_number() -> None:
    """A program must be able to tell a corrected answer from a second sign."""
    first, again = (LiveSign(7, replace(SIGN, end=end), 0.1) for end in (2.0, 2.5))
    rows = header("csv", live=True) + "".join(written_live(one, "camera 0", "csv", 1) for one in (first, again))
    found = [(row["video"], row["number"], row["end"]) for row in csv.DictReader(io.StringIO(rows))]
    assert found == [("camera 0", "7", "2.000"), ("camera 0", "7", "2.500")]
    assert json.loads(written_live(again, "camera 0", "jsonl", 1)) == {
        "video": "camera 0",
        "error": None,
        "number": 7,
        "signs": [{"start": 0.5, "end": 2.5, "known": True, "top": [{"label": "a, b", "probability": 0.75}]}],
    }
    assert written_live(first, "camera 0", "table", 1) == "  7     0.50 to    2.00 s  a, b 75%\n"


@pytest.mark.parametrize("form", ["table", "jsonl"])
def test_only_csv_has_a_header(form: Format) -> None:
    assert header(form) == header(form, live=True) == ""
