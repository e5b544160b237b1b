"""The benchmark of long recordings: joins whose truth is known, and its figures against answers by hand."""

import numpy as np
import pytest

from benchmarks import joined, segments
from benchmarks.joined import FPS, Piece, join, resting
from camfuse.predict.segments import find_segments


def made_piece(fps: float = 30.0) -> Piece:
    """A clip of 40 frames whose right wrist is up from the tenth to the thirtieth."""
    keypoints = np.full((40, 133, 3), (np.nan, np.nan, 0), np.float32)
    for point, x, y in ((5, 220, 100), (6, 120, 100), (9, 230, 240), (10, 110, 240)):
        keypoints[:, point] = (x, y, 1)
    keypoints[10:30, 10, 1] = 110
    return Piece(keypoints, fps, 10, 30)


def test_a_join_has_its_signs_where_it_says() -> None:
    recording = join([made_piece(), made_piece(15.0)], np.random.default_rng(0))
    (first, stop), (slow, end) = recording.signs
    assert (stop - first, end - slow) == (20, 40)
    heights = -recording.keypoints[:, 10, 1]
    assert heights[first:stop].min() > heights[np.r_[: first - 1]].max()
    found = [(one.first, one.stop) for one in find_segments(recording.keypoints, FPS)]
    np.testing.assert_allclose(found, recording.signs, atol=8)


def test_a_recording_at_rest_has_no_sign() -> None:
    recording = resting(made_piece().keypoints, 5.0, np.random.default_rng(1))
    assert recording.signs == ()
    assert len(recording.keypoints) >= 5.0 * FPS
    assert find_segments(recording.keypoints, FPS) == []


def test_the_truth_of_unmarked_clips_is_where_a_wrist_is_up() -> None:
    assert segments.raised(made_piece().keypoints) == (10, 30)
    assert segments.raised(made_piece().keypoints[10:30]) == (0, 20)


def test_figures_by_hand() -> None:
    spans = [([(0, 10), (20, 30), (50, 60)], [(2, 10), (26, 36), (49, 61)])]
    assert segments.overlap((0, 10), (2, 10)) == 0.8
    assert segments.counts(spans) == (2, 1, 1)  # 4 of 16 frames shared in the middle
    assert segments.f1(spans) == pytest.approx(2 / 3)
    np.testing.assert_allclose(segments.edge_errors(spans) * joined.FPS, [[2, 0], [1, 1]])
