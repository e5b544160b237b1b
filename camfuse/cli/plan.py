"""The sub-command `plan`: what a run will take, before it begins."""

from pathlib import Path
from typing import Annotated

import typer

from camfuse.cli.options import app
from camfuse.config import load_config, load_values
from camfuse.config.computer import Computer
from camfuse.run.layout import Run


@app.command()
def plan(
    config: Annotated[Path, typer.Argument(help="YAML file with the settings, or the name of a shipped one, as demo.")],
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="[TARGET]...", help="As of `camfuse run`; left out, everything.")
    ] = None,
    cores: Annotated[
        int | None, typer.Option(min=1, help="CPU cores to plan for; left out, all of this machine.")
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option("--workflow-profile", help="Folder of a cluster's profile: what it would be asked for."),
    ] = None,
    sample: Annotated[int, typer.Option(min=3, help="Clips to time, at least 3.")] = 8,
    json: Annotated[bool, typer.Option("--json", help="Print the forecast as JSON.")] = False,
) -> None:
    """Say what a run would take from here: time, disk and memory of each rule, by timing a few clips on this machine.

    What is made already is left out. The forecast is kept in the run's folder, and the finished run says how true it
    was.
    """
    from camfuse.plan.plan import Wanted, limits, make_forecast, untimed
    from camfuse.plan.text import forecast_text
    from camfuse.prep.start import prepare_clips
    from camfuse.run.forecast import compare, comparison_text, write_forecast
    from camfuse.run.going import is_going
    from camfuse.run.recipe import resolve
    from camfuse.run.workflow import check_targets, find_config

    file = find_config(config)
    settings = load_config(file)
    check_targets(targets or ())
    if not is_going(settings.output):
        prepare_clips(settings)
    run = Run(resolve(settings, load_values(file)))
    wanted = Wanted(file, cores or Computer.this().cores, tuple(targets or ()), profile, sample)
    before = compare(run)
    forecast = make_forecast(run, wanted, lambda line: typer.echo(line, err=True))
    if forecast.rules:
        write_forecast(run, forecast)
    if json:
        typer.echo(forecast.text(), nl=False)
        return
    for line in (*forecast_text(forecast), *untimed(forecast.rules), *limits(forecast, run.output)):
        typer.echo(line)
    if before.rows:
        typer.echo(f"\nthe forecast before this one:\n{comparison_text(before)}")
