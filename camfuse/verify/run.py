"""All checks of a run, one after the other; what cannot even be opened is said and does not end the others."""

from collections.abc import Iterator

from camfuse.errors import CamfuseError
from camfuse.run.layout import Run
from camfuse.verify.finding import Finding
from camfuse.verify.shards import check_shards
from camfuse.verify.tables import check_leaks, check_tables
from camfuse.verify.trainings import check_results, check_trainings

CHECKS = {
    "clips": check_tables,
    "shards": check_shards,
    "splits": check_leaks,
    "train": check_trainings,
    "evaluate": check_results,
}
"""What a check that fails as a whole is called in its finding."""


def verify(run: Run) -> Iterator[Finding]:
    """Check what lies in a run's folder, and give a line for each thing that was looked at."""
    for place, check in CHECKS.items():
        try:
            yield from check(run)
        except CamfuseError as error:
            yield Finding("wrong", place, str(error))
