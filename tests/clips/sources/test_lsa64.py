from pathlib import Path

import made_labels
import pytest
from made_training import MakeConfig

from camfuse.clips.coverage import split_totals
from camfuse.clips.refresh import refresh
from camfuse.clips.sources.lsa64 import read
from camfuse.config.sources import Lsa64Source
from camfuse.errors import TableError


def test_all_clips_are_listed_by_their_names(tmp_path: Path) -> None:
    for name in made_labels.lsa64():
        (tmp_path / name).touch()
    table = read(Lsa64Source(videos=tmp_path))
    rows = table.rows.set_index("clip_id")
    assert len(rows) == 3200
    assert rows["split"].value_counts().to_dict() == {"train": 2560, "val": 320, "test": 320}
    assert rows.loc["064_010_005", ["label", "signer", "split"]].tolist() == ["Find", "10", "test"]
    assert rows.loc["001_009_001", ["label", "signer", "split"]].tolist() == ["Opaque", "9", "val"]
    assert rows.loc["056_001_002", "video"] == str(tmp_path / "056_001_002.mp4")
    assert not table.notes


def test_the_64_signs_have_a_name_each(tmp_path: Path) -> None:
    (tmp_path / "001_001_001.mp4").touch()
    classes = read(Lsa64Source(videos=tmp_path)).classes
    assert len(set(classes)) == 64
    assert classes[1] == "Red (02)" and classes[7] == "Red (08)"


def test_other_signers_are_tested(tmp_path: Path) -> None:
    (tmp_path / "001_001_001.mp4").touch()
    rows = read(Lsa64Source(videos=tmp_path, val=(), test=(1, 2))).rows
    assert set(rows["signer"][rows["split"] == "test"]) == {"1", "2"}
    assert "val" not in set(rows["split"])


def test_missing_videos_are_counted_and_others_named(tmp_path: Path, make_config: MakeConfig) -> None:
    for name in ("001_001_001.mp4", "001_009_001.mp4", "065_001_001.mp4", "1_1_1.mp4", "list.txt"):
        (tmp_path / name).write_text(name)
    refreshed = refresh(make_config(clips={"lsa64": {"videos": str(tmp_path)}, "missing": "drop"}))
    assert refreshed.rows["clip_id"].tolist() == ["001_001_001", "001_009_001"]
    totals = split_totals(refreshed.coverage).set_index("split")
    assert totals["listed"].to_dict() == {"train": 2560, "val": 320, "test": 320}
    assert totals["missing"].sum() == 3198
    assert any("2 videos are not named as one of the 3,200 clips" in note for note in refreshed.notes)
    assert any("065_001_001.mp4, 1_1_1.mp4" in note for note in refreshed.notes)


@pytest.mark.parametrize(
    ("name", "found"),
    [("hello.mp4", "found hello.mp4"), ("read.txt", "found no video"), ("001_001_001.avi", "found 001")],
)
def test_a_folder_of_other_files_is_refused(tmp_path: Path, name: str, found: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(TableError, match=f"expected videos named CCC_SSS_RRR.mp4, as 001_001_001.mp4, {found}"):
        read(Lsa64Source(videos=tmp_path))
