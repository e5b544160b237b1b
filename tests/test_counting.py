from types import SimpleNamespace
from typing import Any

from counting import lines


def report(*cases: tuple[str, int, int]) -> Any:
    return SimpleNamespace(user_properties=[("cases", case) for case in cases] + [("other", 1)])


def test_cases_are_summed_and_a_failed_test_is_a_loss() -> None:
    passed = [report(("tables", 10, 90)), report(), report(("kills", 10, 0))]
    assert lines(passed, []) == [
        "tables: 100 tried, 10 survived, 90 refused with a reason",
        "kills: 10 tried, 10 survived, 0 refused with a reason",
        "all cases: 110 tried, 20 survived, 90 refused with a reason, 0 lost",
    ]
    assert lines(passed, [report()])[-1].endswith("111 tried, 20 survived, 90 refused with a reason, 1 lost")


def test_where_nothing_was_counted_nothing_is_said() -> None:
    assert lines([report()], [report()]) == []
