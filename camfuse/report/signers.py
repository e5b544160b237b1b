"""How well each signer of the tested clips is recognised, and people in training against people who are not."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from camfuse.evaluate.result_text import percent
from camfuse.evaluate.results import Results
from camfuse.evaluate.rows import COMPARED, TITLES
from camfuse.evaluate.signers import Share, SignerScore, gap, share_of
from camfuse.report.svg import svg, tag
from camfuse.report.tables import Table

UNKNOWN = "Who signs the tested clips is not known (column signer of clips.csv), so there is no accuracy by person."
MOST_DRAWN = 40
"""More signers are listed, not drawn."""
ROW, LABEL, WIDE, AXIS = 22.0, 110.0, 560.0, 24.0
"""Of the chart, in pixels: a signer's height, the space for names, the whole width, the axis below."""
LONGEST_NAME = 14


@dataclass(frozen=True)
class Signers:
    """The tested people.

    Attributes
    ----------
    note
        What can be said of them in a sentence or two.
    gap
        Accuracy of people who are in training and of others, by row; None unless both are tested.
    chart
        Each signer's accuracy with its interval; empty with too many of them.
    table
        The same in numbers; None where nobody is known.
    """

    note: str
    gap: Table | None
    chart: Markup
    table: Table | None


def describe_people(results: Results) -> Signers | None:
    """Set the accuracy by signer; None where the file is of an earlier version."""
    if results.signers is None:
        return None
    scores = results.by_signer
    if not scores:
        return Signers(UNKNOWN, None, Markup(""), None)
    order = sorted(scores, key=lambda one: (share_of([one], results.main).value, one.signer))
    drawn = signer_chart(order, results.main) if len(order) <= MOST_DRAWN else Markup("")
    return Signers(_note(order, results.main), gap_table(results), drawn, _table(order, results))


def _note(order: Sequence[SignerScore], row: str) -> str:
    worst, best = (share_of([one], row).value for one in (order[0], order[-1]))
    of = "1 signer" if len(order) == 1 else f"{len(order):,} signers, from {worst:.0%} to {best:.0%} right"
    said = f"{TITLES.get(row, row)}, {of}; lines are Wilson's 95 % intervals over the clips of each."
    kinds = {one.seen for one in order}
    if kinds == {False}:
        said += " None of them is in training, so what new people cost cannot be measured here: nobody known is tested."
    elif kinds == {True}:
        said += " All of them are in training, so how well new people are recognised is not measured here."
    return said


def gap_table(results: Results) -> Table | None:
    """Compare people who are in training with people who are not; None unless both are tested."""
    seen, unseen = ([one for one in results.by_signer if one.seen is kind] for kind in (True, False))
    if not seen or not unseen:
        return None
    rows = []
    for row in (row for row in COMPARED if row in results.rows):
        known, new = share_of(seen, row), share_of(unseen, row)
        difference, low, high = (100 * value for value in gap(known, new))
        rows.append((TITLES[row], _share(known), _share(new), f"{difference:+.1f} ({low:+.1f} to {high:+.1f})"))
    strong = frozenset({[row for row in COMPARED if row in results.rows].index(results.main)})  # type: ignore[arg-type]
    caption = (
        f"People in training ({len(seen)}) and new people ({len(unseen)}), % right with 95 % intervals over the clips"
    )
    return Table(caption, ("model", "in training", "new", "gap, points"), rows, strong=strong)


def _share(share: Share) -> str:
    low, high = share.interval
    return f"{percent(share.value)} ({100 * low:.1f} to {100 * high:.1f})"


def _table(order: Sequence[SignerScore], results: Results) -> Table:
    compared = [row for row in COMPARED if row in results.rows and row != results.main]
    known = {True: "yes", False: "no", None: "not known"}
    rows = []
    for one in order:
        main = share_of([one], results.main)
        others = (percent(share_of([one], row).value) for row in compared)
        rows.append((one.signer, known[one.seen], f"{one.clips:,}", f"{main.right:,}", _share(main), *others))
    name = TITLES.get(results.main, results.main)
    head = ("signer", "in training", "clips", "right", f"{name}, %", *(f"{TITLES[row]}, %" for row in compared))
    return Table("Accuracy by signer, worst first", head, rows, frozenset({0, 1})).cut(500)


def signer_chart(order: Sequence[SignerScore], row: str) -> Markup:
    """Draw a line a signer: the share that is right, and its interval."""
    height = len(order) * ROW + AXIS + 6
    body = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x = _across(tick)
        body.append(tag("line", cls="grid", x1=x, x2=x, y1=4, y2=height - AXIS))
        body.append(tag("text", f"{tick:.0%}", cls="tick middle", x=x, y=height - 6))
    for number, one in enumerate(order):
        share = share_of([one], row)
        y, (low, high) = 4 + (number + 0.5) * ROW, share.interval
        name = one.signer if len(one.signer) <= LONGEST_NAME else f"{one.signer[: LONGEST_NAME - 1]}…"
        hover = f"{one.signer}: {share.right} of {share.clips} right"
        kind = "unknown" if one.seen is None else "known" if one.seen else "new"
        body.append(tag("text", name, cls="tick end", x=LABEL - 10, y=y + 4))
        body.append(tag("line", cls=f"interval {kind}", x1=_across(low), x2=_across(high), y1=y, y2=y))
        body.append(tag("circle", tag("title", hover), cls=f"person {kind}", cx=_across(share.value), cy=y, r=5))
    return svg("Accuracy of each signer with its interval", body, WIDE, height)


def _across(share: float) -> float:
    return LABEL + share * (WIDE - LABEL - 24)
