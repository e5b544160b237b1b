"""Checkpoints and results: whole, of this config and these classes, numbers that are numbers."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch

from camfuse.clips.label_files import name_some
from camfuse.clips.table import split_unknown
from camfuse.errors import CamfuseError, WeightsError
from camfuse.evaluate.results import read_results
from camfuse.model.checkpoint import Checkpoint, check_trained
from camfuse.run.experiments import Experiment, Plan, Training
from camfuse.run.layout import EvaluationFiles, Run
from camfuse.verify.finding import Finding, digest_problem
from camfuse.weights.safe import read_checkpoint


def check_trainings(run: Run) -> Iterator[Finding]:
    """Check the checkpoints of the run and of its experiments, as far as they are there.

    Raises
    ------
    TableError
        If there is no list of classes.
    """
    plan, classes = Plan(run.config), run.classes()
    for training in plan.all_trainings:
        place = str(training.folder.relative_to(run.output))
        if not training.files.best.is_file():
            yield Finding("note", place, "not trained yet")
        else:
            yield _check_best(training, classes, run.output)
            yield from _older_than_the_clips(run, training.files.best)
        files = training.files
        for path in (files.last, files.before_last, files.best_so_far):
            if path.is_file() and (problem := _state_problem(path)):
                yield Finding("wrong", str(path.relative_to(run.output)), problem)


def check_results(run: Run) -> Iterator[Finding]:
    """Check the results and predictions of the run and of its experiments, as far as they are there.

    Raises
    ------
    TableError
        If there is no clip table.
    """
    plan = Plan(run.config)
    for one in (plan.main, *plan.experiments, *plan.ablation):
        if one.results.is_file():
            place = str(one.folder.relative_to(run.output))
            try:
                problems = list(_result_problems(run, one, one.files))
            except CamfuseError as error:
                problems = [str(error)]
            yield from (Finding("wrong", place, problem) for problem in problems)
            if not problems:
                yield Finding("fine", place, "results and predictions are of this config and clip table")
            yield from _older_than_the_clips(run, one.results)


def _check_best(training: Training, classes: tuple[str, ...], output: Path) -> Finding:
    path = training.files.best
    place = str(path.relative_to(output))
    try:
        found = Checkpoint.load(path)
        check_trained(found, path, training.part, training.config, classes)
        found.recogniser()
    except WeightsError as error:
        return Finding("wrong", place, str(error).removeprefix(f"{path}: "))
    if bad := [name for name, tensor in found.state.items() if not _is_finite(tensor)]:
        return Finding("wrong", place, f"{len(bad)} tensors hold values that are no numbers: {name_some(bad)}")
    if digest_problem(path, expected=True):
        return Finding("note", place, "fits, but was made by an earlier version without a digest")
    return Finding("fine", place, f"whole, epoch {found.epoch}, of this config and these {len(classes)} classes")


def _older_than_the_clips(run: Run, path: Path) -> Iterator[Finding]:
    if run.clip_files.changed_since(path):
        text = "older than the clip table: clips, labels, signers or splits have changed since; run the workflow again"
        yield Finding("note", str(path.relative_to(run.output)), text)


def _is_finite(tensor: torch.Tensor) -> bool:
    return not tensor.is_floating_point() or bool(torch.isfinite(tensor).all())


def _state_problem(path: Path) -> str | None:
    try:
        read_checkpoint(path)
    except WeightsError as error:
        return str(error).removeprefix(f"{path}: ")
    return None


def _result_problems(run: Run, one: Experiment, files: EvaluationFiles) -> Iterator[str]:
    results = read_results(files)
    if results is None:
        return
    if results.fingerprint != one.fingerprint:
        yield f"expected results with fingerprint {one.fingerprint}, found {results.fingerprint}: test again"
    try:
        told = pd.read_csv(files.predictions, dtype=str, keep_default_na=False).set_index("clip_id")["label"]
    except (OSError, ValueError, KeyError) as error:
        yield f"expected {files.predictions.name} with clip_id and label, found: {error}"
        return
    rows = run.clips()
    known, _ = split_unknown(rows[rows["split"] == results.split], one.config.train.unknown_words)
    label_of = dict(zip(known["clip_id"], known["label"], strict=True))
    other = sorted(clip_id for clip_id, label in told.items() if label_of.get(str(clip_id)) != label)
    if other or told.index.has_duplicates:
        yield f"expected the {results.split} clips of the table with their labels, found others: {name_some(other)}"
    if len(told) + len(results.missing.left_out) < len(label_of):  # the table has no clip that is not on disk
        yield f"expected predictions of {len(label_of)} clips, or why they are missing, found {len(told)}"
