"""The official label files and real clips, where they lie beside the project."""

from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from made_training import MakeConfig

from camfuse.clips.coverage import split_totals
from camfuse.clips.refresh import refresh
from camfuse.clips.sources import autsl, wlasl
from camfuse.clips.table import ClipTable
from camfuse.config.sources import AutslSource, WlaslSource

CPU_SECONDS = 5.0
WLASL_SPLITS = {"train": 14289, "val": 3916, "test": 2878}
AUTSL_SPLITS = {"train": 28142, "val": 4418, "test": 3742}


def per_split(table: ClipTable) -> dict[str, int]:
    return table.rows["split"].value_counts().to_dict()


@pytest.fixture
def wlasl_source(shared_data: Path, tmp_path: Path) -> Callable[..., WlaslSource]:
    labels = shared_data / "labels" / "wlasl"
    files = {"manifest": "WLASL_v0.3.json", "class_list": "wlasl_class_list.txt", "subset": "nslt_2000.json"}

    def make(*keys: str, subset: str = "nslt_2000.json", **others: Any) -> WlaslSource:
        paths = {key: labels / (files | {"subset": subset})[key] for key in keys}
        return WlaslSource(**{"videos": tmp_path, **paths, **others})

    return make


@pytest.fixture
def autsl_source(shared_data: Path, tmp_path: Path) -> AutslSource:
    labels = shared_data / "labels" / "autsl"
    return AutslSource(
        videos=tmp_path / "autsl",
        train=labels / "train_labels.csv",
        validation=labels / "validation_labels.csv",
        test=labels / "test_labels.csv",
        class_names=labels / "SignList_ClassId_TR_EN.csv",
    )


def test_wlasl_manifest(wlasl_source: Callable[..., WlaslSource]) -> None:
    table = wlasl.read(wlasl_source("manifest", trimmed=False))
    assert per_split(table) == WLASL_SPLITS
    assert len(table.classes) == 2000
    assert table.classes[:3] == ("book", "drink", "computer")
    assert sum(" " in label for label in table.classes) == 45
    assert "don't want" in table.classes
    assert table.rows["end"].isna().sum() == 18958
    segment = table.rows.set_index("clip_id").loc["70212"]  # frames 2150..2249
    assert (segment["start"], segment["end"]) == pytest.approx((85.96, 89.96))


def test_wlasl_subset_with_manifest(wlasl_source: Callable[..., WlaslSource]) -> None:
    table = wlasl.read(wlasl_source("manifest", "subset"))
    assert per_split(table) == {"train": 14296, "val": 3920, "test": 2879}
    assert "12 clips of nslt_2000.json are not in WLASL_v0.3.json" in table.notes[0]
    assert not any("which wins" in note or "left out" in note for note in table.notes)
    assert (table.rows["signer"] == "").sum() == 12


@pytest.mark.parametrize(("size", "clips"), [(100, 2038), (300, 5118), (1000, 13174)])
def test_wlasl_smaller_subsets(wlasl_source: Callable[..., WlaslSource], size: int, clips: int) -> None:
    table = wlasl.read(wlasl_source("manifest", "subset", subset=f"nslt_{size}.json"))
    assert (len(table.rows), len(table.classes)) == (clips, size)


def test_wlasl_subset_alone_has_the_manifests_labels(wlasl_source: Callable[..., WlaslSource]) -> None:
    alone = wlasl.read(wlasl_source("subset", "class_list"))
    both = wlasl.read(wlasl_source("manifest", "subset", "class_list"))
    # the one gloss that the two official files spell differently
    assert [pair for pair in zip(both.classes, alone.classes, strict=True) if len(set(pair)) > 1] == [
        ("lose", "losear")
    ]
    assert any("'lose' is 'losear' there" in note for note in both.notes)
    assert alone.rows["split"].tolist() == both.rows["split"].tolist()


def test_autsl_labels(autsl_source: AutslSource) -> None:
    autsl_source.videos.mkdir()
    table = autsl.read(autsl_source)
    assert per_split(table) == AUTSL_SPLITS
    assert len(set(table.classes)) == 226
    assert {"you (sen)", "you (siz)"} < set(table.classes)
    assert table.rows["label"].nunique() == 226
    signers = table.rows.groupby("split")["signer"].agg(set)
    assert not signers["train"] & signers["test"]
    assert [len(signers[split]) for split in ("train", "val", "test")] == [31, 6, 6]


def test_real_wlasl_clips(wlasl_source: Callable[..., WlaslSource], shared_data: Path, make_config: MakeConfig) -> None:
    source = wlasl_source("manifest", videos=shared_data / "clips" / "wlasl" / "videos")
    clips = {"wlasl": source.model_dump(exclude_none=True), "missing": "drop"}
    refreshed = refresh(make_config(clips=clips))
    assert len(refreshed.rows) == 119
    assert refreshed.rows["label"].nunique() == 114
    assert refreshed.rows["signer"].nunique() == 24
    totals = split_totals(refreshed.coverage).set_index("split")
    assert totals["listed"].to_dict() == WLASL_SPLITS
    assert totals["used"].sum() == totals["on_disk"].sum() == 119
    pairs = refreshed.duplicates.groupby("group")["clip_id"].agg(set).tolist()
    assert {"01377", "21328"} in pairs
    assert refreshed.duplicates["crosses_labels"].all()
    assert refreshed.duplicates["crosses_splits"].all()


@pytest.mark.slow
def test_wlasl_2000_is_refreshed_quickly(
    wlasl_source: Callable[..., WlaslSource], tmp_path: Path, make_config: MakeConfig
) -> None:
    source = wlasl_source("manifest", "subset", videos=tmp_path / "videos")
    source.videos.mkdir()
    for clip_id in wlasl.read(source).rows["clip_id"]:
        (source.videos / f"{clip_id}.mp4").touch()
    config = make_config(clips={"wlasl": source.model_dump(exclude_none=True), "shards": 128})
    assert_quick(config, 21095)


@pytest.mark.slow
def test_autsl_is_refreshed_quickly(autsl_source: AutslSource, make_config: MakeConfig) -> None:
    for split in AUTSL_SPLITS:
        (autsl_source.videos / split).mkdir(parents=True)
    for video in autsl.read(autsl_source).rows["video"]:
        Path(video).touch()
    assert_quick(make_config(clips={"autsl": autsl_source.model_dump(), "shards": 128}), 36302)


def assert_quick(config: Any, clips: int) -> None:
    first = refresh(config)
    assert len(first.rows) == clips
    assert first.duplicates.empty  # the stand-ins are all empty files
    started = process_time()
    refresh(config)
    assert process_time() - started < CPU_SECONDS
