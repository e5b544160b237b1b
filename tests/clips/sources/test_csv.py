import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_training import MakeConfig
from run_command import camfuse

from camfuse.clips.sources.csv import read
from camfuse.clips.table import ClipTable
from camfuse.config import dump_config
from camfuse.config.sources import CsvSource
from camfuse.errors import ConfigError, TableError


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., CsvSource]:
    def make(text: str, **keys: Any) -> CsvSource:
        (tmp_path / "table.csv").write_bytes(text.encode())
        return CsvSource(table=tmp_path / "table.csv", **keys)

    return make


def test_all_columns_in_any_order(source: Callable[..., CsvSource]) -> None:
    text = "end,start,split,label,video,signer,clip_id,annotation\n2.5,1,val,hello,a.mp4,anna,00338,a.npz\n"
    row = read(source(text, videos=Path("clips"))).rows.iloc[0]
    assert row.to_dict() == {
        "clip_id": "00338",
        "video": "clips/a.mp4",
        "label": "hello",
        "signer": "anna",
        "split": "val",
        "start": 1.0,
        "end": 2.5,
        "annotation": "a.npz",
        "source": "clips/a.mp4",
    }


def test_only_video_and_label(source: Callable[..., CsvSource]) -> None:
    table = read(source("video,label\n" + "".join(f"h/{n}.mp4,hello\n" for n in range(40))))
    assert table.rows["clip_id"].tolist()[:2] == ["h--0", "h--1"]
    assert table.rows["start"].tolist() == [0.0] * 40
    assert table.rows["end"].isna().all()
    assert table.rows["split"].value_counts().to_dict() == pytest.approx({"train": 28, "val": 6, "test": 6}, abs=1)
    (note,) = table.notes
    assert note.startswith(
        "Each label is split 0.7 / 0.15 / 0.15 by itself, for no clip has a signer: expect the people"
    )
    assert note.endswith("To keep people apart, name the signer of every clip in the table's column `signer`.")


SIGNED = "video,label,signer\n" + "".join(f"{who}{n}.mp4,w{n},{who}\n" for who in "abcdef" for n in range(5))


def people(table: ClipTable) -> dict[str, set[str]]:
    return {str(split): set(group["signer"]) for split, group in table.rows.groupby("split")}


def test_signers_are_kept_apart_where_each_row_has_one(source: Callable[..., CsvSource]) -> None:
    table = read(source(SIGNED))
    apart = people(table)
    assert {split: len(who) for split, who in apart.items()} == {"train": 4, "val": 1, "test": 1}
    assert set.union(*apart.values()) == set("abcdef")
    assert table.notes == (
        "Signers are kept apart: 4 in train, 1 in val, 1 in test, with 0.67 / 0.17 / 0.17 of the clips "
        "(asked for: 0.7 / 0.15 / 0.15).",
    )


def test_one_clip_without_a_signer_is_enough_to_split_the_labels(source: Callable[..., CsvSource]) -> None:
    table = read(source(SIGNED.replace(",a\n", ",\n", 1)))
    assert "1 of 30 clips has no signer: expect the people of the test to be in training too" in table.notes[0]
    assert people(table)["train"] & people(table)["test"]


def test_the_labels_are_split_if_asked_for(source: Callable[..., CsvSource]) -> None:
    table = read(source(SIGNED, by="label"))
    assert "as `by: label` asks: expect the people of the test to be in training too" in table.notes[0]
    unsigned = read(source(re.sub(r",\w*\n", "\n", SIGNED)))
    assert table.rows["split"].tolist() == unsigned.rows["split"].tolist()


def test_signers_that_are_asked_for_must_be_there(source: Callable[..., CsvSource]) -> None:
    with pytest.raises(TableError) as error:
        read(source(SIGNED.replace(",a\n", ",\n", 2), by="signer"))
    assert error.value.problems == tuple(
        f"{clip}: by: `signer` needs the signer of every clip, found none of this one" for clip in ("a0", "a1")
    )


