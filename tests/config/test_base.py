"""Keys that were renamed are read for one version under their old names."""

import logging
from typing import ClassVar

import pytest
from made_training import MakeConfig

from camfuse.config import Section, change
from camfuse.errors import ConfigError


class Inner(Section):
    renamed: ClassVar = {"old": "new"}
    new: int = 1


class Outer(Section):
    inner: Inner = Inner()
    other: int = 0


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
