"""Drawn clips of the page, and which ones."""

import pytest
from made_run import Run

from camfuse.report.classes import Prediction
from camfuse.report.examples import choose_clips, choose_predictions
from tests.report.page_text import Text, written


def test_half_of_the_examples_are_wrong(text: Text) -> None:
    images = [attrs for tag, attrs in text.tags if tag == "img"]
    assert len(images) == 4
    assert all(str(image["src"]).startswith("data:image/jpeg;base64,") for image in images)
    verdicts = [attrs["class"] for tag, attrs in text.tags if tag == "span" and attrs.get("class") in ("good", "bad")]
    assert verdicts == ["good", "good", "bad", "bad"]
    assert "taken for drink (95%)" in text.sections["examples"]


def test_frames_that_were_not_kept_are_no_error(run: Run) -> None:
    for path in (run.folder / "frames").iterdir():
        path.unlink()
    config = run.config.model_copy(update={"frames": run.config.frames.model_copy(update={"keep": False})})
    text = Text(written(Run(config, run.clips)))
    assert "frames 0 of 2" in text.sections["run"]
    assert [tag for tag, _ in text.tags].count("img") == 4


def test_without_frames_nothing_is_drawn(run: Run) -> None:
    for path in (run.folder / "frames").iterdir():
        path.unlink()
    assert "No clip can be drawn yet: no clip in frames." in Text(written(run)).sections["examples"]


def test_no_examples_when_none_are_asked_for(run: Run) -> None:
    config = run.config.model_copy(update={"report": run.config.report.model_copy(update={"examples": 0})})
    assert "None asked for" in Text(written(Run(config, run.clips))).sections["examples"]


@pytest.mark.parametrize(
    ("right", "wrong", "wanted", "expected"),
    [(5, 5, 4, (2, 2)), (5, 1, 4, (3, 1)), (1, 5, 4, (1, 3)), (1, 1, 4, (1, 1)), (5, 5, 3, (2, 1)), (0, 0, 4, (0, 0))],
)
def test_half_right_half_wrong_as_far_as_there_are(
    right: int, wrong: int, wanted: int, expected: tuple[int, int]
) -> None:
    predictions = [Prediction(f"right_{i}", "book", "book", 0.9) for i in range(right)]
    predictions += [Prediction(f"wrong_{i}", "book", "sea", 0.9) for i in range(wrong)]
    verdicts = [one.right for one in choose_predictions(predictions, wanted)]
    assert verdicts == [True] * expected[0] + [False] * expected[1]


def test_the_choice_does_not_depend_on_the_order() -> None:
    clips = [f"clip_{i}" for i in range(20)]
    chosen = choose_clips(clips, 3)
    assert chosen == choose_clips(reversed(clips), 3)
    assert len(chosen) == 3 and chosen != clips[:3]
