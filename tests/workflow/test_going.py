"""While a run goes on, and of a finished one, who asks about another config changes nothing of it."""

import time
from pathlib import Path

import pandas as pd
from small_run import ALONE, PHASE, SMALL, Workflow

from camfuse.config import load_config
from camfuse.config.read import merged
from camfuse.run.layout import Run
from camfuse.verify.run import verify

LONGER = {"train": {"sequence": {**PHASE, "epochs": 3}}}
RENAMED = {"report": {"title": "another"}}


def test_another_config_does_not_reach_a_run_that_goes_on(tmp_path: Path) -> None:
    workflow = Workflow(tmp_path, settings=merged(SMALL, ALONE))
    resolved = tmp_path / "results" / "config.yaml"
    process = workflow.start()
    deadline = time.monotonic() + 120
    while not (tmp_path / "results" / "logs").is_dir():  # a job is at work
        assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "snakemake.log").read_text()
        time.sleep(0.02)
    given, table = resolved.read_bytes(), (tmp_path / "results" / "clips" / "clips.csv").stat().st_mtime_ns
    assert "train_sequence" in workflow.planned(change=LONGER)
    refused = workflow.snakemake(change=LONGER)
    assert refused.returncode == 2
    assert refused.stderr.strip().splitlines()[-1].startswith("ERROR: expected no other run")
    assert resolved.read_bytes() == given
    assert (tmp_path / "results" / "clips" / "clips.csv").stat().st_mtime_ns == table
    assert process.wait(timeout=300) == 0, (tmp_path / "snakemake.log").read_text()
    assert "report: results/report/index.html" in (tmp_path / "snakemake.log").read_text()
    curves = pd.read_csv(tmp_path / "results" / "train" / "sequence" / "curves.csv")
    assert curves["epoch"].max() == PHASE["epochs"]
    assert workflow.planned() == {}
    assert not [found for found in verify(Run.from_folder(tmp_path / "results")) if found.kind == "wrong"]


def test_asking_leaves_a_finished_run_as_it_is(alone: Workflow) -> None:
    resolved = alone.folder / "results" / "config.yaml"
    given = resolved.read_bytes()
    experiment = {"experiments": {"longer": LONGER}}
    for change in (LONGER, RENAMED, experiment):
        assert alone.planned(change=merged(ALONE, change))
        assert resolved.read_bytes() == given and load_config(resolved).report.title != "another"
    assert not (alone.folder / "results" / "experiments").exists()
