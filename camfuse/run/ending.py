"""What a run says last: what it came to, or what stopped it, which would be hard to find among its jobs' lines."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from camfuse.files import is_newer
from camfuse.run.layout import Run

BUG = "this is a bug in camfuse"
"""How the message of a traceback begins, see `camfuse.cli.main`."""
_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ (\w+) [\w.]+: ", re.MULTILINE)


def result_text(run: Run, since: float) -> str:
    """Return how many test clips each model has right, and where the page is; empty where nothing was tested.

    Parameters
    ----------
    run
        The run.
    since
        When it began, in seconds of the epoch: what was tested before is not said again.
    """
    table = run.evaluation.table
    if not is_newer(table, since):
        return ""
    rows = pd.read_csv(table)
    lines = [f"{'right in test':18} {'clips':>7} {'%':>7} {'95 % interval':>16}"]
    for _, row in rows.iterrows():
        low, right, high = (100 * row[name] for name in ("top1_low", "top1", "top1_high"))
        lines.append(f"{row['row']:18} {row['n']:>7} {right:>7.1f} {f'{low:.1f} to {high:.1f}':>16}")
    report = [f"report: {run.report}"] if is_newer(run.report, since) else []
    return "\n".join([*lines, *report])


def problems(run: Run, since: float) -> dict[Path, str]:
    """Return the last error in each log of a job that was written since then."""
    logs = sorted(path for path in run.logs.rglob("*.log") if is_newer(path, since))
    return {path: found[-1] for path in logs if (found := list(_errors(path)))}


def problem_text(found: dict[Path, str]) -> str:
    """Return all of them, each with its log."""
    return "\n".join(f"ERROR: {message}\n(in {path})" for path, message in found.items())


def _errors(log: Path) -> Iterator[str]:
    text = log.read_text(encoding="utf-8", errors="replace")
    entries = list(_ENTRY.finditer(text))
    ends = [*(entry.start() for entry in entries[1:]), len(text)]
    for entry, end in zip(entries, ends, strict=False):
        if entry[1] == "ERROR":
            yield text[entry.end() : end].strip()