def test_a_column_of_splits_counts_whoever_signs(source: Callable[..., CsvSource]) -> None:
    text = "video,label,signer,split\na.mp4,x,anna,train\nb.mp4,x,anna,test\n"
    table = read(source(text, by="signer"))
    assert table.rows["split"].tolist() == ["train", "test"]
    tested = (
        "1 of 1 clip of test is by people who are in training too: anna; nothing says how new people are recognised."
    )
    assert table.notes == ("The table's column `split` counts, and `by: signer` does not.", tested)
    assert read(source(text)).notes == (tested,)
    assert read(source(text.replace("b.mp4,x,anna", "b.mp4,x,ben"))).notes == ()
    assert read(source(text.replace("anna", ""))).notes[0].startswith("Whether the people of test are in training")


def test_one_person_under_two_names_is_named(source: Callable[..., CsvSource]) -> None:
    table = read(source("video,label,signer\na.mp4,x,Anna\nb.mp4,x,anna\nc.mp4,x,ben\n"))
    assert table.notes[-1].startswith("1 signer is written in several ways")
    assert table.notes[-1].endswith("each is a person of its own: 'Anna' / 'anna'.")


def test_absolute_paths_win(source: Callable[..., CsvSource]) -> None:
    table = read(source("video,label\n/data/a.mp4,hello\n", videos=Path("clips")))
    assert table.rows["video"].tolist() == ["/data/a.mp4"]


def test_words_that_look_like_missing_values_stay_words(source: Callable[..., CsvSource]) -> None:
    table = read(source("video,label,clip_id,signer\na.mp4,null,NA,None\nb.mp4,nan,nan,NaN\n"))
    assert table.classes == ("nan", "null")
    assert table.rows["clip_id"].tolist() == ["NA", "nan"]
    assert table.rows["signer"].tolist() == ["", ""]  # of which a note says that nobody knows


def test_segments_of_one_video_have_their_own_ids(source: Callable[..., CsvSource]) -> None:
    table = read(source("video,label,start,end\nlong.mp4,a,,2\nlong.mp4,b,2,3.5\nlong.mp4,c,3.5,\n"))
    assert table.rows["clip_id"].tolist() == ["long", "long_2000ms", "long_3500ms"]
    assert table.rows["end"].isna().tolist() == [False, False, True]


def test_spreadsheet_habits(source: Callable[..., CsvSource]) -> None:
    table = read(source('\ufeffvideo , label\r\na.mp4,"thank you, sir"\r\n\r\n'))
    assert table.rows["label"].tolist() == ["thank you, sir"]


@pytest.mark.bad_input(
    "a table with semicolons or tabs between its columns", "refused at the start, with what is between"
)
@pytest.mark.parametrize(("mark", "said"), [(";", "';'"), ("\t", r"'\t'")])
def test_a_table_without_commas(make_config: MakeConfig, tmp_path: Path, mark: str, said: str) -> None:
    (tmp_path / "a.csv").write_text(f"video{mark}label\na.mp4{mark}x\n", encoding="utf-8-sig")
    config = make_config(clips={"csv": {"table": str(tmp_path / "a.csv")}})
    (tmp_path / "config.yaml").write_text(dump_config(config))
    with pytest.raises(TableError, match=f"expected commas between the columns, found {re.escape(said)}"):
        camfuse("clips", "--config", tmp_path / "config.yaml")


@pytest.mark.bad_input("trailing commas in a table's header", "passed over; noted where something stands below")
def test_columns_without_a_name_are_passed_over(source: Callable[..., CsvSource]) -> None:
    table = read(source("video,label,split,,\na.mp4,x,train,,\nb.mp4,y,val,,\n"))
    assert table.rows["video"].tolist() == ["a.mp4", "b.mp4"] and table.notes == ()
    table = read(source(",video,label,split\n0,a.mp4,x,train\n,b.mp4,y,val\n2,c.mp4,y,train\n"))
    assert table.rows["label"].tolist() == ["x", "y", "y"]
    assert table.notes == ("2 lines have something in a column without a name, which is not used: line 2, 4.",)
    with pytest.raises(TableError, match="line 3: expected 3 fields, found 4"):
        read(source("video,label,\na.mp4,x,\nb.mp4,y,,\n"))


