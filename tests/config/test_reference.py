from pathlib import Path

import pytest
import yaml

from camfuse.config import Heatmaps
from camfuse.config.reference import default_yaml, key_table, keys, schema_json, with_table
from camfuse.errors import ConfigError

CONFIG = Path(__file__).parents[2] / "config"


def test_the_generated_files_are_up_to_date() -> None:
    assert (CONFIG / "default.yaml").read_text() == default_yaml(), "run `make config`"
    assert (CONFIG / "schema.json").read_text() == schema_json(), "run `make config`"
    readme = (CONFIG / "README.md").read_text()
    assert readme == with_table(readme), "run `make config`"


def test_every_key_is_described() -> None:
    assert [key.path for key in keys() if not key.description] == []


def test_default_yaml_holds_the_defaults() -> None:
    values = yaml.safe_load(default_yaml())
    assert values["heatmaps"] == {"sigma": Heatmaps().sigma, "hands": None}
    assert values["train"]["fusion"]["rate"] == 0.0075
    assert "mediapipe" not in (values["pose"] or {})


def test_the_table_names_nested_keys() -> None:
    assert "| `model.rgb.depths` | `[3, 4, 6, 3]` |" in key_table()
    assert "| `clips.wlasl.videos` | `required` |" in key_table()


def test_a_readme_without_the_comments_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected the comments"):
        with_table("# Settings\n")
