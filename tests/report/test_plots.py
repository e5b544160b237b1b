import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from camfuse.report.plots import Line, histogram, line_chart, matrix
from camfuse.report.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH


def numbers(svg: str, pattern: str) -> list[tuple[float, ...]]:
    return [tuple(float(x) for x in found) for found in (match.groups() for match in re.finditer(pattern, svg))]


def test_a_curve_lies_where_its_numbers_say() -> None:
    svg = line_chart([Line("train", [1, 2], [0.0, 1.0])], title="t", x_label="x", y_label="y", top=1.0)
    (dots,) = [numbers(svg, r'cx="([\d.]+)" cy="([\d.]+)"')]
    assert dots == [(LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, TOP)]


def test_the_best_epoch_is_marked() -> None:
    lines = [Line("val", [1, 2, 3], [0.1, 0.2, 0.3])]
    svg = line_chart(lines, title="t", x_label="x", y_label="y", best=2)
    ((x,),) = numbers(svg, r'class="best" x1="([\d.]+)" ')
    assert x == pytest.approx((LEFT + WIDTH - RIGHT) / 2)


def test_missing_values_leave_a_gap_and_none_at_all_is_said() -> None:
    svg = line_chart([Line("val", [1, 2], [math.nan, 1.0])], title="t", x_label="x", y_label="y")
    assert svg.count("<circle") == 1
    assert "No values" in line_chart([Line("val", [1], [math.nan])], title="t", x_label="x", y_label="y")


def test_a_histogram_counts_every_value_once() -> None:
    svg = histogram([0.0, 0.02, 0.5, 1.0, 1.0], title="t", x_label="x")
    assert re.findall(r"<title>([^<]+)</title>", svg) == [
        "0.00 to 0.05: 2 clip(s)",
        "0.50 to 0.55: 1 clip(s)",
        "0.95 to 1.00: 2 clip(s)",
    ]


def test_a_matrix_has_its_rows_true_and_its_columns_predicted() -> None:
    svg = matrix(np.array([[3, 1], [0, 0]]), ["a", "b"], title="t")
    assert re.findall(r"<title>([^<]+)</title>", svg) == ["a taken for a: 3 (75%)", "a taken for b: 1 (25%)"]
    right, wrong = (numbers(svg, rf'class="{kind}"[^>]* x="([\d.]+)" y="([\d.]+)"')[0] for kind in ("right", "wrong"))
    assert right[1] == wrong[1]
    assert right[0] < wrong[0]


def test_labels_cannot_become_markup() -> None:
    evil = '"><script>x</script>'
    for svg in (
        matrix(np.eye(1, dtype=np.int64), [evil], title=evil),
        line_chart([Line("train", [1], [1])], title=evil, x_label=evil, y_label=evil),
        histogram([1.0], title=evil, x_label=evil),
    ):
        root = ElementTree.fromstring(svg)
        assert root.get("aria-label") == evil
        assert {element.tag for element in root.iter()} <= {"svg", "text", "rect", "line", "path", "circle", "title"}
        assert evil[:10] in "".join(root.itertext())


def test_a_loss_of_next_to_nothing_still_has_an_axis() -> None:
    svg = line_chart([Line("train", [1, 2], [0.0, 1e-12])], title="t", x_label="x", y_label="y")
    assert numbers(svg, r'cy="([\d.]+)"') == [(HEIGHT - BOTTOM,), (HEIGHT - BOTTOM,)]
