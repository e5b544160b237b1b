from collections.abc import Callable
from pathlib import Path

import pytest

from camfuse.clips.sources.autsl import read
from camfuse.config.sources import AutslSource
from camfuse.errors import TableError

NAMES = b"ClassId,TR,EN\r\n0,abla,sister\r\n1,sen,you\r\n2,siz,you\r\n"


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., AutslSource]:
    """Write the four label files, some of them replaced: `source(train=b"...")`."""
    (tmp_path / "videos").mkdir()

    def make(**replaced: bytes) -> AutslSource:
        files = {
            "train": b"signer0_sample1,0\r\nsigner0_sample2,1\r\n",
            "validation": b"signer1_sample1,2\r\n",
            "test": b"signer34_sample1,1\r\n",
            "class_names": NAMES,
        } | replaced
        for name, content in files.items():
            (tmp_path / f"{name}.csv").write_bytes(content)
        return AutslSource(videos=tmp_path / "videos", **{name: tmp_path / f"{name}.csv" for name in files})

    return make


def test_files_without_header_and_with_crlf(source: Callable[..., AutslSource]) -> None:
    rows = read(source()).rows
    assert rows["clip_id"].tolist() == ["signer0_sample1", "signer0_sample2", "signer1_sample1", "signer34_sample1"]
    assert rows["signer"].tolist() == ["0", "0", "1", "34"]
    assert rows["split"].tolist() == ["train", "train", "val", "test"]
    assert rows["start"].tolist() == [0.0] * 4
    assert rows["end"].isna().all()


def test_english_names_are_made_unique(source: Callable[..., AutslSource]) -> None:
    table = read(source())
    assert table.classes == ("sister", "you (sen)", "you (siz)")
    assert table.rows["label"].tolist() == ["sister", "you (sen)", "you (siz)", "you (sen)"]


def test_byte_order_mark_is_not_part_of_the_first_field(source: Callable[..., AutslSource]) -> None:
    assert read(source(class_names=b"\xef\xbb\xbf" + NAMES)).classes[0] == "sister"


@pytest.mark.parametrize(
    ("laid", "found"),
    [
        ("signer1_sample1_color.mp4", "signer1_sample1_color.mp4"),
        ("val/signer1_sample1_color.mp4", "val/signer1_sample1_color.mp4"),
        ("validation/signer1_sample1_color.mp4", "validation/signer1_sample1_color.mp4"),
        ("val/signer9_sample9_color.mp4", "val/signer1_sample1_color.mp4"),  # missing: where one would look for it
        ("train/signer1_sample1_color.mp4", "signer1_sample1_color.mp4"),
    ],
)
def test_videos_lie_flat_or_in_a_folder_per_split(source: Callable[..., AutslSource], laid: str, found: str) -> None:
    section = source()
    path = section.videos / laid
    path.parent.mkdir(exist_ok=True)
    path.touch()
    rows = read(section).rows.set_index("clip_id")
    assert rows.loc["signer1_sample1", "video"] == str(section.videos / found)
    assert rows.loc["signer1_sample1", "source"] == str(section.videos / found)


def test_every_bad_line_is_listed(source: Callable[..., AutslSource]) -> None:
    with pytest.raises(TableError) as error:
        read(source(train=b"name,class\r\nsigner0_sample1,3\r\nsigner0_sample2\r\nsigner0_sample3,0\r\n"))
    assert [problem.split(":")[0] for problem in error.value.problems] == ["line 1", "line 2", "line 3"]
    assert "class 0..2>, found signer0_sample1,3" in error.value.problems[1]


def test_one_clip_in_two_files(source: Callable[..., AutslSource]) -> None:
    with pytest.raises(TableError, match="each id once"):
        read(source(test=b"signer0_sample1,0\r\n"))


@pytest.mark.parametrize(
    ("replaced", "expected"),
    [
        ({"class_names": b"0,abla,sister\r\n"}, "expected the columns ClassId,TR,EN"),
        ({"class_names": b"ClassId,TR,EN\r\n1,abla,sister\r\n"}, "line 2: expected 0,<Turkish>,<English>"),
        ({"class_names": b"ClassId,TR,EN\r\n0,sen,you\r\n1,sen,you\r\n"}, r"class you \(sen\): expected once"),
        ({"class_names": NAMES + b"3,\xe7ay,tea\r\n"}, "expected text in UTF-8, found byte 0xe7"),
        ({"test": b""}, r"test\.csv.*\n.*expected at least one clip"),
    ],
)
def test_wrong_files(source: Callable[..., AutslSource], replaced: dict[str, bytes], expected: str) -> None:
    with pytest.raises(TableError, match=expected):
        read(source(**replaced))
