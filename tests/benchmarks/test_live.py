"""The benchmark of live answers: the recording's truth, and its figures by hand."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.live import AFTER, BEFORE, FPS, HEIGHT, WIDTH, Heard, at_rate, delays, described, letterboxed
from camfuse.predict.recognise import clip_of
from camfuse.prep.video import Frame, read_frames


def test_a_clip_is_held_before_and_after() -> None:
    frames = [Frame(np.full((4, 4, 3), 10 * number, np.uint8), number / 10, 0.1) for number in range(5)]
    held = at_rate(frames)
    shown = [int(image[HEIGHT // 2, WIDTH // 2, 0]) for image in held]
    assert len(held) == round((BEFORE + 0.4 + AFTER) * FPS)
    assert shown[: round(BEFORE * FPS)] == [0] * round(BEFORE * FPS) and shown[-round(AFTER * FPS) :] == [40] * 45
    assert shown[round(BEFORE * FPS) :][:12] == [0] * 3 + [10] * 3 + [20] * 3 + [30] * 3


def test_frames_are_letterboxed() -> None:
    tall = letterboxed(np.full((640, 360, 3), 200, np.uint8))
    assert tall.shape == (HEIGHT, WIDTH, 3) and tall[240, 320, 0] == 200 and tall[240, 10, 0] == 0


def test_delays_by_hand() -> None:
    signs = [(1.0, 2.0), (4.0, 5.0), (8.0, 9.0)]
    heard = [Heard(1, (1.1, 1.8), 1.9), Heard(1, (1.1, 2.1), 2.4), Heard(2, (4.0, 5.2), 5.6), Heard(3, (6.0, 6.5), 7.0)]
    assert delays(signs, heard, final=False) == pytest.approx([-0.1, 0.6])
    assert delays(signs, heard, final=True) == pytest.approx([0.4, 0.6])
    assert described([0.4, 0.6]) == "median 0.50 (10 to 90 %: 0.42 to 0.58), at most 0.5 s in 1 of 2"
    assert described([]) == "none"


def test_real_clips_begin_and_end_at_rest(shared_data: Path) -> None:
    frames = list(read_frames(clip_of(shared_data / "clips" / "asl" / "videos" / "yes_15.mp4")))
    assert len(at_rate(frames)) == pytest.approx((BEFORE + AFTER + frames[-1].time) * FPS, abs=1)
