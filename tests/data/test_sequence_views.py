"""The versions of a clip that the sequence stream sees in training and in a test."""

import numpy as np
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from camfuse.config import SequenceAugment, SequenceStream
from camfuse.data.sequence import NUM_POINTS, evenly, mirror, normalise
from camfuse.data.sequence_channels import NUM_CHANNELS, features
from camfuse.data.sequence_views import KEPT, SPANS, SequenceViews, plain_channels, view
from camfuse.skeleton import NUM_KEYPOINTS


def points() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(20, NUM_POINTS, 2)).astype(np.float32)


def keypoints(row: int) -> NDArray[np.float32]:
    made = np.random.default_rng(row).uniform(0, 100, (15, NUM_KEYPOINTS, 3)).astype(np.float32)
    made[..., 2] = 1
    return made


def test_a_test_sees_the_whole_clip_first_then_its_mirror_image_then_other_spans() -> None:
    clip = points()
    assert_array_equal(view(clip, 8, 0, mirrored=True), evenly(clip, 8))
    assert_array_equal(view(clip, 8, 1, mirrored=True), evenly(mirror(clip), 8))
    start, end = SPANS[1]
    assert_array_equal(view(clip, 8, 2, mirrored=True), evenly(clip, 8, start=start, end=end))
    assert_array_equal(view(clip, 8, 2 * len(SPANS), mirrored=True), evenly(clip, 8))


def test_a_stream_that_never_saw_mirrored_signers_is_not_tested_on_them() -> None:
    clip = points()
    start, end = SPANS[1]
    assert_array_equal(view(clip, 8, 1, mirrored=False), evenly(clip, 8, start=start, end=end))
    found = plain_channels(clip, 8, SequenceAugment(mirror=0), 2)
    assert_array_equal(found[1], features(evenly(clip, 8, start=start, end=end)))


def test_shapes_and_numbers_depend_on_the_given_generator_alone() -> None:
    views = SequenceViews(SequenceStream(frames=8), SequenceAugment(), keypoints)
    first, again, other = (views.random(3, 2, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (2, NUM_CHANNELS, 8) and first.dtype == np.float32
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert not np.array_equal(first[0], first[1])
    plain = views.plain(3, 3)
    assert np.array_equal(plain, plain_channels(normalise(keypoints(3)), 8, SequenceAugment(), 3))


def test_a_large_set_does_not_fill_the_memory() -> None:
    asked: list[int] = []

    def read(row: int) -> NDArray[np.float32]:
        asked.append(row)
        return np.zeros((1, NUM_KEYPOINTS, 3), np.float32)

    views = SequenceViews(SequenceStream(frames=2), SequenceAugment(), read)
    for row in (*range(KEPT + 2), 0, KEPT + 1):
        views.plain(row, 1)
    assert asked == [*range(KEPT + 2), KEPT + 1]
