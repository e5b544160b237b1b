"""The work behind the page."""

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_videos import write_numbers

from camfuse.errors import ClipError, WeightsError
from camfuse.predict.recognise import clip_of
from camfuse.prep.video import read_frames
from camfuse.serve import work
from camfuse.serve.work import Worker


def content(url: str, kind: str) -> bytes:
    head, _, data = url.partition(",")
    assert head == f"data:{kind};base64"
    return base64.b64decode(data)


def test_an_answer_has_all_that_the_page_shows(worker: Worker, video: Path, tmp_path: Path) -> None:
    found = worker.answer(video)
    (sign,) = found["signs"]
    assert found["frames"] == 20 and sign["known"]
    assert sign["start"] == 0 and sign["end"] == pytest.approx(0.8)
    assert [one["label"] for one in sign["top"]] and sum(one["probability"] for one in sign["top"]) < 1.01
    for name in ("sheet", "attention"):
        image = cv2.imdecode(np.frombuffer(content(sign[name], "image/jpeg"), np.uint8), cv2.IMREAD_COLOR)
        assert image is not None and image.shape[1] > 200, name
    drawn = tmp_path / "drawn.mp4"
    drawn.write_bytes(content(found["video"], "video/mp4"))
    assert len(list(read_frames(clip_of(drawn)))) == 20


def test_what_is_drawn_is_what_the_answer_rests_on(
    worker: Worker, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = worker._model.inputs
    monkeypatch.setattr(worker._model, "inputs", lambda *given: asked.append(given) or real(*given))
    worker.answer(video)
    (answered, drawn) = asked
    assert answered[0] == drawn[0] and len(answered[1]) == len(drawn[1]) == 20
    np.testing.assert_array_equal(answered[2], drawn[2])


def test_zoomed_hands_have_a_row_of_their_own(worker: Worker, video: Path) -> None:
    model = worker._model
    heights = []
    for hands in (None, "zoomed"):
        heatmaps = model.config.heatmaps.model_copy(update={"hands": hands})
        model.config = model.config.model_copy(update={"heatmaps": heatmaps})
        (sign,) = worker.answer(video)["signs"]
        assert sign["attention"]
        coded = np.frombuffer(content(sign["sheet"], "image/jpeg"), np.uint8)
        heights.append(cv2.imdecode(coded, cv2.IMREAD_COLOR).shape[0])
    assert heights[1] - heights[0] == work.TILE // 2 + 8


def test_a_word_is_enrolled_and_known_from_then_on(worker: Worker, video: Path) -> None:
    before = worker.facts()
    assert before["enroll"] and "numbers" not in before["words"]
    assert worker.enroll("numbers", video)["words"] == [*before["words"], "numbers"]
    assert worker.answer(video)["signs"][0]["top"][0]["label"] == "numbers"
    with pytest.raises(WeightsError):
        worker.enroll(before["words"][0], video)


def test_work_that_takes_too_long_is_ended(worker: Worker, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(0, 10_000, 200))
    monkeypatch.setattr(work.time, "monotonic", lambda: next(times))
    with pytest.raises(ClipError, match="took too long"):
        worker.answer(video)


def test_more_than_the_limits_allow_is_not_worked_on(worker: Worker, tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="100 frames, found more"):
        worker.answer(write_numbers(tmp_path / "long.mp4", 110))
