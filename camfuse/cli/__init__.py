"""The command line: one sub-command a stage, each importing its stage only when it is called."""

import atexit
import io
import logging
import sys

from camfuse.cli import doctor, init, plan, run, stages, train, evaluate  # isort: skip  # each adds its commands,
from camfuse.cli import predict, views, verify, keypoints, export, serve  # isort: skip  # in this order
from camfuse.cli.options import app
from camfuse.errors import CamfuseError, disk_problem
from camfuse.run.ending import BUG
from camfuse.run.jobs import note_cpu_seconds

log = logging.getLogger("camfuse")

__all__ = [
    "app",
    "doctor",
    "evaluate",
    "export",
    "init",
    "keypoints",
    "main",
    "plan",
    "predict",
    "run",
    "serve",
    "stages",
    "train",
    "verify",
    "views",
]


def main() -> None:
    """Run a sub-command; a user's mistake is one message and exit code 2, a bug keeps its traceback."""
    # a file's name may be no text, and a terminal may lack a word's letters
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    console = logging.StreamHandler()
    console.setLevel(logging.WARNING)
    console.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logging.getLogger().addHandler(console)
    log.setLevel(logging.INFO)
    logging.raiseExceptions = False  # a log on a full disk must not hide what went wrong
    atexit.register(note_cpu_seconds)  # registered first, it is called last: the loaders' processes are joined by then
    try:
        app()
    except CamfuseError as error:
        log.error("%s", error)
        sys.exit(2)
    except Exception as error:
        if problem := disk_problem(error):
            log.error("%s", problem)
            sys.exit(2)
        log.exception("%s; please report it with the config and this message", BUG)
        sys.exit(1)
