from pathlib import Path
from typing import Any

import pytest
import yaml

from camfuse.config import dump_config, load_config, parse_config
from camfuse.config.sources import SOURCE_KEYS
from camfuse.errors import ConfigError

CONFIGS = sorted((Path(__file__).parents[2] / "config").glob("*.yaml"))
RUNNABLE = [path for path in CONFIGS if path.name != "default.yaml"]


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: path.stem)
def test_shipped_configs_are_valid(path: Path) -> None:
    config = load_config(path)
    assert parse_config(yaml.safe_load(dump_config(config))) == config


@pytest.mark.parametrize("name", ["wlasl", "autsl"])
def test_the_data_sets_configs_are_the_papers_size(name: str) -> None:
    config = load_config(Path(__file__).parents[2] / "config" / f"{name}.yaml")
    assert config.crops.size == 256
    assert (config.sampling.rgb_frames, config.sampling.pose_frames) == (8, 32)
    assert config.model.rgb.depths == (3, 4, 6, 3)
    assert config.model.rgb.channels == 64


def test_every_wrong_key_is_listed_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({"clips": {}, "pose": {}, "heatmaps": {"sgima": 3}, "crops": {"size": 100}}, "my.yaml")
    message = str(caught.value)
    assert message.startswith("my.yaml: 4 problem(s)")
    assert "heatmaps.sgima: unknown key" in message
    assert f"exactly one of {', '.join(SOURCE_KEYS)}; found none" in message
    assert "expected exactly one estimator; found none" in message
    assert "multiple of 32" in message


def test_two_sources_are_refused(make_config: Any) -> None:
    with pytest.raises(ConfigError, match="found folder, csv"):
        make_config(clips={"folder": {"videos": "a"}, "csv": {"table": "b"}})


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


def test_sections_are_frozen(make_config: Any) -> None:
    with pytest.raises(ValueError, match="frozen"):
        make_config().heatmaps.sigma = 3.0
