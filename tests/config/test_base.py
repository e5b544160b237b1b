"""What all sections share: frozen, no unknown keys, keys that were renamed, one choice of several, weights' files."""

import logging
from pathlib import Path
from typing import Any, ClassVar

import pytest
from made_training import MakeConfig
from pydantic import ValidationError

from camfuse.config import Section, WeightsFile, change
from camfuse.config.base import choices, chosen
from camfuse.errors import ConfigError


class Inner(Section):
    renamed: ClassVar = {"old": "new"}
    new: int = 1


class Outer(Section):
    inner: Inner = Inner()
    other: int = 0


class Fruit(Section):
    """A kind of sections of which one may be chosen."""


class Apple(Fruit):
    red: bool = True


class Pear(Fruit):
    soft: bool = False


class Basket(Section):
    apple: Apple | None = None
    pear: Pear | None = None
    inner: Inner | None = None
    count: int = 1


class Place(Section):
    folder: Path = Path("here")


def test_sections_are_frozen(make_config: MakeConfig) -> None:
    with pytest.raises(ValueError, match="frozen"):
        make_config().heatmaps.sigma = 3.0


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Outer.model_validate({"others": 1})


def test_an_old_name_is_read_and_named_with_the_new_one(
    make_config: MakeConfig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        config = make_config(evaluate={"clips": 3})
    assert config.evaluate.samplings == 3
    assert caplog.messages == ["evaluate.clips is now evaluate.samplings; the old name goes in the next version"]
    caplog.clear()
    assert make_config(evaluate={"samplings": 3}) == config
    assert not caplog.messages


def test_both_names_are_refused(make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match=r"`evaluate\.clips` is the old name of `evaluate\.samplings`: expected one"):
        make_config(evaluate={"clips": 3, "samplings": 3})


def test_experiments_may_use_the_old_name_too(make_config: MakeConfig, caplog: pytest.LogCaptureFixture) -> None:
    config = make_config(evaluate={"samplings": 2}, experiments={"once": {"evaluate": {"clips": 1}}})
    changes = config.experiments["once"].given()
    assert changes == {"evaluate": {"samplings": 1}}
    assert change(config, changes).evaluate.samplings == 1
    assert "evaluate.clips is now evaluate.samplings" in caplog.text
    with pytest.raises(ConfigError, match=r"experiments\.once: `evaluate\.clips` is the old name"):
        make_config(experiments={"once": {"evaluate": {"clips": 1, "samplings": 1}}})


def test_names_are_replaced_at_every_depth_and_nothing_else() -> None:
    assert Outer.with_new_names({"inner": {"old": 5}, "unknown": {"old": 1}}) == {
        "inner": {"new": 5},
        "unknown": {"old": 1},
    }
    assert Outer.model_validate({"inner": {"old": 5}}).inner.new == 5


def test_the_home_folder_may_begin_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/at/home")
    assert Place.model_validate({"folder": "~/data"}).folder == Path("/at/home/data")
    assert Place.model_validate({"folder": "data/~"}).folder == Path("data/~")
    with pytest.raises(ValidationError, match="no home folder for ~nobody-of-this-name"):
        Place.model_validate({"folder": "~nobody-of-this-name/data"})


def test_choices_are_the_keys_of_one_kind() -> None:
    assert choices(Basket, Fruit) == ("apple", "pear")
    assert choices(Basket, Inner) == ("inner",)


def test_chosen_are_those_that_were_given() -> None:
    assert chosen(Basket(), Fruit) == {}
    assert chosen(Basket(pear=Pear(soft=True), inner=Inner()), Fruit) == {"pear": Pear(soft=True)}


URL = "https://example.org/weights/net-f5726563.pth"
ALL_DIGITS = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "values",
    [
        {"path": "net.pth"},
        {"path": "net.pth", "url": URL},
        {"url": URL, "sha256": "f5726563"},
        {"url": URL, "sha256": ALL_DIGITS, "path": "net.pth"},
    ],
)
def test_weights_that_can_be_found(values: dict[str, Any]) -> None:
    assert WeightsFile.model_validate(values).model_dump(mode="json", exclude_none=True) == values


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "give `url` and `sha256`, or `path`"),
        ({"sha256": ALL_DIGITS}, "give `url` and `sha256`, or `path`"),
        ({"url": URL}, "a `url` needs its `sha256`"),
        ({"url": URL, "sha256": "f572656"}, "sha256"),  # seven digits
        ({"url": URL, "sha256": "F5726563"}, "sha256"),
        ({"url": URL, "sha256": ALL_DIGITS + "0"}, "sha256"),
        ({"url": "ftp://example.org/net.pth", "sha256": ALL_DIGITS}, "url"),
        ({"url": "https://example.org/net/", "sha256": ALL_DIGITS}, "url"),
        ({"url": "https://example.org/net.pth?raw=1", "sha256": ALL_DIGITS}, "url"),
    ],
)
def test_weights_that_cannot(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        WeightsFile.model_validate(values)
