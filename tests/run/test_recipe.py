"""`recipe: auto` of a run: from its clip table."""

from pathlib import Path

import pandas as pd
import pytest
from made_training import MakeConfig, MakeRun

from camfuse.config import dump_config
from camfuse.config.computer import Computer
from camfuse.config.recipe import Counts
from camfuse.errors import ConfigError
from camfuse.run import recipe
from camfuse.run.layout import Run
from camfuse.run.recipe import count, resolve


def test_a_config_without_a_recipe_stays_as_it_is(make_config: MakeConfig) -> None:
    config = make_config()
    assert resolve(config, {}) is config


def test_without_a_clip_table_there_is_nothing_to_fit(make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match=r"clips\.csv is not there yet: run snakemake, or `camfuse clips`, first"):
        resolve(make_config(recipe="auto"), {})


def test_clips_are_counted_by_split() -> None:
    table = pd.DataFrame({"split": ["train", "train", "test", "val"], "class_index": [0, 1, 1, 0]})
    assert count(table) == Counts(train=2, val=1, words=2)


def without_videos(run: Run) -> None:
    clips = pd.read_csv(run.clip_files.clips)
    clips.assign(video="k.pose").to_csv(run.clip_files.clips, index=False)


def test_images_are_refused_where_there_are_keypoints_alone(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"train": 4, "test": 1}).run
    assert resolve(run.config, {}) is run.config
    without_videos(run)
    with pytest.raises(
        ConfigError, match=r"expected videos, .* found keypoints alone for .*: set `model: \{rgb: null\}`"
    ):
        resolve(run.config, {})


def test_the_recipe_has_no_images_where_there_are_keypoints_alone(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "run", {"train": 4, "val": 1, "test": 1}, recipe="auto").run
    monkeypatch.setattr(recipe, "count", lambda clips: Counts(train=9000, val=500, words=100))
    monkeypatch.setattr(recipe.Computer, "this", lambda: Computer(16, gpu=True))
    values = {"recipe": "auto", "output": str(run.output), "clips": {"folder": {"videos": "x"}, "shards": 2}}
    values |= {"pose": {"annotations": {}}}
    assert resolve(run.config, values).model.streams == ("rgb", "pose", "sequence")
    without_videos(run)
    assert resolve(run.config, values).model.streams == ("pose", "sequence")
    with pytest.raises(ConfigError, match=r"set `model: \{rgb: null\}`"):
        resolve(run.config, values | {"model": {"rgb": {}}})


def test_the_table_decides(make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "run", {"train": 4, "val": 1, "test": 1}, recipe="auto").run
    monkeypatch.setattr(recipe.Computer, "this", lambda: Computer(2, gpu=False))
    values = {
        "recipe": "auto",
        "output": str(run.output),
        "clips": {"folder": {"videos": "nowhere"}, "shards": 2},
        "pose": {"mediapipe": {}},
    }
    found = resolve(run.config, values)
    assert found.model.streams == ("sequence",) and found.recipe is None
    assert resolve(found, values) is found
    assert dump_config(found)
