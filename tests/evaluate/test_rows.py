"""The names of the rows stand in one place and fit each other."""

from typing import get_args

from camfuse.config import STREAMS, ComparedRow, Model
from camfuse.evaluate.rows import COMPARED, FUSED, HEADLINES, LATE, MAIN, ROWS, TITLES
from camfuse.model.recogniser import heads_of


def test_every_row_has_a_title_and_every_choice_is_a_row() -> None:
    assert tuple(TITLES) == ROWS
    assert {*MAIN, *HEADLINES, *COMPARED} <= {*ROWS}
    assert set(COMPARED) == set(get_args(ComparedRow))


def test_the_rows_are_the_heads_and_what_is_made_of_them() -> None:
    model = Model.model_validate({"sequence": {}})
    alone = {head for stream in STREAMS for head in heads_of(model, stream)}
    assert {*ROWS} == alone | {FUSED, LATE} | {f"fusion/{head}" for head in heads_of(model, "fusion")}
