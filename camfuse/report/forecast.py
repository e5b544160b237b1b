"""What `camfuse plan` foretold, beside what the run took."""

from camfuse.evaluate.result_text import NONE
from camfuse.report.tables import Table, duration
from camfuse.run.forecast import compare
from camfuse.run.layout import Run

_HEAD = ("rule", "jobs", "foretold", "took", "CPU foretold", "CPU took", "ratio", "memory foretold (MB)", "used (MB)")


def forecast_table(run: Run) -> Table | None:
    """Set the forecast beside the truth, a row a rule; None where there is nothing to compare.

    The report itself is left out: what it took is not known while it is written.

    Raises
    ------
    TableError
        If the forecast, or a benchmark file, is damaged.
    """
    rows = [
        (
            row.rule,
            str(row.jobs),
            *map(duration, (*row.seconds, row.cpu_seconds[0])),
            NONE if row.cpu_seconds[1] is None else duration(row.cpu_seconds[1]),
            NONE if row.ratio is None else f"{row.ratio:.2f}",
            *(f"{memory:,.0f}" if memory else NONE for memory in row.memory_mb),
        )
        for row in compare(run).rows
        if row.rule != "report"
    ]
    return Table("Forecast and truth (camfuse plan)", _HEAD, rows) if rows else None
