"""What people read of the results."""

import math
from dataclasses import replace

from made_results import made_results, made_score

from camfuse.clips.signers import SignerCounts
from camfuse.evaluate.confidence import Confidence, Strangers
from camfuse.evaluate.result_text import (
    confidence_cells,
    metric_text,
    missing_text,
    percent,
    result_cells,
    result_text,
    signers_text,
    weights_text,
)
from camfuse.evaluate.results import Missing
from camfuse.run.shard import LeftOut

WHOLE = made_results({"rgb": made_score(0.25), "fused": made_score(0.5)}, weights={"fused": {"rgb": 1, "pose": 0.5}})
LOST = Missing({"a": LeftOut("crops", "nobody"), "b": LeftOut("frames", "x"), "c": LeftOut("frames", "y")}, 2)
HOLES = made_results({"fused": made_score(0.5, clips=5, of_all=0.25)}, missing=LOST)


def test_percent_and_no_number() -> None:
    assert (percent(0.125), percent(math.nan)) == ("12.50", "-")


def test_a_line_for_each_row_in_its_order() -> None:
    head, rgb, fused = result_cells(WHOLE)
    assert head[:2] == ("model", "top-1")
    assert (rgb[0], rgb[1], fused[0], fused[1]) == ("RGB", "25.00", "Fused", "50.00")
    assert result_text(WHOLE).splitlines()[0] == "Accuracy on the 20 clips of test, in %"
    assert weights_text(WHOLE) == ["Fused: rgb x 1, pose x 0.5, as configured."]


def test_one_sentence_says_whether_the_people_are_new() -> None:
    untested = "how well new people are recognised is not tested here."
    said = {
        (20, 0, 0): "All 20 clips of test are of people whom training never saw.",
        (0, 20, 0): f"All 20 clips of test are of people who are in training too: {untested}",
        (0, 0, 20): f"Whether the 20 clips of test are of people who are in training too is not known: {untested}",
        (11, 8, 1): "Of the 20 clips of test, 11 are of people whom training never saw, 8 are of people who are in "
        "training too, 1 are of people of whom that is not known.",
        (
            0,
            19,
            1,
        ): "Of the 20 clips of test, 19 are of people who are in training too, 1 are of people of whom that is "
        "not known.",
    }
    for counts, sentence in said.items():
        found = replace(WHOLE, signers=SignerCounts(*counts))
        assert signers_text(found) == [sentence]
        assert sentence in result_text(found).splitlines()
    assert signers_text(WHOLE) == []


def test_nothing_missing_says_nothing() -> None:
    assert missing_text(WHOLE) == []
    assert "missing" not in metric_text(WHOLE, "top_k_accuracy")


def test_missing_clips_are_counted_by_stage_in_the_stages_order() -> None:
    counted, scores = missing_text(HOLES)
    assert "5 of 10 clips of test (2 left out by stage frames, 1 left out by stage crops, 2 not on disk)" in counted
    assert scores == "Counted as wrong, top-1 in %: Fused 25.00."
    assert metric_text(HOLES, "top_k_accuracy") == (
        "top_k_accuracy: top-1 50.00 %; with 5 missing clips counted as wrong top-1 25.00 %"
    )


SURE = Confidence(1.5, 0.4, 0.1, (0.2, 0.05), (1.0, 0.75), 0.9, 0.8, 0.875, Strangers(4, 0.95, 0.25))


def test_confidence_before_and_after() -> None:
    found = replace(WHOLE, confidence={"rgb": replace(SURE, answered_right=None, strangers=None), "fused": SURE})
    head, rgb, fused = confidence_cells(found)
    assert len(head) == len(rgb) == len(fused)
    assert fused == (
        "Fused",
        "1.50",
        "20.00 to 5.00",
        "1.000 to 0.750",
        "90.00",
        "0.400",
        "80.00",
        "87.50",
        "95.00",
        "25.00",
    )
    assert rgb[-3:] == ("-", "-", "-")
    text = result_text(found)
    assert "Confidence on the 20 clips of test, calibrated on val; threshold meant for 10% of unknown signs" in text
    assert text.splitlines()[-1].split()[-1] == "25.00"


def test_no_threshold_is_said_in_words() -> None:
    none = replace(SURE, threshold=0.0, answered=1.0)
    found = replace(WHOLE, confidence={"fused": none})
    assert confidence_cells(found)[1][5] == "-"
    assert "no threshold: for 10% of unknown signs it takes 10 clips of unknown words in val" in result_text(found)
    alone = replace(WHOLE, confidence={"fused": replace(none, strangers=None)})
    assert "no threshold: for 10% of unknown signs it takes 30 clips of val or more" in result_text(alone)


def test_without_unknown_words_they_have_no_column_and_without_val_there_is_no_table() -> None:
    found = replace(WHOLE, confidence={"fused": replace(SURE, strangers=None)})
    assert confidence_cells(found)[0][-1] == "of these right"
    assert confidence_cells(WHOLE) == []
    assert "Confidence" not in result_text(WHOLE)
