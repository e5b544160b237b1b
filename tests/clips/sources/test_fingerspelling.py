"""The demo's clip table, from the real wheel."""

import hashlib
import importlib.resources
from pathlib import Path
from typing import Any

import pytest
from made_training import MakeConfig

from camfuse.clips.refresh import read_table, refresh
from camfuse.clips.sources import fingerspelling
from camfuse.clips.sources.fingerspelling import lexicon, read
from camfuse.clips.table import COLUMNS, check_rows, shard_of
from camfuse.config import load_config
from camfuse.config.sources import FingerspellingSource
from camfuse.errors import MissingToolError, TableError

TRAIN = ("asq", "csq", "eso", "gsg", "ise", "lls", "mfs", "svk", "swl", "tsm")


def make_source(**changes: Any) -> FingerspellingSource:
    values = {
        "letters": tuple("CIJLOVWY"),
        "languages": {"train": TRAIN, "val": ("bzs", "ssp"), "test": ("ase", "cse", "psr", "sgg")},
    }
    return FingerspellingSource.model_validate(values | changes)


def test_the_demo_has_126_clips_of_8_letters() -> None:
    table = read(make_source())
    assert table.classes == tuple("CIJLOVWY")
    assert tuple(table.rows.columns) == COLUMNS
    assert table.rows["split"].value_counts().to_dict() == {"train": 78, "test": 32, "val": 16}
    assert table.notes == ("The lexicon has no recording of lls W, tsm W.",)
    check_rows(table.rows, table.classes, "table")
    assert all(Path(path).is_file() for path in table.rows["annotation"])
    assert (table.rows["annotation"] == table.rows["source"]).all()


def test_the_letters_to_pretrain_on_all_train() -> None:
    """What config/letters.yaml promises: everybody's, each recording once."""
    source = load_config(Path(__file__).parents[3] / "config" / "letters.yaml").clips.fingerspelling
    assert source is not None
    rows = read(source).rows
    assert len(rows) == 410 == rows["source"].map(lambda path: Path(path).read_bytes()).nunique()
    assert set(rows["split"]) == {"train"} and rows["signer"].nunique() == 16 and rows["label"].nunique() == 26


def test_one_row(make_config: MakeConfig) -> None:
    clips = {"fingerspelling": make_source().model_dump(mode="json"), "shards": 4}
    config = make_config(output="results/demo", clips=clips)
    rows = read_table(config).rows.set_index("clip_id")
    row = rows.loc["cse_V"]
    assert (row["label"], row["signer"], row["split"], row["start"]) == ("V", "cse", "test", 0)
    assert row["end"] != row["end"]  # to the end
    assert row["video"] == f"results/demo/avatars/{shard_of('cse_V', 4)}/cse_V.mp4"
    assert row["annotation"].startswith("results/demo/clips/recordings/cse/")


def test_another_place_of_the_wheel_changes_no_file(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = {"fingerspelling": make_source().model_dump(mode="json"), "shards": 2}
    config = make_config(clips=clips, pose={"annotations": {}})
    tables = config.output / "clips"
    contents = []
    for place in ("one", "other"):
        (tmp_path / place).symlink_to(lexicon())
        with monkeypatch.context() as patch:
            patch.setattr(fingerspelling, "lexicon", lambda place=place: tmp_path / place)
            refresh(config)
        assert (tables / "recordings").readlink() == tmp_path / place
        files = (*tables.glob("*.csv"), *tables.glob("shards/*.csv"))
        contents.append({path: path.read_text() for path in files if path.name != "hashes.csv"})
    assert len(contents[0]) >= 6
    assert contents[0] == contents[1]


def test_trim_leaves_out_a_share_at_either_end() -> None:
    row = read(make_source(trim=0.25)).rows.set_index("clip_id").loc["ase_C"]
    assert (row["start"], row["end"]) == pytest.approx((0.24, 0.72))  # of 24 frames at 25 per second


def test_languages_that_share_recordings_keep_the_test_copy_first() -> None:
    source = make_source(languages={"train": (*TRAIN, "fsl"), "val": ("bzs",), "test": ("ase",)})
    rows = read(source).rows
    digest = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in rows["source"]]
    kept = rows[~rows.assign(digest=digest).duplicated("digest").to_numpy()]
    assert set(rows["signer"]) - set(kept["signer"]) == {"fsl"}
    assert len(rows) - len(kept) == 8
    assert (kept["signer"] == "ase").sum() == 8


def test_every_unknown_or_repeated_name_is_listed_at_once() -> None:
    source = make_source(letters=("C", "c", "C"), languages={"train": ("ase", "xxx"), "val": ("ase",), "test": ()})
    with pytest.raises(TableError) as caught:
        read(source)
    assert caught.value.problems == (
        "letter C: expected once, found it 2 times",
        "letter c: not in the lexicon",
        "language ase: expected once, found it 2 times",
        "language xxx: not in the lexicon",
    )


def test_without_the_wheel_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_there(name: str) -> Path:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib.resources, "files", not_there)
    with pytest.raises(MissingToolError, match=r"pip install spoken-to-signed==0\.4\.0"):
        read(make_source())
