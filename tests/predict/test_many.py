"""Many videos, broken ones among them."""

from pathlib import Path

import cv2
import pytest

from camfuse.clips.table import Clip
from camfuse.errors import MissingToolError
from camfuse.predict.many import predict_many
from camfuse.predict.recognise import Observed, Seen, TrainedModel


def test_the_good_ones_are_answered_and_the_bad_ones_have_a_reason(
    model: TrainedModel, video: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.mp4").write_text("no\nvideo")
    (tmp_path / "empty.mp4").touch()
    given = [tmp_path / "text.mp4", video, tmp_path / "gone.mp4", tmp_path / "empty.mp4", tmp_path, video]
    found = list(predict_many(model, given, progress=False))
    assert [one.video for one in found] == given
    assert [one.answer is not None for one in found] == [False, True, False, False, False, True]
    reasons = [one.reason for one in found if one.reason]
    assert len(reasons) == 4 and all("\n" not in reason for reason in reasons)
    assert "expected a video file" in reasons[1]


@pytest.mark.parametrize(
    "error", [ValueError("odd\nshape"), RuntimeError("graph"), OSError("disk"), cv2.error("size"), MemoryError("much")]
)
def test_what_a_library_trips_over_costs_one_video(
    model: TrainedModel, video: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    real = TrainedModel.observe

    def observe(self: TrainedModel, clip: Clip, seen: Seen) -> Observed:
        if clip.video.name == "bad.mp4":
            raise error
        return real(self, clip, seen)

    monkeypatch.setattr(TrainedModel, "observe", observe)
    bad, good = predict_many(model, [video.with_name("bad.mp4"), video], progress=False)
    assert bad.reason is not None and str(error).split()[0] in bad.reason and "\n" not in bad.reason
    assert good.answer is not None


def test_a_missing_program_stops_at_once(model: TrainedModel, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def observe(self: TrainedModel, clip: Clip, seen: Seen) -> Observed:
        raise MissingToolError("no ffmpeg")

    monkeypatch.setattr(TrainedModel, "observe", observe)
    with pytest.raises(MissingToolError):
        list(predict_many(model, [video], progress=False))


def test_a_bar_says_how_fast_it_is(model: TrainedModel, video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    list(predict_many(model, [video, video]))
    assert "40 frames" in capsys.readouterr().err


def test_the_bar_leaves_its_line_to_each_answer(
    model: TrainedModel, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in predict_many(model, [video, video]):
        assert capsys.readouterr().err.endswith("\r")
