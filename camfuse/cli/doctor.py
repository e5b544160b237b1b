"""The sub-command `doctor`: what works on this machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from camfuse.cli.options import app
from camfuse.config import Config, load_config

if TYPE_CHECKING:
    from camfuse.doctor.finding import Finding


@app.command()
def doctor(
    config: Annotated[
        Path | None, typer.Argument(help="Config, or a shipped one's name: its packages and weights are needed then.")
    ] = None,
) -> None:
    """Say what is installed and works here, each lack with its remedy; exit code 2 if something needed is missing."""
    from camfuse.run.workflow import find_config

    settings = None
    if config:
        settings = load_config(find_config(config))
    missing = 0
    for finding in _findings(settings):
        typer.echo(finding)
        missing += finding.state == "missing"
    if missing:
        typer.echo(f"{missing} thing(s) that are needed are missing or broken")
        raise typer.Exit(2)
    typer.echo("ready" if settings else "ready; `camfuse doctor CONFIG` also looks for what a config needs")


def _findings(settings: Config | None) -> "Iterator[Finding]":
    from camfuse.doctor.machine import check_machine
    from camfuse.doctor.programs import check_programs
    from camfuse.doctor.weights import check_weights
    from camfuse.prep.requirements import needed_packages

    yield from check_machine(settings.output if settings else Path())
    yield from check_programs(needed_packages(settings) if settings else ())
    if settings:
        yield from check_weights(settings)
