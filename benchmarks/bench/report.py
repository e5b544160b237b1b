"""The rows as lines, as Markdown and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.bench.race import Row, Skipped
from benchmarks.pose_engines import processor

HEAD = "| | ours | the peer | | times as good | bound | goal | holds |"


def line(row: Row | Skipped) -> str:
    """Return one row for the terminal."""
    if isinstance(row, Skipped):
        return f"{row.subject}: {row.what}: not measured: {row.reason}"
    goal = f"; goal {row.goal}: {'holds' if row.holds else 'falls short'}" if row.goal else ""
    return (
        f"{row.subject}: {row.what}: {figure(row.ours)} {row.unit}, {row.rival} {figure(row.peer)}: "
        f"{row.ratio:.3g} times{f'; {row.bound_is} {figure(row.bound)}' if row.bound is not None else ''}{goal}"
    )


def figure(value: float) -> str:
    """Return a figure to three digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def write(path: Path, rows: Sequence[Row | Skipped], wrong: Sequence[str], minutes: float, load: str) -> None:
    """Write the table as Markdown, and all figures beside it as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(markdown(rows, wrong, minutes, load), encoding="utf-8")
    values = [
        asdict(row) | ({"ratio": row.ratio, "goal": row.goal, "holds": row.holds} if isinstance(row, Row) else {})
        for row in rows
    ]
    facts = {"processor": processor("cpu"), "torch": torch.__version__, "minutes": round(minutes, 1), "load": load}
    text = json.dumps({**facts, "rows": values, "wrong": list(wrong)}, indent=1)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


def markdown(rows: Sequence[Row | Skipped], wrong: Sequence[str], minutes: float, load: str) -> str:
    """Return the page."""
    measured = [row for row in rows if isinstance(row, Row)]
    lines = [
        "# Ours beside the peers",
        "",
        f"`make bench`, {minutes:.0f} minutes, one thread, {load} at the end; {processor('cpu')}; torch "
        f"{torch.__version__}. Both ways of a row take turns in one process; medians of CPU time, children included. "
        "Their answers are compared before: where they differ by more than stands at the end, there is no row but an "
        "error. A bound is what nobody can be better than.",
    ]
    for subject in dict.fromkeys(row.subject for row in measured):
        lines += ["", f"## {subject.capitalize()}", "", HEAD, "|" + "---|" * 8]
        lines += [_cells(row) for row in measured if row.subject == subject]
    lines += _list("Goals that are not reached", [f"{row.what}: {row.short}" for row in measured if not row.holds])
    lines += _list("Not measured", [f"{row.what}: {row.reason}" for row in rows if isinstance(row, Skipped)])
    lines += _list("Answers differ", wrong)
    lines += _list("How far the answers may be apart", [f"{row.what}: {row.agree}" for row in measured])
    return "\n".join([*lines, ""])


def _cells(row: Row) -> str:
    bound = "" if row.bound is None else f"{figure(row.bound)} ({row.bound_is})"
    holds = ("yes" if row.holds else "no") if row.goal else ""
    return (
        f"| {row.what} | {figure(row.ours)} {row.unit} | {figure(row.peer)} | {row.rival} | {row.ratio:.3g} | {bound} "
        f"| {row.goal} | {holds} |"
    )


def _list(title: str, items: Sequence[str]) -> list[str]:
    return ["", f"## {title}", "", *(f"- {item}" for item in items)] if items else []
