"""The sub-commands that begin: `run`, which calls the workflow."""

import os
from itertools import takewhile
from pathlib import Path
from typing import Annotated

import typer

from camfuse.cli.options import app
from camfuse.config import load_config
from camfuse.run.layout import Run


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="YAML file with the settings, or the name of a shipped one, as demo.")],
    options: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TARGET]... [-- OPTIONS]",
            help="`data` stops before the trainings. What follows `--` goes to Snakemake, as `-- --dry-run`.",
        ),
    ] = None,
    cores: Annotated[int | None, typer.Option(min=1, help="CPU cores to use; left out, all.")] = None,
) -> None:
    """Run the whole workflow on a config: Snakemake with the workflow that came with this program."""
    from camfuse.run.workflow import check_targets, find_config, snakemake_command, written

    config = find_config(config)
    settings = load_config(config)
    check_targets(takewhile(lambda word: not word.startswith("-"), options or []))
    command = snakemake_command(config, cores, options or [])
    typer.echo(f"{written(command)}\nreport, when it is done: {Run(settings).report}", err=True)
    os.execv(command[0], command)
