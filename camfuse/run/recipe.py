"""`recipe: auto` of a run, once its clip table is there, and whether the model goes with its clips."""

import logging
from typing import Any

import pandas as pd

from camfuse.clips.annotations import keypoints_alone
from camfuse.clips.label_files import name_some
from camfuse.config import Config, parse_config
from camfuse.config.computer import Computer
from camfuse.config.read import merged
from camfuse.config.recipe import Counts, recipe_values
from camfuse.errors import ConfigError
from camfuse.run.layout import Run

log = logging.getLogger(__name__)


def resolve(config: Config, values: dict[str, Any]) -> Config:
    """Return the config with the recipe that fits its clips and this machine; any other as it is.

    The recipe has no images where clips are keypoints alone.

    Parameters
    ----------
    config
        As its file says.
    values
        The file's own keys and values, which the recipe leaves as they are.

    Raises
    ------
    ConfigError
        If there is no clip table yet, or what the config says does not go with the recipe or the clips.
    TableError
        If the clip table is damaged.
    """
    run = Run(config)
    if config.recipe is None:
        return _fitting(config, run.clips()) if run.clip_files.clips.is_file() else config
    if not run.clip_files.clips.is_file():
        raise ConfigError(
            f"recipe: auto fits the clips, and {run.clip_files.clips} is not there yet: run snakemake, or "
            "`camfuse clips`, first"
        )
    clips = run.clips()
    counts, computer = count(clips), Computer.this()
    log.info("recipe: auto for %s on %s", counts, computer)
    given = merged({"model": {"rgb": None}}, values) if keypoints_alone(clips).any() else values
    return _fitting(parse_config(recipe_values(counts, computer, given), "recipe: auto"), clips)


def _fitting(config: Config, clips: pd.DataFrame) -> Config:
    without = clips["clip_id"][keypoints_alone(clips)]
    if config.model.rgb and len(without):
        raise ConfigError(
            f"model.rgb: expected videos, which it looks at, found keypoints alone for {name_some(without.tolist())}: "
            "set `model: {rgb: null}`"
        )
    return config


def count(clips: pd.DataFrame) -> Counts:
    """Count the clips of a clip table."""
    splits = clips["split"].value_counts()
    return Counts(int(splits.get("train", 0)), int(splits.get("val", 0)), int(clips["class_index"].nunique()))