@pytest.mark.bad_input("the same video in two lines", "refused at the start, with both lines")
def test_a_video_twice_is_said_in_the_tables_own_columns(source: Callable[..., CsvSource]) -> None:
    with pytest.raises(TableError) as error:
        read(source("video,label\na.mp4,x\nb.mp4,x\na.mp4,y\n"))
    assert error.value.problems == (
        "line 4: video: expected each video once, found 'a.mp4' with the same start in line 2 too; remove one of the "
        "lines, or tell them apart by a column `start` or `clip_id`",
    )


def test_keypoints_without_videos_are_named_by_their_files_or_their_ids(source: Callable[..., CsvSource]) -> None:
    rows = read(source("annotation,label\nanna/1.pose,x\nanna/2.pose,y\n", videos=Path("clips"))).rows
    assert rows["clip_id"].tolist() == ["anna--1", "anna--2"]
    assert rows["annotation"].tolist() == ["anna/1.pose", "anna/2.pose"] and set(rows["video"]) == {""}
    rows = read(source("clip_id,label\n001,x\n002,y\n")).rows
    assert rows["clip_id"].tolist() == ["001", "002"] and set(rows["video"]) == set(rows["annotation"]) == {""}
    with pytest.raises(TableError, match=r"line 3: annotation: expected each annotation once, found '1\.pose'"):
        read(source("annotation,label\n1.pose,x\n1.pose,y\n"))
    with pytest.raises(TableError, match="line 2: annotation: expected a value, found none"):
        read(source("annotation,label,clip_id\n,x,one\n"))


def test_unknown_columns_are_noted(source: Callable[..., CsvSource]) -> None:
    assert read(source("video,label,spilt\na.mp4,hello,val\n")).notes[0] == "1 column of the table is not used: spilt."


def test_every_bad_field_is_listed_with_its_line(source: Callable[..., CsvSource]) -> None:
    text = "video,label,start,end\n,hello,,\na.mp4,,,\nb.mp4,hi,x,inf\nc.mp4,hi\n"
    with pytest.raises(TableError) as error:
        read(source(text))
    assert error.value.problems == (
        "line 2: video: expected a value, found none",
        "line 3: label: expected a value, found none",
        "line 4: start: expected seconds, found 'x'",
        "line 4: end: expected seconds, found 'inf'",
        "line 5: expected 4 fields, found 2",
    )


def test_every_bad_row_is_listed(source: Callable[..., CsvSource]) -> None:
    text = (
        "video,label,clip_id,split,start,end\n"
        "a.mp4,x,one,train,0,1\na.mp4,x,one,val,0,1\nb.mp4,x,t w o,holdout,-1,1\nc.mp4,x,three,,2,1\n"
    )
    with pytest.raises(TableError) as error:
        read(source(text))
    assert len(error.value.problems) == 7
    for expected in (
        "line 2 (one): clip_id: expected each id once",
        "line 3 (one): clip_id: expected each id once",
        "line 4 (t w o): split: expected train, val or test, found 'holdout'",
        "line 5 (three): split: expected train, val or test, found ''",
        "found -1.0",
        "found 't w o'",
    ):
        assert expected in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "found an empty file"),
        ("video,label\n", "expected at least one clip"),
        ("video;label\na.mp4;x\n", r"1 problem\(s\)\n.*expected commas between the columns, found ';'"),
        ("video,label,label\na.mp4,x,y\n", "expected column `label` once"),
        ('video,label\n"a.mp4,x\n', "not CSV"),
    ],
)
def test_other_tables(source: Callable[..., CsvSource], text: str, expected: str) -> None:
    with pytest.raises(TableError, match=expected):
        read(source(text))


def test_shares_must_sum_to_one(make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match="must sum to 1"):
        make_config(clips={"csv": {"table": "t.csv", "split": [0.7, 0.1, 0.1]}})
