"""Which frames are seen: the three branches by hand, and the alignment of the streams."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camfuse.config import Sampling
from camfuse.data.sampling import (
    clip_choices,
    evaluation_frames,
    sampled_part,
    training_frames,
    uniform_frames,
)
from camfuse.data.sequence import normalise
from camfuse.geometry import transform_points, unseen_points
from camfuse.skeleton import NUM_KEYPOINTS, RIGHT_HAND


class Scripted(np.random.Generator):
    """A generator that answers with what the test wrote down."""

    def __init__(self, *answers: object) -> None:
        super().__init__(np.random.PCG64(0))
        self._answers = list(answers)

    def integers(self, *_: object, **__: object) -> object:  # type: ignore[override]
        return self._answers.pop(0)

    def choice(self, *_: object, **__: object) -> object:  # type: ignore[override]
        return np.array(self._answers.pop(0), np.int64)


def test_short_clip_goes_round() -> None:
    assert uniform_frames(3, 8, Scripted(2)).tolist() == [2, 0, 1, 2, 0, 1, 2, 0]
    assert uniform_frames(3, 8, Scripted(), start=1).tolist() == [1, 2, 0, 1, 2, 0, 1, 2]


def test_middling_clip_skips_as_many_frames_as_it_is_too_long() -> None:
    # T = 6, L = 4: two of the five gaps (before frame 0, ..., after frame 3) lose a frame
    assert uniform_frames(6, 4, Scripted([0, 2])).tolist() == [1, 2, 4, 5]
    assert uniform_frames(6, 4, Scripted([1, 4])).tolist() == [0, 2, 3, 4]
    assert uniform_frames(4, 4, Scripted([])).tolist() == [0, 1, 2, 3]


def test_long_clip_gives_one_frame_per_bin() -> None:
    # T = 10, L = 4: bins start at 0, 2, 5, 7 and hold 2, 3, 2, 3 frames
    assert uniform_frames(10, 4, Scripted(np.array([1, 2, 0, 2]))).tolist() == [1, 4, 5, 9]


def test_a_clip_without_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        uniform_frames(0, 4, np.random.default_rng(0))


@given(total=st.integers(1, 200), wanted=st.integers(1, 40), seed=st.integers(0, 99))
def test_frames_are_of_the_clip_in_order_and_none_twice_unless_it_is_short(total: int, wanted: int, seed: int) -> None:
    frames = uniform_frames(total, wanted, np.random.default_rng(seed))
    assert len(frames) == wanted
    assert frames.min() >= 0 and frames.max() < total
    if total >= wanted:
        assert (np.diff(frames) > 0).all()
    else:
        assert ((np.diff(frames) - 1) % total == 0).all()


def test_every_frame_of_every_branch_can_be_drawn() -> None:
    rng = np.random.default_rng(0)
    for total in (3, 6, 11):
        assert {f for _ in range(300) for f in uniform_frames(total, 4, rng).tolist()} == set(range(total))


@given(total=st.integers(1, 100), seed=st.integers(0, 99), span=st.floats(0.1, 1))
def test_rgb_frame_is_one_of_its_group(total: int, seed: int, span: float) -> None:
    choice = training_frames(total, Sampling(rgb_frames=3, pose_frames=12), span, np.random.default_rng(seed))
    assert choice.rgb.shape == (3,) and choice.pose.shape == (12,)
    assert choice.pose.min() >= 0 and choice.pose.max() < total
    assert all(frame in group for frame, group in zip(choice.rgb, choice.pose.reshape(3, 4), strict=True))


def test_training_takes_any_of_the_group_and_test_the_middle_one() -> None:
    sampling, rng = Sampling(rgb_frames=2, pose_frames=8), np.random.default_rng(0)
    taken = set()
    for _ in range(100):
        choice = training_frames(8, sampling, 1.0, rng)
        assert choice.pose.tolist() == list(range(8))
        taken |= set(choice.rgb.tolist())
    assert taken == set(range(8))
    assert evaluation_frames(8, sampling, rng).rgb.tolist() == [2, 6]


def test_span_is_the_shortest_part_that_is_drawn_from() -> None:
    rng = np.random.default_rng(0)
    choices = [training_frames(100, Sampling(rgb_frames=1, pose_frames=10), 0.5, rng).pose for _ in range(300)]
    reach = [int(pose.max() - pose.min()) for pose in choices]
    # ten bins of half the clip: the first and last drawn frames are at least 50 - 2 * 5 + 1 apart
    assert 41 <= min(reach) < 60
    assert max(reach) > 80
    assert min(int(pose.min()) for pose in choices) < 5 and max(int(pose.max()) for pose in choices) > 94


def raised(frames: int, up: range) -> np.ndarray:
    """Return keypoints of somebody whose right hand hangs, and is at the shoulders' height in the frames `up`."""
    keypoints = unseen_points(frames, NUM_KEYPOINTS)
    keypoints[:, [5, 6]] = (80, 40, 1), (40, 40, 1)
    keypoints[:, [10, *RIGHT_HAND]] = 40, 120, 1
    keypoints[up.start : up.stop, [10, *RIGHT_HAND], 1] = 40
    return keypoints


def test_the_active_part_by_hand() -> None:
    """40 frames, a hand raised in 10 to 19, and a margin of 1 + 5 % of 40 frames to both sides."""
    keypoints = raised(40, range(10, 20))
    assert sampled_part(keypoints, Sampling()) == range(40)
    assert sampled_part(keypoints, Sampling(part="active")) == range(7, 23)
    assert normalise(keypoints).shape[0] == 16  # what the sequence stream sees
    crop = transform_points(keypoints, np.array([[0.37, 0, -11.3], [0, 0.37, 5.9]]))
    assert sampled_part(crop, Sampling(part="active")) == range(7, 23)
    still = raised(40, range(0))  # a hand that never rises, and nobody: the whole clip
    assert sampled_part(still, Sampling(part="active")) == range(40)
    assert sampled_part(unseen_points(40, NUM_KEYPOINTS), Sampling(part="active")) == range(40)
    still[:10, RIGHT_HAND] = still[20:, RIGHT_HAND] = 0  # one that never rises and is seen in 10 to 19 alone
    assert sampled_part(still, Sampling(part="active")) == range(7, 23)
    assert sampled_part(keypoints[:1], Sampling(part="active")) == range(1)


@given(start=st.integers(0, 50), length=st.integers(1, 60), seed=st.integers(0, 99))
def test_a_part_is_sampled_as_a_clip_of_its_own(start: int, length: int, seed: int) -> None:
    sampling = Sampling(rgb_frames=3, pose_frames=12)
    whole, part = (
        training_frames(length, sampling, 0.5, np.random.default_rng(seed), first=first) for first in (0, start)
    )
    tested = zip(
        clip_choices("a", range(length), sampling, 3),
        clip_choices("a", range(start, start + length), sampling, 3),
        strict=True,
    )
    for one, other in ((whole, part), *tested):
        np.testing.assert_array_equal(one.pose + start, other.pose)
        np.testing.assert_array_equal(one.rgb + start, other.rgb)
        assert start <= other.pose.min() and other.pose.max() < start + length


def test_test_samplings_of_a_short_clip_start_evenly() -> None:
    sampling, rng = Sampling(rgb_frames=1, pose_frames=8), np.random.default_rng(0)
    starts = [int(evaluation_frames(6, sampling, rng, number=n, samplings=3).pose[0]) for n in range(3)]
    assert starts == [0, 2, 4]
