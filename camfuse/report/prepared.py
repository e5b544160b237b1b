"""What the data stages made: shards, failed clips, provenance, time. All of it read from the files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from camfuse.evaluate.result_text import NONE
from camfuse.report.tables import Table, duration, read_csv
from camfuse.run.experiments import Plan
from camfuse.run.layout import DATA_STAGES, Run
from camfuse.run.shard import Shard
from camfuse.run.stages import STAGES

MOST_LISTED = 500
Shards = Mapping[str, Sequence[Shard]]
"""The shards that are there, by stage."""


def open_shards(run: Run) -> Shards:
    """Open every shard of the run that is on disk.

    Raises
    ------
    ShardError
        If one is damaged.
    StaleShardError
        If one was made with other settings than the config's: the page would then describe another run.
    """
    return {stage: list(run.shards(stage)) for stage in DATA_STAGES}


def stage_table(run: Run, shards: Shards) -> Table:
    """Count what each data stage made, without those that no run of the config needs."""
    rows = []
    needed = Plan(run.config).data_stages
    for stage, files in shards.items():
        if not files and stage not in needed:
            continue
        clips = [(shard, clip_id) for shard in files for clip_id in shard]
        frames = sum(shard.count(clip_id) for shard, clip_id in clips)
        size = sum(shard.path.stat().st_size for shard in files) / 1e6
        failed = sum(one.stage == stage for shard in files for one in shard.left_out.values())
        there = f"{len(files)} of {run.config.clips.shards}"
        rows.append((stage, there, f"{len(clips):,}", f"{frames:,}", str(failed), f"{size:,.1f}"))
    return Table("Shards by stage", ("stage", "shards", "clips", "frames", "failed clips", "MB"), rows)


def left_out_clips(shards: Shards) -> set[str]:
    """Return the clips that any stage left out."""
    return {clip_id for files in shards.values() for shard in files for clip_id in shard.left_out}


def failed_table(shards: Shards) -> Table:
    """List the clips that a stage left out, with its reason (`bad_clips: skip`)."""
    # a later stage's shards repeat what those before them left out
    rows = {
        (clip_id, why.stage, why.reason)
        for files in shards.values()
        for shard in files
        for clip_id, why in shard.left_out.items()
    }
    return Table("Clips left out by a stage", ("clip", "stage", "reason"), sorted(rows), frozenset({0, 1, 2})).cut(
        MOST_LISTED
    )


def noted_table(shards: Shards) -> Table:
    """List what was odd about clips that are there all the same: colours, segments, clocks."""
    rows = {note for files in shards.values() for shard in files for note in shard.notes.items()}
    return Table("Odd clips that are used", ("clip", "what is odd"), sorted(rows), frozenset({0, 1})).cut(MOST_LISTED)


def identity_table(run: Run, shards: Shards) -> Table:
    """List version and fingerprint of each stage that the run has, and what its files say that they rest on."""
    rows = []
    config = run.config
    trainings = {f"train_{part}" for part in config.model.parts}
    drawn = {"avatars"} if config.clips.fingerspelling else set()
    has = {*drawn, *Plan(config).data_stages, *trainings, "evaluate", "report"}
    for name, stage in STAGES.items():
        if name not in has and not shards.get(name):
            continue
        found = {_flat(shard.provenance) for shard in shards.get(name, ())}
        rows.append((name, str(stage.version), run.fingerprint(name), "; ".join(sorted(found))))
    head = ("stage", "version", "fingerprint", "made with")
    return Table("Versions and fingerprints", head, rows, frozenset({0, 2, 3}))


def _flat(provenance: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {value}" for key, value in sorted(provenance.items()))


def time_table(folder: Path, clips: Mapping[str, int], speeds: Mapping[str, float]) -> Table | None:
    """Sum Snakemake's benchmark files by rule; None where there are none.

    Parameters
    ----------
    folder
        With ``<rule>.tsv`` or ``<rule>/<shard>.tsv``: columns s (seconds), max_rss (MB).
    clips
        How many clips the job of a benchmark file saw, by the file's name without its end.
    speeds
        Clips per second of rules where this is known better.
    """
    rules = sorted({path.stem if path.is_file() else path.name for path in folder.glob("*")} - {"report"})
    rows = []
    for rule in (*(name for name in STAGES if name in rules), *(name for name in rules if name not in STAGES)):
        files = [folder / f"{rule}.tsv", *sorted((folder / rule).glob("*.tsv"))]
        jobs = _jobs(files)
        if not jobs.empty:
            seconds, memory = jobs["s"], jobs["max_rss"].max()
            shown = NONE if pd.isna(memory) else f"{memory:,.0f}"
            done = sum(clips.get(path.stem, 0) for path in files if path.is_file())
            speed = speeds.get(rule, done / max(seconds.sum(), 0.01))
            times = duration(seconds.sum()), duration(seconds.max())
            rows.append((rule, str(len(jobs)), *times, shown, f"{speed:.3g}" if speed else NONE))
    if not rows:
        return None
    head = ("rule", "jobs", "time of all jobs", "longest job", "most memory (MB)", "clips/s")
    return Table("Time by rule", head, rows)


def _jobs(paths: Sequence[Path]) -> pd.DataFrame:
    tables = [read_csv(path, ("s", "max_rss"), separator="\t") for path in paths]
    found = [table for table in tables if table is not None]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["s", "max_rss"])
