"""Shards: their digests and checksums, fingerprints, and that all stages hold the same frames of the table's clips."""

from collections.abc import Iterator

import pandas as pd
from tqdm import tqdm

from camfuse.clips.label_files import name_some
from camfuse.errors import ShardError
from camfuse.run.experiments import Plan
from camfuse.run.layout import DATA_STAGES, Run
from camfuse.run.shard import Shard
from camfuse.verify.finding import Finding, digest_problem

Counts = dict[str, dict[str, int]]
"""By clip the number of frames in each stage."""


def check_shards(run: Run) -> Iterator[Finding]:
    """Check every shard that is there, and note which are missing; that is wrong where a training read them.

    Raises
    ------
    TableError
        If there is no clip table.
    """
    counts: Counts = {}
    by_shard = list(run.clips().groupby("shard"))
    plan = Plan(run.config)
    # while nothing is trained, the run is not done yet
    read = {stage for training in plan.all_trainings if training.files.begun for stage in training.inputs}
    for stage in DATA_STAGES:
        there = [(str(name), rows) for name, rows in by_shard if run.shard_path(stage, str(name)).exists()]
        wrong = 0
        for name, rows in tqdm(there, desc=f"verify {stage}", unit="shard", mininterval=1.0, disable=None):
            for found in _check_shard(run, stage, name, rows, counts):
                wrong += found.kind == "wrong"
                yield found
        missing = [str(name) for name, _ in by_shard if str(name) not in dict(there)]
        if missing and (there or stage in plan.data_stages):
            text = f"{len(missing)} of {len(by_shard)} shards are not there: {name_some(missing)}"
            yield Finding("wrong" if stage in read and there else "note", stage, text)
        if there and not wrong:
            yield Finding("fine", stage, f"{len(there)} shards are whole and of this config and clip table")
    yield from _differing(counts)


def _check_shard(run: Run, stage: str, name: str, rows: pd.DataFrame, counts: Counts) -> Iterator[Finding]:
    path = run.shard_path(stage, name)
    place = str(path.relative_to(run.output))
    try:
        with run.shard(stage, name) as shard:
            problem = digest_problem(path, expected=shard.has_checksums)
            if problem:
                yield Finding("wrong", place, problem)
            if not shard.has_checksums:
                yield Finding("note", place, "made by an earlier version without checksums; renewed by --forcerun")
            if problem or not shard.has_checksums:
                yield from (Finding("wrong", place, said) for said in _unreadable(shard))
            yield from (Finding("wrong", place, said) for said in _unlike_table(shard, rows))
            for clip_id in shard:
                counts.setdefault(clip_id, {})[stage] = shard.count(clip_id)
    except ShardError as error:
        yield Finding("wrong", place, str(error).removeprefix(f"{path}: "))
        if problem := digest_problem(path, expected=False):
            yield Finding("wrong", place, problem)


def _unreadable(shard: Shard) -> Iterator[str]:
    """Read every clip, which compares it with its checksums where there are any."""
    for clip_id in shard:
        try:
            shard.clip(clip_id)
        except ShardError as error:
            yield str(error).removeprefix(f"{shard.path}: ")


def _unlike_table(shard: Shard, rows: pd.DataFrame) -> Iterator[str]:
    identity = dict(zip(rows["clip_id"], rows["identity"], strict=True))
    shard.left_out_of(identity)
    if strange := [clip_id for clip_id in shard if clip_id not in identity]:
        yield f"expected the clips of the clip table, found {len(strange)} others: {name_some(strange)}"
    if "identity" in shard.fact_names():
        both = [clip_id for clip_id in shard if clip_id in identity]
        if other := [clip_id for clip_id in both if shard.fact("identity", clip_id) != identity[clip_id]]:
            yield f"expected the recordings of the clip table, found others in {len(other)} clips: {name_some(other)}"


def _differing(counts: Counts) -> Iterator[Finding]:
    for clip_id, found in counts.items():
        if len(set(found.values())) > 1:
            counted = ", ".join(f"{count} in {stage}" for stage, count in found.items())
            yield Finding("wrong", f"clip {clip_id}", f"expected as many frames in every stage, found {counted}")
