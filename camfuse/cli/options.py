"""What the sub-commands have in common: the program, its options, how each begins."""

import logging
import os
import platform
import sys
from pathlib import Path
from typing import Annotated

import typer

from camfuse.config import Config, load_config, load_values
from camfuse.run.recipe import resolve

log = logging.getLogger("camfuse")

app = typer.Typer(
    name="camfuse",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From sign videos to a trained, evaluated recogniser.\n\n"
    "`camfuse doctor` says what works here, `camfuse init SOURCE` writes a config for a folder or a table of videos, "
    "and `camfuse run CONFIG` runs the workflow, as snakemake --configfile CONFIG does in the checkout. "
    "It calls the sub-commands of the stages in their order; each can be called by hand too.",
)

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="YAML file with the settings.")]
LogFile = Annotated[Path | None, typer.Option("--log", help="Also write messages to this file.")]
ShardClips = Annotated[Path, typer.Option(help="The shard's clips: clips/shards/SHARD.csv.")]
Output = Annotated[Path, typer.Option(help="What to write.")]
Gpus = Annotated[
    int | None,
    typer.Option(min=0, help="GPUs to use, 0 for the CPU; left out, `machine` of the config decides."),
]


def start(config: Path, log_file: Path | None, *, recipe: bool = True) -> Config:
    """Read the config and begin the log, as every command of a stage does.

    Parameters
    ----------
    config
        The file.
    log_file
        Where to write the log to, beside the terminal.
    recipe
        Whether `recipe: auto` is resolved, for which the clip table has to be there.
    """
    # of processes that train together the first has the log
    if log_file and all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "SLURM_PROCID")):
        log_file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(log_file, mode="w", encoding="utf-8", errors="backslashreplace")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(handler)
    settings = load_config(config)
    log.setLevel(settings.machine.log_level.upper())
    log.info("Python %s, %s", platform.python_version(), sys.executable)
    return resolve(settings, load_values(config)) if recipe and settings.recipe else settings


def chosen(settings: Config, gpus: int | None, validate: bool | None) -> Config:
    """Return the config with what the command line says otherwise."""
    if validate is not None:
        settings = settings.model_copy(update={"train": settings.train.model_copy(update={"validation": validate})})
    if gpus is not None:
        where = {"device": "cuda", "devices": gpus} if gpus else {"device": "cpu"}
        settings = settings.model_copy(update={"machine": settings.machine.model_copy(update=where)})
    return settings
