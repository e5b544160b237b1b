"""The most confused pairs as small videos."""

import base64
from pathlib import Path

import pytest
from made_run import EVIL, Run

from camfuse.errors import MissingToolError
from camfuse.report.classes import Prediction
from camfuse.report.page import gather
from camfuse.report.pairs import confused_pairs, video_url
from camfuse.run.layout import Run as RunFiles
from tests.report.page_text import Text


def test_the_most_frequent_pair_comes_first_and_its_surest_error() -> None:
    found = confused_pairs(
        [
            Prediction("a", "book", "sea", 0.9),
            Prediction("b", "sea", "book", 0.5),
            Prediction("c", "sea", "book", 0.6),
            Prediction("d", "tree", "sea", 0.95),
            Prediction("e", "tree", "tree", 0.99),
        ]
    )
    assert [[one.clip_id for one in pair] for pair in found] == [["c", "b"], ["d"], ["a"]]


def test_a_test_clip_stands_beside_a_training_clip_of_the_other_word(finished_run: Run, page: str) -> None:
    first, second = gather(RunFiles(finished_run.config)).pairs
    assert (first.label, first.taken, first.times, first.clips, first.sure) == (EVIL, "drink", 1, 2, 0.95)
    assert first.tested.clip_id == "test_2_1" and first.trained and first.trained.clip_id.startswith("train_1_")
    assert second.label == "drink" and second.trained and second.trained.label == "book"
    videos = [attrs for tag, attrs in Text(page).tags if tag == "video"]
    assert len(videos) == 4 and all(str(one["src"]).startswith("data:video/mp4;base64,") for one in videos)
    assert all(one["aria-label"] for one in videos)


def test_a_video_is_small_and_always_the_same(finished_run: Run) -> None:
    run = RunFiles(finished_run.config)
    url = video_url(run, "test_0_0")
    content = base64.b64decode(url.partition(",")[2])
    assert content[4:8] == b"ftyp" and len(content) < 20_000
    assert video_url(run, "test_0_0") == url


def test_without_an_encoder_the_page_says_so(finished_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(path: Path, *_: object, **__: object) -> None:
        raise MissingToolError("ffmpeg cannot write h264")

    monkeypatch.setattr("camfuse.report.pairs.write_video", none)
    found = gather(RunFiles(finished_run.config))
    assert found.pairs == [] and "ffmpeg cannot write h264" in found.pairs_note


def test_who_wants_no_drawn_clips_gets_no_moving_ones(finished_run: Run) -> None:
    config = finished_run.config
    without = config.model_copy(update={"report": config.report.model_copy(update={"examples": 0})})
    assert gather(RunFiles(without)).pairs == []
