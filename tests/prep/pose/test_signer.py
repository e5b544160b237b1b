"""The signer among the persons found, on scenes whose answer is plain."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from camfuse.prep.pose.signer import follow_signer

SIGNER, PASSER = [100, 50, 300, 450], [0, 100, 60, 300]


def box(place: list[int], score: float, shift: float = 0) -> list[float]:
    return [place[0] + shift, place[1], place[2] + shift, place[3], score]


def rows(*boxes: list[float]) -> np.ndarray:
    return np.array(boxes, np.float32).reshape(-1, 5)


def test_the_larger_person_is_followed_even_where_another_scores_higher() -> None:
    persons = [rows(box(PASSER, 0.95), box(SIGNER, 0.7, shift=4 * time)) for time in range(20)]
    np.testing.assert_array_equal(follow_signer(persons), [frame[1] for frame in persons])


def test_where_the_signer_is_lost_nobody_takes_the_place() -> None:
    persons = [rows(box(PASSER, 0.9), *([box(SIGNER, 0.8)] if time not in (3, 4) else [])) for time in range(9)]
    found = follow_signer(persons)
    assert np.flatnonzero(np.isnan(found[:, 0])).tolist() == [3, 4]
    assert (found[3:5, 4] == 0).all()
    assert (found[[0, 8], 0] == 100).all()


def test_one_frame_with_a_box_around_everything_changes_nothing() -> None:
    persons = [rows(box(SIGNER, 0.8)) for _ in range(10)]
    persons[5] = rows([0, 0, 640, 2000, 0.9], box(SIGNER, 0.8))
    assert (follow_signer(persons)[:, 0] == 100).all()


def test_nobody_at_all_is_missing_not_the_whole_picture() -> None:
    found = follow_signer([rows()] * 3)
    assert np.isnan(found[:, :4]).all()
    assert (found[:, 4] == 0).all()
    assert follow_signer([]).shape == (0, 5)


@given(st.lists(st.lists(st.floats(0.1, 1, width=32), max_size=3), max_size=8))
def test_every_row_is_a_found_box_of_its_frame_or_missing(scores: list[list[float]]) -> None:
    persons = [rows(*(box(SIGNER, score, shift=150 * i) for i, score in enumerate(frame))) for frame in scores]
    for row, frame in zip(follow_signer(persons), persons, strict=True):
        assert np.isnan(row[:4]).all() or (frame == row).all(axis=1).any()
