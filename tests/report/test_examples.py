"""Drawn clips of the page, and which ones."""

from made_run import Run

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
