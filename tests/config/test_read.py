"""A config is read, checked, changed and written."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from made_training import MakeConfig

from camfuse.config import change, dump_config, load_config, parse_config
from camfuse.config.read import merged
from camfuse.config.sources import SOURCE_KEYS
from camfuse.errors import ConfigError

CONFIGS = sorted((Path(__file__).parents[2] / "config").glob("*.yaml"))
RUNNABLE = [path for path in CONFIGS if path.name != "default.yaml"]


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: path.stem)
def test_shipped_configs_are_valid(path: Path) -> None:
    config = load_config(path)
    assert parse_config(yaml.safe_load(dump_config(config))) == config


def test_every_wrong_key_is_listed_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({"clips": {}, "pose": {}, "heatmaps": {"sgima": 3}, "crops": {"size": 100}}, "my.yaml")
    message = str(caught.value)
    assert message.startswith("my.yaml: 4 problem(s)")
    assert "heatmaps.sgima: unknown key" in message
    assert f"exactly one of {', '.join(SOURCE_KEYS)}; found none" in message
    assert "expected exactly one estimator; found none" in message
    assert "multiple of 32" in message


def test_what_was_found_is_said(make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match=r"seed: .*greater than or equal to 0, found -1"):
        make_config(seed=-1)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("train: {unknown_words: [coffee, no]}", "train.unknown_words.1: expected text, found false: YAML reads `no`"),
        (
            "train: {unknown_words: [yes]}",
            'found true: YAML reads `yes`, `on` and `true` as that; write it in quotes: "yes"',
        ),
        ("output: off", "output: expected text, found false"),
    ],
)
def test_words_that_yaml_reads_as_true_or_false_are_to_be_quoted(tmp_path: Path, text: str, wrong: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(f"clips: {{folder: {{videos: x}}}}\npose: {{mediapipe: {{}}}}\n{text}\n")
    with pytest.raises(ConfigError, match=re.escape(wrong)):
        load_config(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("- a\n- b\n", "found list"), ("a: [", "not valid YAML")],
)
def test_files_that_are_no_config(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=reason):
        load_config(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the config"):
        load_config(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"a": {"b": 1, "c": 2}, "d": 3}),
        ({"a": {"b": 5}}, {"a": {"b": 5, "c": 2}, "d": 3}),
        ({"a": None}, {"a": None, "d": 3}),
        ({"d": {"e": 4}}, {"a": {"b": 1, "c": 2}, "d": {"e": 4}}),
    ],
)
def test_nested_values_are_put_in(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    base = {"a": {"b": 1, "c": 2}, "d": 3}
    assert merged(base, changes) == expected
    assert base == {"a": {"b": 1, "c": 2}, "d": 3}


def test_a_changed_config_keeps_the_rest_and_has_no_experiments(make_config: MakeConfig) -> None:
    config = make_config(heatmaps={"sigma": 1.0}, experiments={"two": {"seed": 2}}, ablation={"seeds": [1]})
    changed = change(config, {"train": {"rgb": {"epochs": 2}}})
    assert changed.train.rgb == config.train.rgb.model_copy(update={"epochs": 2})
    assert changed.train.fusion == config.train.fusion
    assert (changed.heatmaps, changed.experiments, changed.ablation) == (config.heatmaps, {}, None)


def test_a_change_is_checked(make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match=r"cell 3: 1 problem\(s\)\n.*model\.fusion: .*multiple of fusion\.heads"):
        change(make_config(), {"model": {"fusion": {"heads": 7}}}, "cell 3")


def test_experiments_are_checked_with_the_config_that_they_change(make_config: MakeConfig) -> None:
    sampling = {"sampling": {"pose_frames": 12}}
    assert make_config(sampling={"rgb_frames": 4}, experiments={"twelve": sampling})
    with pytest.raises(ConfigError, match=r"experiments\.twelve\.sampling: pose_frames must be a multiple"):
        make_config(experiments={"twelve": sampling})


def test_a_null_that_is_not_the_default_is_written(make_config: MakeConfig) -> None:
    config = make_config(model={"rgb": None, "pose": None, "sequence": {}})
    written = yaml.safe_load(dump_config(config))
    assert written["model"]["rgb"] is None and "weights" not in written["model"]["sequence"]
    assert parse_config(written) == config


def test_a_written_config_has_every_default_and_no_null(make_config: MakeConfig) -> None:
    values = yaml.safe_load(dump_config(make_config(output="résultats")))
    assert values["output"] == "résultats"
    assert values["heatmaps"] == {"sigma": 0.7}
    assert set(values["pose"]) == {"mediapipe"}
    assert "ablation" not in values
