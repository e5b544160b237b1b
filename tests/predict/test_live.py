"""Signs as they are signed, on frames whose times are made: a person whose hand rises and rests."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_training import MadeRun
from walker import Walker

from camfuse.clips.table import Clip
from camfuse.errors import CamfuseError
from camfuse.predict import live
from camfuse.predict.camera import CameraFrame, played
from camfuse.predict.live import LiveRecogniser, LiveSign, answer_live
from camfuse.predict.recognise import TrainedModel
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.estimator import Poses, missing_poses

FPS = 25.0
RAISED = 200
"""Brightness of a frame in which the hand is raised."""


class Signer(Walker):
    """Sees a hand raised in bright frames, hanging in dim ones, nobody in dark ones."""

    def __init__(self) -> None:
        self._count = 0

    def estimate(self, clip: Clip, frames: ClipFrames) -> Poses:
        poses = missing_poses(len(frames))
        for row, image in zip(poses.keypoints, frames, strict=True):
            self._count += 1
            if not image.any():
                continue
            row[:11] = 30, 20, 1
            row[5], row[6], row[9], row[10] = (40, 30, 1), (20, 30, 1), (45, 60, 1), (15, 60, 1)
            if image.mean() > RAISED - 20:
                row[10, :2] = 15 + 6 * np.sin(self._count), 25
        return poses


@pytest.fixture
def model(trained: MadeRun, monkeypatch: pytest.MonkeyPatch) -> TrainedModel:
    monkeypatch.setattr(live, "make_estimator", lambda config: Signer())
    return TrainedModel.load(trained.config.output)


def frames(total: int, *raised: tuple[int, int], dark: bool = False) -> Iterator[CameraFrame]:
    for number in range(total):
        value = RAISED if any(first <= number < stop for first, stop in raised) else 0 if dark else 60
        yield CameraFrame(np.full((64, 64, 3), value, np.uint8), number / FPS)


def slow(given: Iterator[CameraFrame]) -> Iterator[CameraFrame]:
    """Give them so slowly that none is dropped."""
    for frame in given:
        time.sleep(0.02)
        yield frame


def run(model: TrainedModel, given: Iterator[CameraFrame]) -> list[tuple[float, LiveSign]]:
    """Return the answers with the time of the frame that they came with; each frame waits for its answers."""
    found: list[tuple[float, LiveSign]] = []
    with LiveRecogniser(model) as recogniser:
        for frame in given:
            found += [(frame.time, one) for one in recogniser.see(frame)]
            for _, answer in recogniser._answers:
                answer.exception()
        found += [(float("inf"), one) for one in recogniser.finish()]
    return found


def test_each_sign_is_answered_soon_after_its_end(model: TrainedModel) -> None:
    found = run(model, frames(220, (40, 70), (120, 150)))
    last = {one.number: (at, one) for at, one in found}
    assert list(last) == [1, 2]
    for (at, one), first, stop in zip(last.values(), (40, 120), (70, 150), strict=True):
        assert one.sign.start == pytest.approx(first / FPS, abs=0.13)
        assert one.sign.end == pytest.approx(stop / FPS, abs=0.13)
        assert one.delay <= 0.5 and at - stop / FPS <= 0.5
        assert one.sign.label in model.classes


def test_a_short_rest_within_a_sign_is_answered_anew_under_its_number(model: TrainedModel) -> None:
    found = [one for _, one in run(model, frames(160, (40, 70), (75, 105)))]
    assert {one.number for one in found} == {1}
    assert found[-1].sign.end == pytest.approx(105 / FPS, abs=0.13)


@pytest.mark.parametrize("dark", [False, True])
def test_rest_and_nobody_give_no_answer(model: TrainedModel, dark: bool) -> None:
    assert run(model, frames(60, dark=dark)) == []


def test_a_sign_that_the_end_cuts_off_is_answered(model: TrainedModel) -> None:
    (_, one), *_ = run(model, frames(60, (30, 60)))
    assert one.sign.end == pytest.approx(60 / FPS, abs=0.13)


def test_only_the_last_seconds_are_kept(model: TrainedModel) -> None:
    with LiveRecogniser(model) as recogniser:
        for frame in frames(400):
            recogniser.see(frame)
        assert len(recogniser._kept) <= live.WINDOW * FPS + 1
        assert recogniser.keypoints.shape == (133, 3)


def test_frames_of_another_size_are_refused(model: TrainedModel) -> None:
    with LiveRecogniser(model) as recogniser:
        recogniser.see(next(frames(1)))
        with pytest.raises(CamfuseError, match=r"expected frames of \(64, 64\), found one of \(8, 9\)"):
            recogniser.see(CameraFrame(np.zeros((8, 9, 3), np.uint8), 1.0))


def test_the_whole_loop(model: TrainedModel, capsys: pytest.CaptureFixture[str]) -> None:
    found = list(answer_live(model, slow(frames(100, (40, 70)))))
    assert found and found[-1].number == 1
    assert "dropped" in capsys.readouterr().err


def test_an_interruption_ends_it_with_what_is_there(model: TrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    see = LiveRecogniser.see

    def interrupted(self: LiveRecogniser, frame: CameraFrame) -> list[LiveSign]:
        if frame.time >= 61 / FPS:  # the hand has just come to rest
            raise KeyboardInterrupt
        return see(self, frame)

    monkeypatch.setattr(LiveRecogniser, "see", interrupted)
    answers = answer_live(model, slow(frames(70, (30, 60))), progress=False)
    assert [one.number for one in answers] == [1]


def test_a_real_recording_through_mediapipe(trained: MadeRun, shared_data: Path) -> None:
    video = shared_data / "clips" / "asl" / "videos" / "help_16.mp4"
    with TrainedModel.load(trained.config.output) as one:
        found = list(answer_live(one, played(video), progress=False))
    assert {sign.number for sign in found} == {1}
