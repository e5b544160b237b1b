"""The last words of a run: the tested models' figures, or the errors of the jobs that failed."""

import os
from pathlib import Path

from made_training import MakeConfig

from camfuse.run.ending import problem_text, problems, result_text
from camfuse.run.layout import Run

BEGAN = 1000.0
LOG = """2026-11-28 17:52:48,446 INFO camfuse: Python 3.11.7
2026-11-28 17:52:49,488 ERROR camfuse: expected a first thing
2026-11-28 17:52:49,488 ERROR camfuse: frames: 1 clip(s) could not be processed
- a: found no video stream
2026-11-28 17:52:50,000 INFO camfuse: done
"""
RESULTS = "row,n,top1,top1_low,top1_high\nsequence,10,0.8,0.4901,0.9433\nfused,10,1.0,0.7225,1.0\n"


def written(path: Path, text: str, when: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (when, when))
    return path


def test_figures_of_this_run_are_said_and_those_of_before_are_not(make_config: MakeConfig) -> None:
    run = Run(make_config())
    assert result_text(run, BEGAN) == ""
    written(run.evaluation.table, RESULTS, BEGAN - 1)
    assert result_text(run, BEGAN) == ""
    written(run.evaluation.table, RESULTS, BEGAN + 1)
    head, first, second = result_text(run, BEGAN).splitlines()
    assert head.split() == ["right", "in", "test", "clips", "%", "95", "%", "interval"]
    assert first.split() == ["sequence", "10", "80.0", "49.0", "to", "94.3"] and len(first) == len(head)
    assert second.split() == ["fused", "10", "100.0", "72.2", "to", "100.0"]
    written(run.report, "page", BEGAN + 2)
    assert result_text(run, BEGAN).endswith(f"\nreport: {run.report}")


def test_the_last_error_of_each_log_of_this_run(make_config: MakeConfig) -> None:
    run = Run(make_config())
    assert problems(run, BEGAN) == {}
    log = written(run.log("frames/0000"), LOG, BEGAN + 1)
    written(run.log("frames/0001"), LOG, BEGAN - 1)
    written(run.log("pose/0000"), "2026-11-28 17:52:48,446 INFO camfuse: all is well\nERROR is a word\n", BEGAN + 1)
    found = problems(run, BEGAN)
    message = "frames: 1 clip(s) could not be processed\n- a: found no video stream"
    assert found == {log: message}
    assert problem_text(found) == f"ERROR: {message}\n(in {log})"
