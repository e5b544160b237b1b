"""A forecast as people read it."""

from collections.abc import Iterator

from camfuse.run.forecast import Forecast, RuleForecast

_HEAD = ("rule", "jobs", "a job", "all jobs", "CPU", "memory", "disk", "epochs", "asks for")


def forecast_text(forecast: Forecast) -> Iterator[str]:
    """Yield the lines of a forecast: a table, a row a rule, and what it comes to."""
    if not forecast.rules:
        yield "Nothing is left to do."
        return
    place = f"{forecast.cores} jobs at a time on a cluster" if forecast.profile else f"{forecast.cores} cores"
    yield f"{forecast.clips:,} clips, {forecast.sampled} of them timed; {place}; trainings on {forecast.device}"
    yield ""
    rows = [_HEAD, *(_row(rule) for rule in forecast.rules)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        cells = [
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
    yield ""
    yield (
        f"In all {duration(forecast.seconds)}, {duration(forecast.start_seconds)} of it for the start, and "
        f"{size(forecast.disk_mb)} of disk"
    )


def _row(rule: RuleForecast) -> tuple[str, ...]:
    asked = [f"{rule.cpus} cpus"]
    asked += [f"{rule.memory_mb:,} MB"] if rule.memory_mb else []
    asked += [f"{rule.minutes} min"] if rule.minutes else []
    asked += [f"{rule.gpus} GPU"] if rule.gpus else []
    if not rule.seconds:
        times = ["?"] * 3
    else:
        times = [duration(max(job.seconds for job in rule.jobs)), duration(rule.seconds), duration(rule.cpu_seconds)]
    return (
        rule.rule,
        str(len(rule.jobs)),
        *times,
        size(rule.used_mb) if rule.used_mb else "?",
        size(rule.disk_mb),
        f"{rule.epochs} x {duration(rule.epoch_seconds)}" if rule.epochs else "",
        ", ".join(asked),
    )


def duration(seconds: float) -> str:
    """Write a time in the unit that a person would use."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 100 * 3600 else f"{seconds / 86400:.1f} days"


def size(megabytes: float) -> str:
    """Write a size likewise."""
    if megabytes < 1000:
        return f"{megabytes:.0f} MB" if megabytes >= 10 else f"{megabytes:.1f} MB"
    return f"{megabytes / 1000:.1f} GB" if megabytes < 1e6 else f"{megabytes / 1e6:.1f} TB"
