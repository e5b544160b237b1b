"""The sub-command that checks a run."""

from pathlib import Path
from typing import Annotated

import typer

from camfuse.cli.options import app
from camfuse.run.layout import Run

SOMETHING_WRONG = 3
"""Exit code where a check failed."""


@app.command()
def verify(
    run: Annotated[Path, typer.Argument(help="A run's folder: what the config calls `output`.")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only what is wrong.")] = False,
) -> None:
    """Check a run: clip table, shards, splits, checkpoints and results, byte for byte where they carry a checksum.

    The exit code is 0 if nothing is wrong, 3 if something is, and 2 if the folder is no run.
    """
    from camfuse.verify.run import verify as check

    counts = {"fine": 0, "note": 0, "wrong": 0}
    for found in check(Run.from_folder(run)):
        counts[found.kind] += 1
        if found.kind == "wrong" or not quiet:
            typer.echo(str(found))
    typer.echo(f"{counts['wrong']} wrong, {counts['note']} to note, {counts['fine']} fine: {run}")
    if counts["wrong"]:
        raise typer.Exit(SOMETHING_WRONG)
