"""The clip table: its checks, its shards, reading it back."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from camfuse.clips.table import (
    COLUMNS,
    SHARD_COLUMNS,
    check_rows,
    read_classes,
    read_clips,
    read_shard_clips,
    shard_names,
    shard_of,
)
from camfuse.errors import TableError


def table(**changes: object) -> pd.DataFrame:
    row = dict.fromkeys(COLUMNS, "") | {"clip_id": "a", "label": "x", "split": "train", "start": 0.0, "end": np.nan}
    return pd.DataFrame([row | changes])


def test_a_clip_stays_in_its_shard() -> None:
    assert shard_names(3) == ["0000", "0001", "0002"]
    assert shard_of("hello--1", 1) == "0000"
    places = [shard_of(f"clip{number}", 8) for number in range(400)]
    assert set(places) == set(shard_names(8))
    assert places == [shard_of(f"clip{number}", 8) for number in range(400)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clip_id": "a b"}, "letters, digits"),
        ({"label": "y"}, "label: expected one of the classes, found 'y'"),
        ({"split": "holdout"}, "split: expected train, val or test, found 'holdout'"),
        ({"label": ""}, "label: expected one of the classes, found ''"),
        ({"label": "a\rb"}, r"label: expected no control characters, found '\\r' in 'a\\rb'"),
        ({"signer": "a\nb\t"}, r"signer: expected no control characters, found '\\t', '\\n' in"),
        ({"video": "caf\udce9.mp4"}, r"video: expected a name in UTF-8, found 'caf\\udce9\.mp4': rename it"),
        ({"start": -1.0}, "start: expected seconds, 0 or more"),
        ({"start": 2.0, "end": 1.0}, "end: expected seconds after start"),
    ],
)
def test_each_fault_is_named_with_its_row(changes: dict[str, object], message: str) -> None:
    check_rows(table(), ["x"], "table")
    with pytest.raises(TableError, match=rf"clip {changes.get('clip_id', 'a')}: .*{message}"):
        check_rows(table(**changes), ["x"], "table")
    with pytest.raises(TableError, match=rf"line 7 \({changes.get('clip_id', 'a')}\): .*{message}"):
        check_rows(table(**changes), ["x"], "table", [7])


@pytest.mark.parametrize(("name", "message"), [("a\u2028b", "no control characters"), ("", "a word, found none")])
def test_a_class_without_clips_is_checked_too(name: str, message: str) -> None:
    with pytest.raises(TableError, match=f"class {name!r}: expected {message}".replace("\\", "\\\\")):
        check_rows(table(), ["x", name], "table")


def test_an_empty_table_and_a_missing_column_are_refused() -> None:
    with pytest.raises(TableError, match="at least one clip"):
        check_rows(table().head(0), ["x"], "table")
    with pytest.raises(TableError, match="expected column `split`"):
        check_rows(table().drop(columns="split"), ["x"], "table")


def test_words_like_null_survive_and_an_empty_end_is_infinite(tmp_path: Path) -> None:
    path = tmp_path / "0000.csv"
    rows = [("null", "a.mp4", 0.5, np.nan, "", "i"), ("NA", "b.mp4", 0.0, 2.0, "k.pose", "j")]
    pd.DataFrame(rows, columns=list(SHARD_COLUMNS)).to_csv(path, index=False)
    first, second = read_shard_clips(path)
    assert (first.clip_id, first.start, first.end, first.annotation) == ("null", 0.5, float("inf"), None)
    assert (second.clip_id, second.end, second.annotation) == ("NA", 2.0, Path("k.pose"))


def test_damaged_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="run the workflow first"):
        read_clips(tmp_path / "clips.csv")
    path = tmp_path / "classes.csv"
    path.write_text("class_index,label\n0,a\n2,b\n")
    with pytest.raises(TableError, match="0, 1, 2"):
        read_classes(path)
    path.write_text("class_index,label\n0,a\n1,b\n")
    assert read_classes(path) == ("a", "b")
    path.write_text("label\na\n")
    with pytest.raises(TableError, match="expected column `class_index`"):
        read_classes(path)
