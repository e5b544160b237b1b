from collections.abc import Callable
from pathlib import Path
from time import process_time

import made_labels
import pytest

from camfuse.clips.sources.asl_citizen import read
from camfuse.config.sources import AslCitizenSource
from camfuse.errors import TableError

HEADER = made_labels.HEADER
CPU_SECONDS = 5.0


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., AslCitizenSource]:
    """Write the three label files, some of them replaced, lines without the header: `source(train=["..."])`."""
    (tmp_path / "videos").mkdir()

    def make(header: str = HEADER, **replaced: list[str]) -> AslCitizenSource:
        files = {
            "train": [
                "P1,4711-RUN.mp4,RUN1,A_01_001",
                "P1,4712-RUN.mp4,RUN2,NA",
                "P2,4713-NOT MIND.mp4,NOTMIND,C_02_030",
            ],
            "val": ["P3,4714-RUN.mp4,RUN1,A_01_001"],
            "test": ["P4,4.7299129501965353e-7-seedSOUR.mp4,SOUR,B_01_066"],
        } | replaced
        for name, lines in files.items():
            (tmp_path / f"{name}.csv").write_text("\r\n".join([header, *lines]) + "\r\n", newline="")
        return AslCitizenSource(videos=tmp_path / "videos", splits=tmp_path)

    return make


def test_the_gloss_is_the_columns_and_a_variant_a_class(source: Callable[..., AslCitizenSource]) -> None:
    section = source()
    table = read(section)
    assert table.classes == ("NOTMIND", "RUN1", "RUN2", "SOUR")
    assert table.rows["label"].tolist() == ["RUN1", "RUN2", "NOTMIND", "RUN1", "SOUR"]
    assert table.rows["split"].tolist() == ["train"] * 3 + ["val", "test"]
    assert table.rows["signer"].tolist() == ["P1", "P1", "P2", "P3", "P4"]
    assert table.rows["video"].iloc[0] == f"{section.videos}/4711-RUN.mp4"
    assert table.rows["end"].isna().all()


def test_ids_keep_the_leading_number_and_are_told_apart(source: Callable[..., AslCitizenSource]) -> None:
    ids = read(source()).rows["clip_id"].tolist()
    assert ids[:2] == ["4711-RUN", "4712-RUN"]
    assert ids[2].startswith("4713-NOT_MIND-")  # a blank, so a hash tells it from 4713-NOT_MIND.mp4
    assert ids[4] == "4.7299129501965353e-7-seedSOUR"


def test_columns_come_in_any_order_and_the_code_is_not_needed(source: Callable[..., AslCitizenSource]) -> None:
    header = "Gloss,Video file,Participant ID"
    lines = {split: [f"GO,{number}.mp4,P{number}"] for number, split in enumerate(("train", "val", "test"))}
    table = read(source(header, **lines))
    assert table.rows["label"].tolist() == ["GO"] * 3
    assert table.rows["signer"].tolist() == ["P0", "P1", "P2"]


def test_byte_order_mark_and_blanks_are_not_part_of_a_value(source: Callable[..., AslCitizenSource]) -> None:
    table = read(source("\ufeff" + HEADER, train=["P1, 1-THINK.mp4,THINKCHIN ,C_02_014"]))
    assert (table.rows["label"].iloc[0], table.rows["clip_id"].iloc[0]) == ("THINKCHIN", "1-THINK")


@pytest.mark.bad_input("ASL Citizen's label files cut off, or a part of them", "a note at the start with both counts")
def test_other_counts_than_published_are_noted(source: Callable[..., AslCitizenSource]) -> None:
    (note,) = read(source()).notes
    assert "train.csv has 3 (published: 40,154), val.csv has 1 (published: 10,304), test.csv has 1" in note


def test_signers_in_several_splits_are_noted(source: Callable[..., AslCitizenSource]) -> None:
    notes = read(source(test=["P1,9-GO.mp4,GO,NA"])).notes
    assert "1 signers are in several splits, where the published ones are apart: P1." in notes


def test_every_bad_line_is_listed(source: Callable[..., AslCitizenSource]) -> None:
    lines = ["P1,1-A.mp4,A", ",2-A.mp4,A,NA", "P1,,A,NA", "P1,3-A.mp4,,NA", "P1,../3-A.mp4,A,NA", "P1,4-A.mp4,A,NA"]
    with pytest.raises(TableError) as error:
        read(source(train=lines))
    assert list(error.value.problems) == [
        "line 2: expected 4 fields, found 3",
        "line 3: Participant ID: expected a value, found none",
        "line 4: Video file: expected a value, found none",
        "line 5: Gloss: expected a value, found none",
        "line 6: Video file: expected the name of a file, found '../3-A.mp4'",
    ]


@pytest.mark.bad_input("a video of ASL Citizen in two lines or splits", "refused at the start, with both lines")
def test_a_video_in_two_splits(source: Callable[..., AslCitizenSource]) -> None:
    with pytest.raises(TableError, match=r"val\.csv line 2: .* found '4711-RUN\.mp4' in train\.csv line 2 too"):
        read(source(val=["P3,4711-RUN.mp4,RUN1,NA"]))


@pytest.mark.parametrize(
    ("header", "lines", "expected"),
    [
        ("user,filename,gloss", ["P1,1.mp4,A"], "expected column `Participant ID` once, found"),
        (f"{HEADER},Gloss", ["P1,1.mp4,A,NA,A"], "expected column `Gloss` once, found"),
        (HEADER, [], "expected at least one clip, found none"),
        ("", [], "expected column `Video file` once, found"),
    ],
)
def test_wrong_files(source: Callable[..., AslCitizenSource], header: str, lines: list[str], expected: str) -> None:
    with pytest.raises(TableError, match=r"train\.csv(.|\n)*" + expected):
        read(source(header, train=lines))


def test_a_label_file_that_is_not_there(source: Callable[..., AslCitizenSource], tmp_path: Path) -> None:
    section = source()
    (tmp_path / "val.csv").unlink()
    with pytest.raises(TableError, match=r"val\.csv.*\n.*No such file"):
        read(section)


@pytest.mark.slow
def test_the_whole_set_is_read_quickly(tmp_path: Path) -> None:
    made_labels.asl_citizen(tmp_path)
    started = process_time()
    table = read(AslCitizenSource(videos=tmp_path, splits=tmp_path))
    assert process_time() - started < CPU_SECONDS
    assert len(table.classes) == made_labels.GLOSSES
    counts = {split: clips for split, (clips, _) in made_labels.ASL_CITIZEN.items()}
    assert table.rows["split"].value_counts().to_dict() == counts
    assert not table.notes  # the numbers are the published ones, and nobody is in two splits
    signers = table.rows.groupby("split")["signer"].nunique()
    assert {split: signers[split] for split in counts} == {"train": 35, "val": 6, "test": 11}
