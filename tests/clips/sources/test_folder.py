import os
import unicodedata
from pathlib import Path

import pytest

from camfuse.clips.sources.folder import read
from camfuse.config.sources import FolderSource
from camfuse.errors import TableError


def lay(folder: Path, *names: str) -> FolderSource:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return FolderSource(videos=folder)


def test_the_sub_folder_is_the_label(tmp_path: Path) -> None:
    table = read(lay(tmp_path, "hello/a.mp4", "hello/b.MOV", "thank you/c.webm"))
    assert table.classes == ("hello", "thank you")
    assert table.rows["label"].tolist() == ["hello", "hello", "thank you"]
    assert table.rows["clip_id"].tolist()[:2] == ["hello--a", "hello--b.MOV"]
    assert table.rows["video"].tolist()[0] == str(tmp_path / "hello" / "a.mp4")
    assert (table.rows["source"] == table.rows["video"]).all()
    assert set(table.rows["signer"]) == {""}


def test_names_that_no_table_can_hold_are_listed(tmp_path: Path) -> None:
    source = lay(tmp_path, "hello/a.mp4")
    for name in (b"caf\xe9.mp4", b"a\nb.mp4"):
        Path(os.fsdecode(os.fsencode(tmp_path / "hello") + b"/" + name)).touch()
    with pytest.raises(TableError) as caught:
        read(source)
    assert caught.value.problems == (
        r"expected no control characters, found '\n' in 'hello/a\nb.mp4'",
        r"expected a name in UTF-8, found 'hello/caf\udce9.mp4': rename it",
    )


def test_other_files_of_such_names_do_not_matter(tmp_path: Path) -> None:
    source = lay(tmp_path, "hello/a.mp4")
    Path(os.fsdecode(os.fsencode(tmp_path / "hello") + b"/caf\xe9.txt")).touch()
    assert read(source).notes[0] == r"1 file has no video suffix and is left out: 'hello/caf\udce9.txt'."


def test_videos_of_deeper_folders_belong_to_the_label(tmp_path: Path) -> None:
    table = read(lay(tmp_path, "hello/anna/1.mp4", "hello/ben/1.mp4"))
    assert table.rows["label"].tolist() == ["hello", "hello"]
    assert table.rows["clip_id"].tolist() == ["hello--anna--1", "hello--ben--1"]


def test_what_is_left_out_is_noted(tmp_path: Path) -> None:
    source = lay(tmp_path, "hello/a.mp4", "hello/notes.txt", "loose.mp4", "hello/._a.mp4", ".cache/x.mp4", "README.md")
    (tmp_path / "empty").mkdir()
    table = read(source)
    assert len(table.rows) == 1
    assert table.classes == ("hello",)
    assert table.notes[:-1] == (
        "1 file has no video suffix and is left out: hello/notes.txt.",
        "1 video lies in no label's folder and is left out: loose.mp4.",
        "1 folder holds no video and is no label: empty.",
    )


SIGNED = [f"{word}/{who}/{take}.mp4" for word in ("bye", "hello") for who in ("anna", "ben", "cem") for take in (1, 2)]


def test_signers_in_the_path_are_kept_apart(tmp_path: Path) -> None:
    source = lay(tmp_path, *SIGNED).model_copy(update={"signer": "^[^/]+/([^/]+)/"})
    table = read(source)
    assert table.rows["signer"].tolist() == [name.split("/")[1] for name in SIGNED]
    apart = table.rows.groupby("split")["signer"].unique()
    assert sorted(name for names in apart for name in names) == ["anna", "ben", "cem"]
    assert table.notes[0].startswith("Signers are kept apart: 1 in train, 1 in val, 1 in test")


def test_without_a_pattern_the_labels_are_split_and_that_is_said(tmp_path: Path) -> None:
    table = read(lay(tmp_path, *SIGNED))
    assert set(table.rows["signer"]) == {""}
    assert table.notes == (
        "Each label is split 0.7 / 0.15 / 0.15 by itself, for no clip has a signer: expect the people of the test to "
        "be in training too, so its numbers do not say how new people are recognised. To keep people apart, say by "
        "`clips.folder.signer` where a video's path names its signer.",
    )


def test_videos_whose_path_names_no_signer_are_listed_with_the_other_problems(tmp_path: Path) -> None:
    source = lay(tmp_path, *SIGNED, "hello/loose.mp4", "bye/a\nb.mp4")
    with pytest.raises(TableError) as caught:
        read(source.model_copy(update={"signer": "^[^/]+/([^/]+)/"}))
    assert caught.value.problems == (
        r"expected no control characters, found '\n' in 'bye/a\nb.mp4'",
        r"'bye/a\nb.mp4': expected a signer by clips.folder.signer: ^[^/]+/([^/]+)/, found none",
        "'hello/loose.mp4': expected a signer by clips.folder.signer: ^[^/]+/([^/]+)/, found none",
    )
    with pytest.raises(TableError, match="found none"):  # the group may be left out, or empty
        read(source.model_copy(update={"signer": "(anna)?"}))


def test_a_signer_is_the_same_however_the_disk_writes_it(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, f"hello/zoé/{form}.mp4") for form in ("NFC", "NFD")]
    table = read(lay(tmp_path, *names).model_copy(update={"signer": "/(.+)/"}))
    assert table.rows["signer"].tolist() == [unicodedata.normalize("NFC", "zoé")] * 2
    assert "all clips are of one signer" in table.notes[0]


def test_a_new_clip_changes_no_id(tmp_path: Path) -> None:
    names = ["hello/a 1.mp4", "hello/a_1.mp4", "hé/x.avi"]
    before = read(lay(tmp_path, *names)).rows.set_index("video")["clip_id"]
    after = read(lay(tmp_path, "hello/a-1.mp4", "aaa/0.mp4")).rows.set_index("video")["clip_id"]
    assert after[before.index].equals(before)


def test_an_accent_is_the_same_label_however_the_disk_writes_it(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))
    tables = [read(lay(tmp_path / str(n), f"{name}/1.mp4")) for n, name in enumerate((composed, decomposed))]
    assert tables[0].classes == tables[1].classes == (composed,)
    assert tables[0].rows["clip_id"].tolist() == tables[1].rows["clip_id"].tolist()
    assert Path(tables[1].rows["video"].iloc[0]).is_file()


def test_label_folders_may_be_links(tmp_path: Path) -> None:
    lay(tmp_path / "elsewhere", "x.mp4")
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "hello").symlink_to(tmp_path / "elsewhere")
    assert read(FolderSource(videos=tmp_path / "videos")).rows["clip_id"].tolist() == ["hello--x"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), "expected a folder per label"),
        (("a.mp4",), "expected a folder per label"),
        (("train/hello/a.mp4", "test/hello/b.mp4"), r"found the splits \['test', 'train'\]"),
    ],
)
def test_a_folder_of_another_kind(tmp_path: Path, names: tuple[str, ...], expected: str) -> None:
    with pytest.raises(TableError, match=expected):
        read(lay(tmp_path, *names))


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="gone: 1 problem"):
        read(FolderSource(videos=tmp_path / "gone"))
