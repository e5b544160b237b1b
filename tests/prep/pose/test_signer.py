"""The signer among the persons found, on scenes whose answer is plain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camfuse.prep.pose.signer import choose_signer, fill_gaps, follow_signer

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


def test_nobody_at_all_is_missing_not_the_whole_image() -> None:
    found = follow_signer([rows()] * 3)
    assert np.isnan(found[:, :4]).all()
    assert (found[:, 4] == 0).all()
    assert follow_signer([]).shape == (0, 5)


def scene(frames: int = 200, seed: int = 3) -> tuple[list[np.ndarray], list[int]]:
    """Return the persons of each frame, in any order, and which of them is the signer (-1: not detected).

    The signer sways; another person, larger and surer, walks through the image; a third stands behind; the detector
    trembles and loses the signer twice, for 1 and for 12 frames.
    """
    rng = np.random.default_rng(seed)
    persons, answer = [], []
    for time in range(frames):
        found = [
            ("signer", [220 + 40 * np.sin(time / 9), 60, 420 + 40 * np.sin(time / 9), 470, 0.75]),
            ("behind", [480, 120, 560, 330, 0.9]),
        ]
        left = 12 * (time - 60)
        if -220 < left < 640:
            found.append(("walker", [max(left, 0), 30, min(left + 220, 640), 475, 0.95]))
        if time == 40 or 90 <= time < 102:
            found = found[1:]
        order = rng.permutation(len(found))
        boxes = np.array([found[i][1] for i in order], np.float32)
        boxes[:, :4] += rng.normal(0, 3, (len(boxes), 4))
        persons.append(boxes)
        names = [found[i][0] for i in order]
        answer.append(names.index("signer") if "signer" in names else -1)
    return persons, answer


@pytest.mark.parametrize("seed", range(5))
def test_the_signer_is_kept_in_99_of_100_frames_while_another_walks_through(seed: int) -> None:
    persons, answer = scene(seed=seed)
    assert (choose_signer(persons) == answer).mean() >= 0.99


def test_the_signer_found_again_after_a_long_loss_goes_on_where_it_was() -> None:
    persons = [rows(box(SIGNER, 0.8)) if time < 20 or time >= 60 else rows(box(PASSER, 0.9)) for time in range(80)]
    persons[60:] = [rows(box(PASSER, 0.9), box(SIGNER, 0.8, shift=90)) for _ in range(20)]  # overlap 0.38 -> 0.29
    persons[60:] = [frame + np.float32([0, 60, 0, 60, 0]) for frame in persons[60:]]
    chosen = choose_signer(persons)
    assert (chosen[:20] == 0).all()
    assert (chosen[20:60] == -1).all()
    assert (chosen[60:] == 1).all()


@pytest.mark.parametrize(("factor", "chosen"), [(0.8, 0), (1.6, 0), (2.5, 1)])
def test_who_moves_is_the_signer_beside_a_still_person_of_up_to_twice_the_size(factor: float, chosen: int) -> None:
    """The arms go out and in by a fifth of the box; the other's box trembles by a pixel."""
    rng = np.random.default_rng(0)
    left, top = 400, 480 - 400 * factor
    persons = []
    for time in range(40):
        reach = 20 + 20 * np.sin(time / 3)
        signer = [100 - reach, 80, 300 + reach, 480, 0.8]
        trembling = np.append(rng.normal(0, 1, 4), 0)
        other = np.array([left, top, left + 200 * factor, 480, 0.8]) + trembling
        persons.append(rows(signer, other.tolist()))
    assert (choose_signer(persons) == chosen).all()


def test_the_larger_of_two_who_both_move_is_the_signer() -> None:
    def moving(place: list[int], time: int) -> list[float]:
        return [place[0] - 30 * abs(np.sin(time / 4)), *place[1:], 0.8]

    persons = [rows(moving(PASSER, time), moving([300, 50, 420, 300], time)) for time in range(30)]
    assert (choose_signer(persons) == 1).all()


def test_gaps_are_filled_up_to_the_longest_and_never_at_the_ends() -> None:
    boxes = np.full((10, 5), np.nan, np.float32)
    boxes[:, 4] = 0
    boxes[[1, 4, 8]] = [[0, 0, 10, 10, 0.5], [30, 6, 40, 16, 0.8], [70, 0, 80, 10, 1]]
    before = boxes.copy()
    out, filled = fill_gaps(boxes, 2)
    assert np.flatnonzero(filled).tolist() == [2, 3]
    np.testing.assert_allclose(out[2:4], [[10, 2, 20, 12, 0.6], [20, 4, 30, 14, 0.7]], rtol=1e-6)
    assert np.isnan(out[[0, 5, 6, 7, 9], :4]).all()
    np.testing.assert_array_equal(boxes, before)
    assert not fill_gaps(boxes, 0)[1].any()
    assert not fill_gaps(boxes[:0], 3)[1].any()


def test_a_keypoint_is_filled_only_if_both_ends_have_it() -> None:
    keypoints = np.full((3, 2, 3), np.nan, np.float32)
    keypoints[..., 2] = 0
    keypoints[0] = [[0, 0, 1], [5, 5, 1]]
    keypoints[2, 0] = [4, 8, 0.5]
    out, filled = fill_gaps(keypoints, 1)
    assert filled.tolist() == [False, True, False]
    assert out[1, 0].tolist() == [2, 4, 0.75]
    assert np.isnan(out[1, 1, :2]).all()
    assert out[1, 1, 2] == 0


@given(st.lists(st.lists(st.floats(0.125, 1, width=32), max_size=3), max_size=8))
def test_every_row_is_a_found_box_of_its_frame_or_missing(scores: list[list[float]]) -> None:
    persons = [rows(*(box(SIGNER, score, shift=150 * i) for i, score in enumerate(frame))) for frame in scores]
    for row, frame in zip(follow_signer(persons), persons, strict=True):
        assert np.isnan(row[:4]).all() or (frame == row).all(axis=1).any()
