"""Recordings whose signs are known: made ones with an answer by hand, and real videos joined by rests."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from camfuse.clips.table import Clip
from camfuse.config.estimators import MediapipePose
from camfuse.ffmpeg_tool import find_ffmpeg
from camfuse.predict.segments import Segment, find_segments
from camfuse.prep.frames import read_clip
from camfuse.prep.pose.run import estimate_clip

FPS = 20.0
UNIT = 100.0
Array = NDArray[np.float32]


def person(heights: list[float] | NDArray[np.float64], *, sway: float = 0.0) -> Array:
    """Return (T, 133, 3): shoulders 100 px apart, the right wrist at the heights, the left at rest."""
    times = np.arange(len(heights))
    keypoints = np.full((len(heights), 133, 3), (np.nan, np.nan, 0), np.float32)
    x = 300 + sway * np.sin(times / 40)
    for point, across, down in ((5, 50, 0), (6, -50, 0), (9, 60, 140), (10, -60, 0)):
        keypoints[:, point] = np.stack([x + across, np.full(len(times), 200 + down), np.ones(len(times))], 1)
    keypoints[:, 10, 1] += UNIT * np.asarray(heights)
    return keypoints


def path(*stretches: tuple[float, float], way: int = 4) -> NDArray[np.float64]:
    """Return heights: each stretch is seconds at a height, with `way` frames between."""
    parts: list[NDArray[np.float64]] = []
    for seconds, height in stretches:
        if parts:
            parts.append(np.linspace(parts[-1][-1], height, way + 2)[1:-1])
        parts.append(np.full(round(seconds * FPS), height))
    return np.concatenate(parts)


def test_two_signs_between_rests() -> None:
    heights = path((2, 1.4), (1, 0.2), (2, 1.4), (1.5, -0.3), (2, 1.4))
    first, second = find_segments(person(heights), FPS)
    up = np.flatnonzero(heights < 0.9)
    assert abs(first.first - up[0]) <= 3
    assert abs(second.stop - (up[-1] + 1)) <= 3
    assert (first.start, first.end) == (first.first / FPS, first.stop / FPS)
    assert 1.0 <= first.end - first.start <= 1.5
    assert 1.5 <= second.end - second.start <= 2.1


@pytest.mark.parametrize("rest", [1.5, 1.15, 0.85])
def test_the_rest_may_hang_or_lie_high(rest: float) -> None:
    assert len(find_segments(person(path((2, rest), (1, 0.1), (2, rest))), FPS)) == 1


def test_the_way_from_one_rest_to_another_is_no_sign() -> None:
    assert find_segments(person(path((2, 1.4), (2, 0.85), (2, 1.4), (2, 1.1))), FPS) == []


def test_a_clip_cut_to_its_sign_is_one_segment() -> None:
    heights = 0.2 + 0.2 * np.sin(np.arange(30))
    assert find_segments(person(heights), FPS) == [Segment(0, 30, FPS)]


def test_a_raised_hand_that_stands_still_is_a_sign_but_not_for_long() -> None:
    assert len(find_segments(person(path((2, 1.4), (1.5, 0.1), (2, 1.4))), FPS)) == 1
    under_the_chin = find_segments(person(path((2, 1.4), (8, 0.1), (2, 1.4))), FPS)
    assert sum(one.end - one.start for one in under_the_chin) < 1.0


def test_nothing_signed_nobody_there_no_frame_hands_never_seen() -> None:
    nobody = np.full((50, 133, 3), (np.nan, np.nan, 0), np.float32)
    no_arms = person(path((3, 0.2)))
    no_arms[:, 9:11] = (np.nan, np.nan, 0)
    for keypoints in (person(path((5, 1.4))), nobody, nobody[:0], nobody[:1], no_arms):
        assert find_segments(keypoints, FPS) == []


def test_shoulders_at_one_place_are_none() -> None:
    keypoints = person(path((2, 1.4), (2, 0.2), (2, 1.4)))
    found = find_segments(keypoints, FPS)
    keypoints[10:100, 5] = keypoints[10:100, 6] = (300, 200, 1)
    assert find_segments(keypoints, FPS) == found
    keypoints[:, 5] = keypoints[:, 6]
    assert find_segments(keypoints, FPS) == []


def test_a_hand_that_is_not_seen_for_a_moment_does_not_end_the_sign() -> None:
    keypoints = person(path((2, 1.4), (2, 0.2), (2, 1.4)))
    keypoints[60:64, 10] = (np.nan, np.nan, 0)
    assert len(find_segments(keypoints, FPS)) == 1


def test_moving_with_the_body_and_the_size_of_the_image_change_nothing() -> None:
    heights = path((2, 1.4), (1, 0.2), (2, 1.4))
    still, moving = find_segments(person(heights), FPS), find_segments(person(heights, sway=60), FPS)
    assert still == moving
    assert find_segments(person(heights) * np.float32([3, 3, 1]), FPS) == still


def test_the_callers_array_stays_and_a_wrong_one_is_refused() -> None:
    keypoints = person(path((1, 1.4), (1, 0.2)))
    before = keypoints.copy()
    find_segments(keypoints, FPS)
    np.testing.assert_array_equal(keypoints, before)
    with pytest.raises(ValueError, match=r"expected keypoints \(T, 133, 3\)"):
        find_segments(keypoints[:, :17], FPS)
    with pytest.raises(ValueError, match="above 0"):
        find_segments(keypoints, 0.0)


# clips of one signer that begin and end at rest, and where in them is signed (benchmarks/segment_truth.csv)
JOINED = {"hello_01": (12, 42), "no_05": (18, 72)}
RATE, HOLD = 15, 1.2
"""Of the recording; the clips have 30 frames a second."""


@pytest.mark.slow
def test_real_videos_joined_by_rests(shared_data: Path, tmp_path: Path) -> None:
    """Each clip's first and last frame are held for a while; MediaPipe sees the whole recording."""
    pytest.importorskip("mediapipe")
    from camfuse.prep.pose.mediapipe.estimator import MediapipeEstimator

    recording = tmp_path / "joined.mp4"
    videos = [shared_data / "clips" / "asl" / "videos" / f"{name}.mp4" for name in JOINED]
    hold = f"tpad=start_mode=clone:stop_mode=clone:start_duration={HOLD}:stop_duration={HOLD}"
    each = [f"[{i}:v]fps={RATE},scale=640:360,setsar=1,{hold}[v{i}]" for i in range(len(videos))]
    graph = ";".join([*each, "".join(f"[v{i}]" for i in range(len(videos))) + f"concat=n={len(videos)}:v=1[v]"])
    inputs = [argument for video in videos for argument in ("-i", str(video))]
    command = [find_ffmpeg(), "-v", "error", *inputs, "-filter_complex", graph, "-map", "[v]", str(recording)]
    subprocess.run(command, check=True)

    clip = Clip("joined", recording, 0.0, float("inf"), None, "0")
    with MediapipeEstimator(MediapipePose()) as estimator:
        keypoints = estimate_clip(estimator, clip, read_clip(clip, 95)).keypoints
    found = find_segments(keypoints, RATE)

    lengths = {"hello_01": 54, "no_05": 86}
    begin, truth = 0.0, []
    for name, (first, stop) in JOINED.items():
        truth.append((begin + HOLD + first / 30, begin + HOLD + stop / 30))
        begin += 2 * HOLD + lengths[name] / 30
    assert len(found) == len(truth)
    for one, (start, end) in zip(found, truth, strict=True):
        assert abs(one.start - start) < 0.25
        assert abs(one.end - end) < 0.25
