"""Clip table, classes, the shards' own tables, and what the splits share."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from camfuse.clips.label_files import name_some
from camfuse.clips.leaks import COLUMNS, describe_leaks
from camfuse.clips.table import SPLITS, read_shard_clips
from camfuse.data.leaks import find_hidden
from camfuse.errors import CamfuseError, TableError
from camfuse.run.layout import Run
from camfuse.run.trainable import training_problems
from camfuse.verify.finding import Finding, Kind


def check_tables(run: Run) -> Iterator[Finding]:
    """Check the clip table, the classes and the tables of the shards against each other.

    Raises
    ------
    TableError
        If there is no clip table or no list of classes, or one cannot be read.
    """
    rows, classes, place = run.clips(), run.classes(), _name(run, "clips.csv")
    problems = [*_row_problems(run, rows, classes), *_shard_problems(run, rows)]
    yield from (Finding("wrong", place, problem) for problem in problems)
    if not problems:
        yield Finding(
            "fine", place, f"{len(rows):,} clips of {len(classes):,} classes in {rows['split'].nunique()} splits agree"
        )
    yield from (Finding("note", place, problem) for problem in training_problems(run.config, rows, classes))


def check_leaks(run: Run) -> Iterator[Finding]:
    """Say what splits share: wrong where the config refuses it, else a note.

    Raises
    ------
    CamfuseError
        If a table or shard cannot be read.
    """
    kind: Kind = "wrong" if run.config.clips.leaks == "refuse" else "note"
    files = run.clip_files
    found = find_hidden(run)
    if files.leaks.is_file():
        try:
            table = pd.read_csv(files.leaks, dtype=str, keep_default_na=False)[list(COLUMNS)]
        except (ValueError, KeyError) as error:
            raise TableError(files.leaks, [f"expected a table of leaks, found: {error}"]) from error
        found = pd.concat([table, found], ignore_index=True)
    else:
        yield Finding("note", _name(run, "leaks.csv"), "not there: this clip table was not looked through for leaks")
    notes = describe_leaks(found, "leaks.csv and alike.json")
    yield from (Finding(kind, "splits", note) for note in notes)
    if not notes:
        yield Finding(
            "fine", "splits", "no recording, part of a video or keypoints are in two of them, or in the first weights"
        )


def _name(run: Run, name: str) -> str:
    return str((run.clip_files.folder / name).relative_to(run.output))


def _row_problems(run: Run, rows: pd.DataFrame, classes: tuple[str, ...]) -> Iterator[str]:
    index = {label: number for number, label in enumerate(classes)}
    checks = {
        "each id once": rows["clip_id"].duplicated(),
        "a split of train, val and test": ~rows["split"].isin(SPLITS),
        "a label of classes.csv with its class index": rows["label"].map(index) != rows["class_index"],
        "the shard that its id belongs to": rows["shard"] != rows["clip_id"].map(run.shard_of),
    }
    for expected, wrong in checks.items():
        if wrong.any():
            names = rows["clip_id"][np.asarray(wrong)].tolist()
            yield f"expected {expected}, found {len(names)} clips otherwise: {name_some(names)}"


def _shard_problems(run: Run, rows: pd.DataFrame) -> Iterator[str]:
    for name in run.shard_names:
        path = run.clip_files.shard(name)
        wanted = rows[rows["shard"] == name].set_index("clip_id")["identity"].to_dict()
        try:
            found = {clip.clip_id: clip.identity for clip in read_shard_clips(path)} if path.is_file() else None
        except CamfuseError as error:
            yield str(error)
            continue
        if found is None and wanted:
            yield f"{path.name} of the shards' tables is not there"
        elif found is not None and found != wanted:
            names = sorted(clip for clip, _ in found.items() ^ wanted.items())
            yield f"the table of shard {name} has other clips or recordings: {name_some(sorted(set(names)))}"
