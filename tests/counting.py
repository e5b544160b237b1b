"""How many cases the tests tried: what survived, what was refused with a reason, what was lost."""

from collections.abc import Callable, Iterable

import pytest

CasesOf = Callable[..., None]
"""What the fixture `cases_of` gives: `cases_of("damaged tables", survived=10, refused=90)`."""
PROPERTY = "cases"


def lines(reports: Iterable[pytest.TestReport], failed: Iterable[pytest.TestReport]) -> list[str]:
    """Return a line for each kind of case, and their sums; a test that failed lost at least one."""
    rows = [value for report in reports for name, value in report.user_properties if name == PROPERTY]
    lost = len(list(failed))
    if not rows:
        return []
    survived, refused = (sum(row[place] for row in rows) for place in (1, 2))
    said = [
        f"{what}: {alive + away} tried, {alive} survived, {away} refused with a reason" for what, alive, away in rows
    ]
    total = f"{survived + refused + lost} tried, {survived} survived, {refused} refused with a reason, {lost} lost"
    return [*said, f"all cases: {total}"]
