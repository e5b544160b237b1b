"""The sub-commands for people: the report, drawn clips, results, weights, settings."""

from pathlib import Path
from typing import Annotated

import typer

from camfuse.cli.options import ConfigFile, LogFile, Output, app, start
from camfuse.config import load_config
from camfuse.errors import ConfigError, TableError
from camfuse.run.layout import Run


@app.command()
def report(config: ConfigFile, output: Output, log_file: LogFile = None) -> None:
    """Write the HTML page: results, curves, confusion, drawn clips and attention, coverage, detection rates."""
    settings = start(config, log_file)
    from camfuse.report.page import write_report

    write_report(Run(settings), output)


@app.command()
def show(
    config: ConfigFile,
    output: Annotated[
        Path,
        typer.Option(help="What to draw: .png is a contact sheet, .gif and .mp4 all frames; with --worst a folder."),
    ],
    clip: Annotated[str | None, typer.Argument(help="A clip id of the run, or a video file.")] = None,
    worst: Annotated[
        int | None, typer.Option(min=1, help="Instead of one clip: so many tested clips of the highest loss.")
    ] = None,
    columns: Annotated[int, typer.Option(min=1, help="Frames on the contact sheet.")] = 8,
    log_file: LogFile = None,
) -> None:
    """Draw one clip: its frames with skeleton and crop box, its crops, its heatmaps; or the worst of a test."""
    if (clip is None) == (worst is None):
        raise typer.BadParameter("expected either a clip or --worst N")
    settings = start(config, log_file)
    from camfuse.show.run import is_clip, show_video
    from camfuse.show.run import show as show_clip
    from camfuse.show.worst import show_worst

    if worst is not None:
        output = show_worst(Run(settings), worst, output, columns)
    elif clip is not None and (is_clip(Run(settings), clip) or not Path(clip).is_file()):
        show_clip(Run(settings), clip, output, columns)
    elif clip is not None:
        show_video(Path(clip), settings, output, columns)
    typer.echo(output)


@app.command()
def results(
    folder: Annotated[Path | None, typer.Argument(help="A run's folder; or give its config.", metavar="RUN")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="YAML file with the settings.")] = None,
) -> None:
    """Print the result table of a finished run and where its report is."""
    if folder and not config:
        run = Run.from_folder(folder)
    elif config and not folder:
        run = Run(start(config, None))
    else:
        raise ConfigError("expected a run's folder or --config, one of the two")
    from camfuse.evaluate.result_text import result_text
    from camfuse.evaluate.results import read_results, warn_of_another

    found = read_results(run.evaluation)
    if found is None:
        problem = "expected the results of a finished run, found no file; run the workflow first"
        raise TableError(run.evaluation.results, [problem])
    typer.echo(result_text(found))
    typer.echo(f"report: {run.report}")
    warn_of_another(run, found)


@app.command()
def weights(
    config: Annotated[Path, typer.Argument(help="YAML file with the settings.")],
    look: Annotated[bool, typer.Option("--list", help="Only say what is there; fetch nothing.")] = False,
) -> None:
    """Fetch the trained weights that a config needs; resumes a cut-off download, refuses a file with another hash."""
    settings = load_config(config)
    from camfuse.prep.requirements import needed_weights
    from camfuse.weights.fetch import fetch_weights

    needed = needed_weights(settings)
    if not needed:
        typer.echo("this config needs no weights")
    ready = True
    for one in needed:
        if not look and not one.path.is_file():
            typer.echo(f"fetching {one.path.name}")
            fetch_weights(one)
        state = one.state()
        ready &= state.startswith("ready")
        typer.echo(state)
    if not ready:
        raise typer.Exit(2)


@app.command()
def config(
    file: Annotated[Path | None, typer.Argument(help="Print this config with every default resolved.")] = None,
    write: Annotated[
        Path | None, typer.Option(help="Write default.yaml, schema.json and README.md's table into this folder.")
    ] = None,
    shipped: Annotated[
        str | None, typer.Option(help="Print a config that came with CAMFuse, as wlasl, comments and all.")
    ] = None,
) -> None:
    """Show the settings: those of a file, or all there are."""
    from camfuse.config import dump_config
    from camfuse.config.reference import default_yaml, write_reference
    from camfuse.run.workflow import shipped_config

    if write:
        write_reference(write)
    elif shipped:
        typer.echo(shipped_config(shipped).read_text(encoding="utf-8"), nl=False)
    elif file:
        typer.echo(dump_config(load_config(file)), nl=False)
    else:
        typer.echo(default_yaml(), nl=False)
