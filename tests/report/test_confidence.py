"""Confidence on the page: the table and the charts."""

from dataclasses import replace

import torch
from made_run import Run

from camfuse.evaluate.confidence import Confidence, Strangers
from camfuse.evaluate.reliability import measure_reliability
from camfuse.evaluate.results import read_results, write_results
from camfuse.predict.calibration import Calibration
from camfuse.report.confidence import confidence_charts, coverage_chart, reliability_chart
from camfuse.run.layout import Run as RunFiles
from tests.report.page_text import Text, written


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


SURE = Confidence(1.5, 0.4, 0.1, (0.2, 0.05), (1.0, 0.75), 0.9, 0.75, 1.0, None)
HALVES = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
FOUND = measure_reliability({"fused": HALVES}, torch.tensor([0, 0, 1, 1]), {"fused": Calibration(1.5)})["fused"]


def test_a_dot_lies_where_confidence_and_accuracy_are() -> None:
    svg = reliability_chart(FOUND, "t")
    assert "before: 1 clip(s), 90% sure, 100% right" in svg and "before: 1 clip(s), 60% sure, 0% right" in svg
    assert svg.count('class="bin after"') == len(FOUND.after)
    assert "path" not in svg  # four clips joined by a line would show chance


def test_the_threshold_is_marked_where_it_answers() -> None:
    svg = coverage_chart(FOUND, SURE, "t")
    assert "threshold 0.400: 75% answered, 100% of these right" in svg
    assert "100% answered: 75.0% right" in svg and "25% answered: 100.0% right" in svg
    assert "chosen" not in coverage_chart(FOUND, None, "t")


def test_the_row_that_speaks_for_the_run_comes_first(run: Run) -> None:
    files = RunFiles(run.config).evaluation
    results = read_results(files)
    assert results
    assert confidence_charts(results) == []
    found = dict.fromkeys(("rgb", "late", "fused", "fusion/joint"), FOUND)
    results = replace(results, reliability=found, confidence={"fused": SURE})
    assert [row.name for row in confidence_charts(results)] == ["Fused", "RGB", "Late fusion"]
    write_results(results, files)
    shown = Text(written(run)).sections["results"]
    assert "calibration error 20.0 to 5.0 %" in shown and "the threshold of 0.40 answers 75%" in shown
