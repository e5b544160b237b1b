"""Results, curves and confused classes on the page."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_run import EVIL, Run

from camfuse.errors import TableError
from camfuse.evaluate.confidence import Confidence, Strangers
from camfuse.evaluate.result_text import result_text
from camfuse.evaluate.results import Missing, read_results, write_results
from camfuse.files import write_text
from camfuse.report.outcome import Prediction, count_confusion, describe_classes
from camfuse.report.page import write_report
from camfuse.run.layout import Run as RunFiles
from camfuse.run.shard import LeftOut
from tests.report.page_text import Text, written


def test_the_results_stand_as_in_the_paper(text: Text) -> None:
    results = text.sections["results"]
    rows = [
        "RGB 33.33 100.00 33.33 100.00 25.00 to 95.00 12.50",
        "Pose 50.00",
        "Fused 66.67 100.00 66.67 100.00",
        "Late fusion 50.00",
        "Fused, joint head 50.00",
    ]
    places = [results.index(row) for row in rows]
    assert places == sorted(places)
    assert "Accuracy on the 6 clips of test, in %" in results
    assert "sampled 10 times" in results and "Fused: rgb x 1, pose x 1, joint x 1, as configured." in results
    assert "top-3" in results and "top-5" not in results


def test_result_text_is_the_table(finished_run: Run) -> None:
    results = read_results(RunFiles(finished_run.config).evaluation)
    assert results is not None
    title, *lines, fused, late = result_text(results).splitlines()
    assert late == "Late fusion: rgb x 1, pose x 1, as configured."
    assert title == "Accuracy on the 6 clips of test, in %"
    assert [line.split()[0] for line in lines if "-" * 9 not in line] == "model RGB Pose Fused Late Fused,".split()
    assert lines[4].split()[1:5] == ["66.67", "100.00", "66.67", "100.00"]
    assert fused.startswith("Fused: rgb x 1, pose x 1, joint x 1")
    assert len({len(line) for line in lines}) == 1


def test_the_page_says_whether_the_people_are_new(run: Run, text: Text) -> None:
    assert "training never saw" not in text.sections["results"]  # a file of an earlier version
    path = run.folder / "evaluate" / "results.json"
    content = json.loads(path.read_text(encoding="utf-8")) | {"signers": {"unseen": 6, "seen": 0, "unknown": 0}}
    write_text(path, json.dumps(content))
    assert "All 6 clips of test are of people whom training never saw." in Text(written(run)).sections["results"]


def test_weights_chosen_on_val_are_said(run: Run) -> None:
    path = run.folder / "evaluate" / "results.json"
    content = json.loads(path.read_text(encoding="utf-8")) | {"tuned": True}
    content["weights"] = {"fused": {"rgb": 0.4, "pose": 0.6, "joint": 0.0}}
    write_text(path, json.dumps(content))
    results = Text(written(run)).sections["results"]
    assert "Fused: rgb x 0.4, pose x 0.6, joint x 0, chosen on val." in results
    assert "mean class accuracy also counts classes that are only predicted, as 0: 33.33" in results


def test_the_calibration_stands_before_and_after(run: Run) -> None:
    files = RunFiles(run.config).evaluation
    results = read_results(files)
    assert results
    assert "Confidence" not in Text(written(run)).sections["results"]
    sure = Confidence(1.5, 0.4, 0.1, (0.2, 0.05), (1.0, 0.75), 0.9, 0.8, 0.875, Strangers(4, 0.95, 0.25))
    write_results(replace(results, confidence={results.main: sure}), files)
    shown = Text(written(run)).sections["results"]
    assert "Fused 1.50 20.00 to 5.00 1.000 to 0.750 90.00 0.400 80.00 87.50 95.00 25.00" in shown
    assert "Unknown words were kept out of training" in shown
    write_results(replace(results, confidence={results.main: replace(sure, threshold=0.0, strangers=None)}), files)
    shown = Text(written(run)).sections["results"]
    assert "too few clips of val to choose a threshold" in shown and "estimate from known words" not in shown


def test_missing_test_clips_are_said_with_where_they_are_listed(run: Run) -> None:
    """Two of eight are missing: one could not be decoded, one is not on disk; 4 of 6 right is 4 of 8 of all."""
    files = RunFiles(run.config).evaluation
    results = read_results(files)
    assert results is not None
    main = replace(results.rows["fused"], top_of_all={1: 0.5})
    missing = Missing({"test_gone": LeftOut("frames", "no video")}, 1)
    write_results(replace(results, rows={"fused": main}, missing=missing), files)
    page = Text(written(run))
    said = page.sections["results"]
    assert "2 of 8 clips of test (1 left out by stage frames, 1 not on disk)" in said
    assert "Counted as wrong, top-1 in %: Fused 50.00." in said
    assert "listed in evaluate/results.json, and Clips below and in clips/missing.csv" in said


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


def test_a_training_of_other_settings_is_refused(run: Run) -> None:
    (run.folder / "evaluate" / "results.json").unlink()
    changed = run.config.train.model_copy(update={"new_rate": 2.0})
    with pytest.raises(TableError, match=r"fusion/summary\.json.*\n.*made with another config"):
        write_report(RunFiles(run.config.model_copy(update={"train": changed})), run.page)


def test_the_classes(text: Text) -> None:
    classes = text.sections["classes"]
    assert f"{EVIL} drink 1 2" in classes
    assert "drink book 1 2" in classes
    assert f"Most confident errors clip true class taken for probability test_2_1 {EVIL} drink 0.950" in classes
    assert "book 2 2 100.00" in classes


def test_many_classes_get_no_matrix(run: Run) -> None:
    classes = ["book", "drink", EVIL, *(f"word {i}" for i in range(60))]
    pd.DataFrame({"class_index": range(63), "label": classes}).to_csv(run.folder / "clips/classes.csv", index=False)
    text = Text(written(run))
    assert "63 classes are too many for a matrix" in text.sections["classes"]
    assert "drink book 1 2" in text.sections["classes"]


def test_two_thousand_classes(run: Run) -> None:
    """WLASL-2000's size: no matrix of four million cells, and a page that a browser opens."""
    labels = [f"word number {i}" for i in range(2000)]
    pd.DataFrame({"class_index": range(2000), "label": labels}).to_csv(run.folder / "clips/classes.csv", index=False)
    rng = np.random.default_rng(0)
    true, taken = rng.integers(0, 2000, (2, 3000))
    taken[:1500] = true[:1500]
    pd.DataFrame(
        {
            "clip_id": [f"clip_{i}" for i in range(3000)],
            "label": [labels[i] for i in true],
            "top1_label": [labels[i] for i in taken],
            "top1_probability": rng.random(3000).round(6),
        }
    ).to_csv(run.folder / "evaluate/predictions.csv", index=False)
    empty = pd.DataFrame({"split": "test", "class_index": range(2000), "label": labels, "listed": 3, "on_disk": 0})
    empty.assign(missing=3, used=0).to_csv(run.folder / "clips/coverage.csv", index=False)
    page = written(run)
    text = Text(page)
    assert len(page) < 10e6
    assert "2000 classes are too many for a matrix" in text.sections["classes"]
    confused = {pair for pair in zip(true.tolist(), taken.tolist(), strict=True) if pair[0] != pair[1]}
    assert f"Most confused pairs (the first 15 of {len(confused)})" in page
    tested = len(set(true.tolist()))
    assert f"Accuracy by class, worst first ({tested:d})" in text.sections["classes"]


def test_confusion_by_hand() -> None:
    taken = [
        ("a", "book", "book", 0.9),
        ("b", "book", "sea", 0.6),
        ("c", "sea", "book", 0.8),
        ("d", "sea", "book", 0.8),
    ]
    predictions = [Prediction(*values) for values in taken]
    assert count_confusion(predictions, ["book", "sea", "tree"]).tolist() == [[1, 1, 0], [2, 0, 0], [0, 0, 0]]
    classes = describe_classes(predictions, ["book", "sea", "tree"])
    assert classes.confused.rows == [("sea", "book", "2", "2"), ("book", "sea", "1", "2")]
    assert [row[0] for row in classes.accuracy.rows] == ["sea", "book"]  # tree has no clip
    assert [row[0] for row in classes.errors.rows] == ["c", "d", "b"]
    with pytest.raises(TableError, match="'sea', taken for 'book'"):
        count_confusion(predictions, ["book", "tree"])
