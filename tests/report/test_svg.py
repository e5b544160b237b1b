"""The ground of the charts: round numbers on axes, escaped text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camfuse.report.svg import tag, ticks


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_cover_the_range_with_few_round_steps(low: float, span: float) -> None:
    found = ticks(low, low + span)
    step = found[1] - found[0]
    assert found[0] <= low + 1e-6 * max(1, abs(low), span)
    assert found[-1] >= low + span - 1e-6 * max(1, abs(low), span)
    assert 2 <= len(found) <= 8
    assert np.diff(found) == pytest.approx(step)


def test_ticks_of_accuracy() -> None:
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1]


def test_text_and_attributes_are_escaped() -> None:
    assert tag("text", "<b>", fill='"') == '<text fill="&#34;">&lt;b&gt;</text>'
