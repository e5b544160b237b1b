"""The names of the rows stand in one place and fit each other."""

from typing import get_args

from camfuse.config import ComparedRow
from camfuse.evaluate.rows import COMPARED, FUSED, LATE, MAIN, PAPER, ROWS, TITLES
from camfuse.model.recogniser import HEADS


def test_every_row_has_a_title_and_every_choice_is_a_row() -> None:
    assert tuple(TITLES) == ROWS
    assert {*MAIN, *PAPER, *COMPARED} <= {*ROWS}
    assert set(COMPARED) == set(get_args(ComparedRow))


def test_the_rows_are_the_heads_and_what_is_made_of_them() -> None:
    alone = {head for part in ("rgb", "pose") for head in HEADS[part]}  # type: ignore[index]
    assert {*ROWS} == alone | {FUSED, LATE} | {f"fusion/{head}" for head in HEADS["fusion"]}
