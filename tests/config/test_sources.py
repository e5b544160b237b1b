"""Config of the sources: exactly one, each with what its reader needs."""

from pathlib import Path
from typing import Any

import pytest
from made_training import MakeConfig
from pydantic import ValidationError

from camfuse.config import Clips
from camfuse.config.sources import SOURCE_KEYS, FingerspellingSource, FolderSource, WlaslSource
from camfuse.errors import ConfigError

LETTERS: dict[str, Any] = {"letters": ["A"], "languages": {"train": ["ase"], "val": [], "test": []}}


def test_two_sources_are_refused(make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match="found folder, csv"):
        make_config(clips={"folder": {"videos": "a"}, "csv": {"table": "b"}})


def test_no_source_is_refused() -> None:
    with pytest.raises(ValidationError, match=f"expected exactly one of {', '.join(SOURCE_KEYS)}; found none"):
        Clips.model_validate({"shards": 2})


SOURCES: dict[str, dict[str, Any]] = {
    "folder": {"videos": "v"},
    "csv": {"table": "t.csv"},
    "wlasl": {"videos": "v", "subset": "nslt_100.json"},
    "autsl": dict.fromkeys(("videos", "train", "validation", "test", "class_names"), "x"),
    "asl_citizen": {"videos": "v", "splits": "s"},
    "lsa64": {"videos": "v"},
    "fingerspelling": LETTERS,
}


def test_every_source_is_tried_here() -> None:
    assert set(SOURCES) == set(SOURCE_KEYS)


@pytest.mark.parametrize("key", SOURCES)
def test_the_chosen_source(key: str) -> None:
    clips = Clips.model_validate({key: SOURCES[key]})
    assert clips.key == key
    assert clips.source is getattr(clips, key)


@pytest.mark.parametrize("key", SOURCES)
def test_what_a_source_needs(key: str) -> None:
    for name in SOURCES[key]:
        with pytest.raises(ValidationError):
            Clips.model_validate({key: {other: value for other, value in SOURCES[key].items() if other != name}})


@pytest.mark.parametrize("split", [(0.7, 0.15, 0.15), (1, 0, 0), (1 / 3, 1 / 3, 1 / 3)])
def test_shares_that_sum_to_one(split: tuple[float, float, float]) -> None:
    assert FolderSource(videos=Path("v"), split=split).split == split


@pytest.mark.parametrize(
    ("split", "reason"),
    [((0.7, 0.2, 0.2), "must sum to 1"), ((0.7, 0.15, 0.1), "must sum to 1"), ((1.5, -0.5, 0), "split")],
)
def test_shares_that_do_not(split: tuple[float, float, float], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        FolderSource(videos=Path("v"), split=split)


@pytest.mark.parametrize(("pattern", "reason"), [("(", "expected a regular expression, found"), ("a", "with a group")])
def test_a_pattern_must_name_the_signer(pattern: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        FolderSource(videos=Path("v"), signer=pattern)


def test_wlasl_has_one_list_or_both() -> None:
    for given in ({"manifest": "m.json"}, {"subset": "s.json"}, {"manifest": "m.json", "subset": "s.json"}):
        assert WlaslSource.model_validate({"videos": "v", **given}).trimmed
    with pytest.raises(ValidationError, match=r"give `manifest` .*, `subset` .* or both"):
        WlaslSource(videos=Path("v"), class_list=Path("c.txt"))


def test_a_recording_keeps_its_middle() -> None:
    assert FingerspellingSource.model_validate(LETTERS | {"trim": 0.49}).trim == 0.49
    for wrong in (0.5, -0.1):
        with pytest.raises(ValidationError, match="trim"):
            FingerspellingSource.model_validate(LETTERS | {"trim": wrong})


@pytest.mark.parametrize("values", [{"missing": "skip"}, {"duplicates": "stop"}, {"limit": -1}, {"shards": 0}])
def test_values_of_no_clip_table(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(values))):
        Clips.model_validate({"folder": {"videos": "v"}, **values})


@pytest.mark.parametrize(
    ("signers", "problem"),
    [
        ({"val": [9], "test": [9]}, "expected each signer once in `val` and `test` together, found .9. again"),
        ({"val": [1, 1]}, "found .1. again"),
        ({"test": [11]}, "less than or equal to 10"),
        ({"val": [], "test": list(range(1, 11))}, "found none to train with"),
    ],
)
def test_signers_of_lsa64(signers: dict[str, list[int]], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Clips.model_validate({"lsa64": {"videos": "v", **signers}})
