"""The sub-command that serves the page."""

import logging
from typing import Annotated

import typer

from camfuse.cli.options import app
from camfuse.cli.predict import Device, Model, Named, Other
from camfuse.entries import Package
from camfuse.errors import MissingToolError

log = logging.getLogger(__name__)

AIOHTTP = Package("aiohttp", "pip install aiohttp")


@app.command()
def serve(
    model: Model,
    host: Annotated[str, typer.Option(help="Where to listen; another than localhost lets others in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="At which port.")] = 8765,
    seconds: Annotated[float, typer.Option(min=1, help="Longest video that is taken.")] = 60.0,
    megabytes: Annotated[float, typer.Option(min=0.1, help="Largest file that is taken.")] = 50.0,
    enroll: Annotated[
        bool | None, typer.Option(help="Let the page add words; left out, only where it is for this machine alone.")
    ] = None,
    estimator: Named = None,
    other_estimator: Other = False,
    device: Device = "auto",
) -> None:
    """Open a page to try the model: a video or the camera in, the answer and how it came about out."""
    if AIOHTTP.missing:
        raise MissingToolError(f"camfuse serve needs {AIOHTTP.name}: {AIOHTTP.install}")
    from camfuse.serve.address import LOCAL, listening, names_of, written
    from camfuse.serve.app import Page
    from camfuse.serve.app import serve as run
    from camfuse.serve.limits import Limits
    from camfuse.serve.work import Chosen, Worker

    limits = Limits(seconds=seconds, megabytes=megabytes)
    worker = Worker(Chosen(model, estimator, other_estimator, device), limits)
    alone = written(host) in LOCAL
    page = Page(worker, limits, enroll=alone if enroll is None else enroll)
    sockets = listening(host, port)
    typer.echo(f"http://{written(host)}:{port}  (Ctrl-C ends it)")
    if not alone:
        log.warning("everybody who can reach %s:%d can use this model and this machine's time", written(host), port)
    run(page, sockets, names_of(host))
