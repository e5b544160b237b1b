"""The curves on the page."""

import json

import pytest
from made_run import Run

from camfuse.errors import TableError
from camfuse.files import write_text
from camfuse.report.page import write_report
from camfuse.run.layout import Run as RunFiles
from tests.report.page_text import Text, written


def test_training_clips_that_were_left_out_are_said(run: Run) -> None:
    path = run.folder / "train" / "pose" / "summary.json"
    content = json.loads(path.read_text(encoding="utf-8")) | {"left_out": {"train": 3, "val": 1}}
    write_text(path, json.dumps(content))
    training = Text(written(run)).sections["training"]
    assert "6 training and 3 validation clips (4 more were left out by a stage)" in training
    assert training.count("left out by a stage") == 1


def test_the_curves_say_the_best_epoch(text: Text) -> None:
    training = text.sections["training"]
    assert training.count("Kept: epoch 3 (highest val top-1") == 3
    said = "6 training and 3 validation clips, 1.23 M parameters, 1 min 15 s on cpu (2.4 clips/s"
    assert training.count(f"{said}, 25% of the time waiting for them)") == 1  # the RGB stream; 5 % is not worth a word
    assert training.count(f"{said})") == 2
    charts = [attrs["aria-label"] for tag, attrs in text.tags if tag == "svg"]
    assert "RGB stream: loss of train and val by epoch" in charts


def test_a_training_in_16_bits_is_said(run: Run) -> None:
    path = run.folder / "train" / "pose" / "summary.json"
    content = json.loads(path.read_text(encoding="utf-8")) | {"precision": "bf16-mixed"}
    write_text(path, json.dumps(content))
    assert Text(written(run)).sections["training"].count("1 min 15 s on cpu in bf16-mixed (2.4 clips/s") == 1


def test_a_training_of_other_settings_is_refused(run: Run) -> None:
    (run.folder / "evaluate" / "results.json").unlink()
    changed = run.config.train.model_copy(update={"new_rate": 2.0})
    with pytest.raises(TableError, match=r"fusion/summary\.json.*\n.*made with another config"):
        write_report(RunFiles(run.config.model_copy(update={"train": changed})), run.page)
