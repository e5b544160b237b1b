"""Checkpoints and results: damaged, of something else, with values that are no numbers."""

import os
from dataclasses import replace
from typing import Any

import pytest
import torch
from made_whole import flip

from camfuse.model.checkpoint import Checkpoint
from camfuse.run.layout import Run
from camfuse.verify.trainings import check_results, check_trainings


def said(run: Run, kind: str = "wrong") -> str:
    checks = (*check_trainings(run), *check_results(run))
    return "\n".join(str(found) for found in checks if found.kind == kind)


def test_a_whole_training_is_fine(copy: Run) -> None:
    assert said(copy) == "" and said(copy, "note") == ""
    assert "train/pose/best.ckpt: whole, epoch" in said(copy, "fine")
    assert "evaluate: results and predictions are of this config" in said(copy, "fine")


@pytest.mark.parametrize("name", ["best", "last", "best_so_far"])
@pytest.mark.parametrize("step", [10_000, pytest.param(1000, marks=pytest.mark.torture)])
def test_a_flipped_byte_anywhere_is_found(copy: Run, name: str, step: int) -> None:
    path = getattr(copy.training("pose"), name)
    for at in range(0, path.stat().st_size, step):
        flip(path, at)
        assert f"train/pose/{name}.ckpt: " in said(copy), at
        flip(path, at)
    path.write_bytes(path.read_bytes()[:-1000])
    assert f"train/pose/{name}.ckpt: " in said(copy)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"classes": ("a", "b", "c")}, "expected the 3 classes of the clip table"),
        ({"fingerprint": "0" * 16}, "it was trained with another config or version"),
        ({"part": "rgb"}, "expected a checkpoint of part pose, found rgb"),
    ],
)
def test_a_checkpoint_of_something_else_is_found(copy: Run, change: dict[str, Any], problem: str) -> None:
    best = copy.training("pose").best
    replace(Checkpoint.load(best), **change).save(best)
    assert problem in said(copy)


def test_values_that_are_no_numbers_are_found(copy: Run) -> None:
    best = copy.training("pose").best
    found = Checkpoint.load(best)
    name = next(name for name, tensor in found.state.items() if tensor.is_floating_point())
    replace(found, state={**found.state, name: found.state[name] * torch.nan}).save(best)
    assert f"1 tensors hold values that are no numbers: {name}" in said(copy)


def test_what_is_older_than_the_clip_table_is_noted(copy: Run) -> None:
    """A label of a training clip that was changed since leaves its mark on nothing else."""
    rows = copy.clips()
    train = rows.index[rows["split"] == "train"]
    rows.loc[train[0], "label"] = rows["label"][rows["label"] != rows.loc[train[0], "label"]].iloc[0]
    rows.to_csv(copy.clip_files.clips, index=False)
    later = copy.training("pose").best.stat().st_mtime + 100
    os.utime(copy.clip_files.clips, (later, later))
    assert "train/pose/best.ckpt: older than the clip table: clips, labels, signers or splits" in said(copy, "note")
    assert "evaluate/results.json: older than the clip table" in said(copy, "note")


def test_a_checkpoint_of_an_earlier_version_is_noted(copy: Run) -> None:
    best = copy.training("pose").best
    torch.save(torch.load(best, weights_only=True), best)
    assert said(copy) == "" and "fits, but was made by an earlier version" in said(copy, "note")
    best.unlink()
    assert "train/pose: not trained yet" in said(copy, "note")


def test_results_of_another_table_are_found(copy: Run) -> None:
    path = copy.evaluation.predictions
    whole = path.read_text()
    path.write_text(whole.replace("test-0-0,red", "test-0-0,blue"))
    assert "expected the test clips of the table with their labels, found others: test-0-0" in said(copy)
    path.write_text("\n".join(whole.splitlines()[:-1]) + "\n")
    assert "expected predictions of 3 clips, or why they are missing, found 2" in said(copy)
    results = copy.evaluation.results
    assert '"not_on_disk": null' in results.read_text()
    results.write_text(results.read_text().replace('"not_on_disk": null', '"not_on_disk": 5'))
    assert "expected predictions of 3 clips" in said(copy)  # what is not on disk is none of the table's
    path.unlink()
    assert "expected predictions.csv with clip_id and label" in said(copy)
    results.write_text(results.read_text().replace(copy.fingerprint("evaluate"), "0" * 16))
    assert "expected results with fingerprint" in said(copy)
