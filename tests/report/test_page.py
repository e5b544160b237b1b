"""The page as a whole."""

import re
import shutil
from typing import Any

import pytest
from made_run import EVIL, Run

from camfuse.errors import TableError
from camfuse.report.page import write_report
from camfuse.run.layout import Run as RunFiles
from tests.report.page_text import Text, written


def test_labels_are_text_never_markup(page: str) -> None:
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert Text(page).sections[""].count(f"Made run {EVIL}") == 2  # title and heading


def test_nothing_is_loaded_and_nothing_runs(page: str) -> None:
    text = Text(page)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in text.tags}
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert "@import" not in page and "url(" not in page
    assert "default-src 'none'" in page
    assert len(page) < 8e6


def test_images_and_tables_are_accessible(text: Text) -> None:
    assert all(attrs.get("alt") for tag, attrs in text.tags if tag == "img")
    assert all(attrs.get("aria-label") for tag, attrs in text.tags if tag == "svg")
    assert all(attrs.get("scope") for tag, attrs in text.tags if tag == "th")
    names = [tag for tag, _ in text.tags]
    assert names.count("caption") == names.count("table") > 8
    targets = {attrs["id"] for _, attrs in text.tags if "id" in attrs}
    assert {str(attrs["href"])[1:] for tag, attrs in text.tags if tag == "a"} <= targets


def test_two_writes_are_the_same_bytes(run: Run) -> None:
    write_report(RunFiles(run.config), run.page)
    first = run.page.read_bytes()
    run.page.unlink()
    write_report(RunFiles(run.config), run.page)
    assert run.page.read_bytes() == first


def test_an_empty_run_says_what_is_missing(empty_run: Run) -> None:
    text = Text(written(empty_run))
    for section, sentence in {
        "results": "No evaluation yet",
        "training": "The streams, fused: not trained yet.",
        "classes": "No evaluation yet",
        "examples": "No clip can be drawn yet: no clip in frames, pose, crops, heatmaps.",
        "clips": "No clip table yet",
        "keypoints": "No keypoints yet",
        "run": "frames 0 of 2 0 0 0",
    }.items():
        assert sentence in text.sections[section]
    assert "Time by rule" not in text.sections["run"]


def test_an_unfinished_run_shows_what_it_has(run: Run) -> None:
    for path in ("evaluate/results.json", "evaluate/predictions.csv", "train/fusion/summary.json"):
        (run.folder / path).unlink()
    text = Text(written(run))
    assert "No evaluation yet" in text.sections["results"]
    assert "3 epochs until now; the training is not finished." in text.sections["training"]
    assert [tag for tag, _ in text.tags].count("img") == 4
    assert "taken for" not in text.sections["examples"]


def test_without_a_pose_stream_and_a_fusion_clips_are_drawn_all_the_same(run: Run) -> None:
    for path in ("evaluate/results.json", "evaluate/predictions.csv"):
        (run.folder / path).unlink()
    shutil.rmtree(run.folder / "heatmaps")
    (run.folder / "train" / "fusion" / "best.ckpt").write_bytes(b"of a model that the run had before")
    model = run.config.model.model_copy(update={"pose": None, "fusion": None})
    write_report(RunFiles(run.config.model_copy(update={"model": model})), run.page)
    text = Text(run.page.read_text(encoding="utf-8"))
    assert "No clip can be drawn" not in text.sections["examples"]
    assert [tag for tag, _ in text.tags].count("img") == 4


@pytest.mark.parametrize(
    ("section", "values", "file"),
    [("evaluate", {"samplings": 1}, "results.json"), ("train", {"new_rate": 2.0}, "results.json")],
)
def test_results_of_other_settings_are_refused(run: Run, section: str, values: dict[str, Any], file: str) -> None:
    changed = getattr(run.config, section).model_copy(update=values)
    with pytest.raises(TableError, match=rf"{file}.*\n.*made with another config"):
        write_report(RunFiles(run.config.model_copy(update={section: changed})), run.page)
