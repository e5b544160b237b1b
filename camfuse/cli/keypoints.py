"""The sub-commands on keypoints alone."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from camfuse.cli.options import ConfigFile, app, start

keypoints = typer.Typer(no_args_is_help=True, help="A run's keypoints, for other software.")
app.add_typer(keypoints, name="keypoints")

Form = Annotated[
    Literal["pyskl", "pose"],
    typer.Option("--format", help="pyskl: one pickle (PYSKL, MMAction2); pose: a file a clip."),
]
Target = Annotated[Path, typer.Option(help="pyskl: the .pkl to write; pose: the folder of the .pose files.")]


@keypoints.command()
def export(config: ConfigFile, form: Form, output: Target) -> None:
    """Write the run's keypoints, labels and splits for PYSKL and MMAction2, or as `.pose` files."""
    settings = start(config, None)
    from camfuse.prep.pose.export import export_pose, export_pyskl

    count = export_pyskl(settings, output) if form == "pyskl" else export_pose(settings, output)
    typer.echo(f"{count} clips: {output}")
