"""`recipe: auto` of a run, once its clip table is there."""

import logging
from typing import Any

import pandas as pd

from camfuse.config import Config, parse_config
from camfuse.config.computer import Computer
from camfuse.config.recipe import Counts, recipe_values
from camfuse.errors import ConfigError
from camfuse.run.layout import Run

log = logging.getLogger(__name__)


def resolve(config: Config, values: dict[str, Any]) -> Config:
    """Return the config with the recipe that fits its clips and this machine; any other as it is.

    Parameters
    ----------
    config
        As its file says.
    values
        The file's own keys and values, which the recipe leaves as they are.

    Raises
    ------
    ConfigError
        If there is no clip table yet, or what the config says does not go with the recipe.
    TableError
        If the clip table is damaged.
    """
    if config.recipe is None:
        return config
    run = Run(config)
    if not run.clip_files.clips.is_file():
        raise ConfigError(
            f"recipe: auto fits the clips, and {run.clip_files.clips} is not there yet: run snakemake, or "
            "`camfuse clips`, first"
        )
    counts, computer = count(run.clips()), Computer.this()
    log.info("recipe: auto for %s on %s", counts, computer)
    return parse_config(recipe_values(counts, computer, values), "recipe: auto")


def count(clips: pd.DataFrame) -> Counts:
    """Count the clips of a clip table."""
    splits = clips["split"].value_counts()
    return Counts(int(splits.get("train", 0)), int(splits.get("val", 0)), int(clips["class_index"].nunique()))
