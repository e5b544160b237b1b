"""Outcomes as text, line by line as they come: a table for people, CSV and JSON lines for programs."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any, Literal

from camfuse.predict.answer import Sign, VideoAnswer
from camfuse.predict.live import LiveSign
from camfuse.predict.many import Outcome

Format = Literal["table", "csv", "jsonl"]
COLUMNS = ("video", "start", "end", "known", "rank", "label", "probability", "error")
"""Of the CSV: a line per sign and word; a video without an answer has one line, with the reason as `error`."""
LIVE_COLUMNS = ("video", "number", *COLUMNS[1:])
"""Of the CSV of what a camera sees: an answer given anew has the `number` of the first, and counts in its place."""


def header(form: Format, *, live: bool = False) -> str:
    """Return what stands before the first outcome, or before the first sign of `written_live`."""
    return ",".join(LIVE_COLUMNS if live else COLUMNS) + "\n" if form == "csv" else ""


def written(outcome: Outcome, form: Format, top: int) -> str:
    """Return the lines of one outcome with `top` words a sign."""
    return _WRITERS[form](outcome, top)


def written_live(one: LiveSign, source: str, form: Format, top: int) -> str:
    """Return the lines of a sign of the camera `source`; one that is answered anew has the same number."""
    return _LIVE_WRITERS[form](one, source, top)


def _live_table(one: LiveSign, source: str, top: int) -> str:
    words = "  ".join(f"{label} {probability:.0%}" for label, probability in one.sign.top(top))
    note = "" if one.sign.known else "no known sign; nearest: "
    return f"{one.number:3d}  {one.sign.start:7.2f} to {one.sign.end:7.2f} s  {note}{words}\n"


def _live_csv(one: LiveSign, source: str, top: int) -> str:
    text = io.StringIO()
    lines = csv.DictWriter(text, LIVE_COLUMNS, lineterminator="\n")
    for row in VideoAnswer(source, (one.sign,), 0, one.sign.end).rows(top):
        lines.writerow({"number": one.number} | _in_digits(row))
    return text.getvalue()


def _live_jsonl(one: LiveSign, source: str, top: int) -> str:
    # neither frames nor seconds: nobody knows yet how long it goes on
    values = {"video": source, "error": None, "number": one.number, "signs": [_sign_values(one.sign, top)]}
    return json.dumps(values, ensure_ascii=False) + "\n"


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
            lines.writerow(_in_digits(row))
    return text.getvalue()


def _in_digits(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `VideoAnswer.rows` with as many digits as mean something."""
    times = {name: f"{row[name]:.3f}" for name in ("start", "end")}
    return row | times | {"probability": f"{row['probability']:.6f}"}


def _jsonl(outcome: Outcome, top: int) -> str:
    answer = outcome.answer
    values: dict[str, object] = {"video": str(outcome.video), "error": outcome.reason}
    if answer is not None:
        values |= {"frames": answer.frames, "seconds": round(answer.seconds, 3)}
        values["signs"] = [_sign_values(sign, top) for sign in answer.signs]
    return json.dumps(values, ensure_ascii=False) + "\n"


def _sign_values(sign: Sign, top: int) -> dict[str, object]:
    return {
        "start": round(sign.start, 3),
        "end": round(sign.end, 3),
        "known": sign.known,
        "top": [{"label": label, "probability": round(value, 6)} for label, value in sign.top(top)],
    }


_WRITERS: dict[Format, Callable[[Outcome, int], str]] = {"table": _table, "csv": _csv, "jsonl": _jsonl}
_LIVE_WRITERS: dict[Format, Callable[[LiveSign, str, int], str]] = {
    "table": _live_table,
    "csv": _live_csv,
    "jsonl": _live_jsonl,
}
