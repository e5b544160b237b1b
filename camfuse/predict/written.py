"""Outcomes as text, line by line as they come: a table for people, CSV and JSON lines for programs."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from camfuse.predict.answer import VideoAnswer
from camfuse.predict.live import LiveSign
from camfuse.predict.many import Outcome

Format = Literal["table", "csv", "jsonl"]
COLUMNS = ("video", "start", "end", "known", "rank", "label", "probability", "error")
"""Of the CSV: a line per sign and word; a video without an answer has one line, with the reason as `error`."""


def header(form: Format) -> str:
    """Return what stands before the first outcome."""
    return ",".join(COLUMNS) + "\n" if form == "csv" else ""


def written(outcome: Outcome, form: Format, top: int) -> str:
    """Return the lines of one outcome with `top` words a sign."""
    return _WRITERS[form](outcome, top)


def written_live(one: LiveSign, source: str, form: Format, top: int) -> str:
    """Return the lines of a sign of the camera `source`; one that is answered anew has the same times of beginning."""
    if form != "table":
        answer = VideoAnswer(source, (one.sign,), 0, one.sign.end)
        return written(Outcome(Path(source), answer, None, None), form, top)
    words = "  ".join(f"{label} {probability:.0%}" for label, probability in one.sign.top(top))
    note = "" if one.sign.known else "no known sign; nearest: "
    return f"{one.number:3d}  {one.sign.start:7.2f} to {one.sign.end:7.2f} s  {note}{words}\n"


def _table(outcome: Outcome, top: int) -> str:
    return "".join(f"{line}\n" for line in _table_lines(outcome, top))


def _table_lines(outcome: Outcome, top: int) -> Iterator[str]:
    answer = outcome.answer
    if answer is None:
        yield f"{outcome.video}\n  no answer: {outcome.reason}"
        return
    yield f"{outcome.video}  ({answer.frames} frames, {answer.seconds:.2f} s)"
    if not answer.signs:
        yield "  no sign found"
    for sign in answer.signs:
        if len(answer.signs) > 1 or not sign.known:
            yield f"  {sign.start:.2f} to {sign.end:.2f} s{'' if sign.known else '  no known sign; nearest:'}"
        width = max(len(label) for label, _ in sign.top(top))
        for label, probability in sign.top(top):
            yield f"  {label:<{width}}  {probability:6.1%}  {'#' * round(30 * probability)}".rstrip()


def _csv(outcome: Outcome, top: int) -> str:
    text = io.StringIO()
    lines = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if outcome.answer is None:
        lines.writerow({"video": outcome.video, "error": outcome.reason})
    elif not outcome.answer.signs:
        lines.writerow({"video": outcome.video, "known": False})
    else:
        for row in outcome.answer.rows(top):
            times = {name: f"{row[name]:.3f}" for name in ("start", "end")}
            lines.writerow(row | times | {"probability": f"{row['probability']:.6f}"})
    return text.getvalue()


def _jsonl(outcome: Outcome, top: int) -> str:
    answer = outcome.answer
    values: dict[str, object] = {"video": str(outcome.video), "error": outcome.reason}
    if answer is not None:
        values |= {"frames": answer.frames, "seconds": round(answer.seconds, 3)}
        values["signs"] = [
            {
                "start": round(sign.start, 3),
                "end": round(sign.end, 3),
                "known": sign.known,
                "top": [{"label": label, "probability": round(value, 6)} for label, value in sign.top(top)],
            }
            for sign in answer.signs
        ]
    return json.dumps(values, ensure_ascii=False) + "\n"


_WRITERS: dict[Format, Callable[[Outcome, int], str]] = {"table": _table, "csv": _csv, "jsonl": _jsonl}
