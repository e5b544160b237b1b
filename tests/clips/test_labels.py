"""One normalisation of labels and splits for every reader."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from camfuse.clips.labels import is_split, make_table, natural_order, near_labels, normal_label, normal_split
from camfuse.clips.sources import asl_citizen, autsl, csv, folder, wlasl
from camfuse.clips.table import COLUMNS
from camfuse.config.sources import AslCitizenSource, AutslSource, CsvSource, FolderSource, WlaslSource
from camfuse.errors import TableError

COMPOSED, APART = "café", "cafe\u0301"


def test_a_label_is_trimmed_and_composed() -> None:
    assert normal_label(f" \u00a0{APART}\t") == COMPOSED
    assert normal_label("ice  cream") == "ice  cream"  # what stands inside is the word's own


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("train", ("train", "Train", " TRAIN ", "training")),
        ("val", ("val", "Valid", "validation", "DEV", "eval")),
        ("test", ("test", "Testing")),
    ],
)
def test_splits_go_by_many_names(split: str, names: tuple[str, ...]) -> None:
    for name in names:
        assert normal_split(name) == split
        assert is_split(name)


def test_another_name_stays_for_the_message() -> None:
    assert normal_split("Holdout") == "Holdout"
    assert not is_split("hello")


@pytest.mark.bad_input("words that differ in case, blanks or number form", "a note at the start; each is a class")
@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (("Hello", "hello", "bye"), "'Hello' / 'hello'"),
        (("1", "1.0", "2"), "'1' / '1.0'"),
        (("01", "1,0"), "'01' / '1,0'"),
        (
            ("ice cream", "icecream", "hello\u00a0you", "hello you"),
            "'ice cream' / 'icecream', 'hello\\xa0you' / 'hello you'",
        ),
        (("\uff12", "2"), "'\uff12' / '2'"),
    ],
)
def test_labels_that_are_nearly_the_same_are_named(labels: tuple[str, ...], told: str) -> None:
    (note,) = near_labels(labels)
    assert told in note


@pytest.mark.parametrize("labels", [("nan", "inf", "1e5", "infinity"), ("1", "2", "10"), ("a", "b"), ()])
def test_other_labels_are_not(labels: tuple[str, ...]) -> None:
    assert near_labels(labels) == []


def rows(*labels: str, split: str = "train") -> pd.DataFrame:
    ids = [f"c{number}" for number in range(len(labels))]
    return pd.DataFrame({"clip_id": ids, "video": [f"{name}.mp4" for name in ids], "label": labels, "split": split})


def test_a_table_is_completed() -> None:
    table = make_table(rows("b", "a", split="Dev"), "table")
    assert tuple(table.rows.columns) == COLUMNS
    assert table.classes == ("a", "b")
    first = table.rows.iloc[0]
    assert (first["split"], first["signer"], first["start"], first["source"]) == ("val", "", 0.0, "c0.mp4")
    assert first["end"] != first["end"]


@pytest.mark.parametrize(
    "labels",
    [
        ["0", "1", "2", "10", "11"],
        ["word 2", "word 10", "word 10 b"],
        ["", "007", "7", "8", "A", "a", "é"],
        ["a", "a1", "a" + "9" * 5000, "ab"],
    ],
)
def test_numbers_in_labels_are_numbers(labels: list[str]) -> None:
    assert sorted(set(labels), key=natural_order) == labels
    if labels[0]:
        assert make_table(rows(*reversed(labels)), "table").classes == tuple(labels)


def test_classes_keep_their_order_and_stand_once() -> None:
    assert make_table(rows("b", "a"), "table", classes=("b", "a ")).classes == ("b", "a")
    with pytest.raises(TableError, match="class 'a': expected once"):
        make_table(rows("a"), "table", classes=("a", "a "))


def read_csv(path: Path) -> Any:
    return csv.read(CsvSource(table=path, split=(1, 0, 0)))


def test_the_tables_that_went_wrong(shared_data: Path) -> None:
    tables = shared_data / "failing" / "csv"
    assert read_csv(tables / "nfc_nfd.csv").classes == (COMPOSED,)
    case = read_csv(tables / "case.csv")
    assert case.classes == ("Hello", "hello", "hello\u00a0you")
    assert any("'Hello' / 'hello'" in note for note in case.notes)
    assert any("'1' / '1.0'" in note for note in read_csv(tables / "float_labels.csv").notes)


def test_every_reader_normalises(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(f"video,label,split\na.mp4,{APART},Validation\nb.mp4,{COMPOSED} ,TRAIN\n")
    for place in (APART, "bye"):
        (tmp_path / "words" / place).mkdir(parents=True)
        (tmp_path / "words" / place / "a.mp4").touch()
    (tmp_path / "manifest.json").write_text(
        f'[{{"gloss": "{APART} ", "instances": [{{"video_id": "1", "split": "Dev"}}]}}]'
    )
    (tmp_path / "names.csv").write_text(f"ClassId,TR,EN\n0,x,{APART}\n")
    for split in ("train", "val", "test"):
        (tmp_path / f"{split}.csv").write_text(f"signer1_sample{split.count('t')},0\n")
    (tmp_path / "splits").mkdir()
    for split in ("train", "val", "test"):
        text = f"Participant ID,Video file,Gloss\nP1,{split}.mp4,{APART}\n"
        (tmp_path / "splits" / f"{split}.csv").write_text(text)
    labels = {"train": "train.csv", "validation": "val.csv", "test": "test.csv", "class_names": "names.csv"}
    tables = [
        read_csv(tmp_path / "table.csv"),
        folder.read(FolderSource(videos=tmp_path / "words")),
        wlasl.read(WlaslSource(videos=tmp_path, manifest=tmp_path / "manifest.json")),
        autsl.read(AutslSource(videos=tmp_path, **{key: tmp_path / name for key, name in labels.items()})),
        asl_citizen.read(AslCitizenSource(videos=tmp_path, splits=tmp_path / "splits")),
    ]
    for table in tables:
        assert COMPOSED in table.classes and APART not in table.classes
    assert tables[0].rows["split"].tolist() == ["val", "train"]
    assert tables[2].rows["split"].tolist() == ["val"]


@pytest.mark.parametrize("names", [("Train", "Test", "Val"), ("training", "dev")])
def test_folders_of_splits_are_no_words(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name / "hello").mkdir(parents=True)
        (tmp_path / name / "hello" / "a.mp4").touch()
    with pytest.raises(TableError, match="found the splits"):
        folder.read(FolderSource(videos=tmp_path))
