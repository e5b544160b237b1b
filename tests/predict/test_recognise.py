"""From a video to an answer, by a made estimator and a tiny trained model; one real clip with MediaPipe."""

from pathlib import Path

import numpy as np
import pytest
from made_training import MadeRun
from walker import Walker

from camfuse.errors import ClipError
from camfuse.predict import recognise
from camfuse.predict.recognise import TrainedModel, clip_of
from camfuse.prep.one_video import prepare_clip


def test_a_video_is_answered(model: TrainedModel, video: Path) -> None:
    answer = model.predict(video)
    (sign,) = answer.signs
    assert (answer.frames, answer.seconds) == (20, pytest.approx(0.8))
    assert (sign.start, sign.end) == (0, pytest.approx(0.8))
    assert sign.probabilities.sum() == pytest.approx(1) and sign.label in model.classes
    again = model.predict(str(video)).signs[0]
    assert (again.probabilities == sign.probabilities).all()


def test_it_says_what_it_is(model: TrainedModel) -> None:
    assert repr(model) == "TrainedModel(rgb+pose, 3 words, keypoints by mediapipe)"


def test_it_sees_what_the_stages_prepare(model: TrainedModel, video: Path, trained: MadeRun) -> None:
    clip = clip_of(video)
    prepared = prepare_clip(trained.config, clip, Walker())
    observed = model.observe(clip)
    assert observed.frames.jpeg == prepared.frames.jpeg
    np.testing.assert_array_equal(observed.keypoints, prepared.poses.keypoints)


def test_a_part_of_a_video(model: TrainedModel, video: Path) -> None:
    assert model.predict(video, start=0.2, end=0.6).frames == 10


def test_frames_are_counted_while_they_are_seen(model: TrainedModel, video: Path) -> None:
    seen: list[int] = []
    model.observe(clip_of(video), seen.append)
    assert sum(seen) == 20


def test_nobody_in_the_dark(model: TrainedModel, video: Path) -> None:
    observed = model.observe(clip_of(video))
    dark = recognise.Observed(observed.clip, observed.frames, np.full_like(observed.keypoints, np.nan))
    dark.keypoints[..., 2] = 0
    with pytest.raises(ClipError, match="nobody is seen in any of its 20 frames"):
        model.answer(dark)


def test_the_estimator_is_made_once_and_freed(trained: MadeRun, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []

    class Counted(Walker):
        def __enter__(self) -> "Counted":
            happened.append("made")
            return self

        def __exit__(self, *error: object) -> None:
            happened.append("freed")

    monkeypatch.setattr(recognise, "make_estimator", lambda config: Counted())
    with TrainedModel.load(trained.config.output) as model:
        assert happened == []
        model.predict(video)
        model.predict(video)
        assert happened == ["made"]
    assert happened == ["made", "freed"]


def test_a_real_clip(trained: MadeRun, shared_data: Path) -> None:
    with TrainedModel.load(trained.config.output) as model:
        answer = model.predict(shared_data / "clips" / "faults" / "odd_321x241.mp4")
    assert answer.frames > 20 and len(answer.signs) == 1
