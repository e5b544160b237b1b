"""Results, curves and confused classes on the page."""

import json
from dataclasses import replace

from made_run import Run

from camfuse.evaluate.result_text import result_text
from camfuse.evaluate.results import Missing, read_results, write_results
from camfuse.files import write_text
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
