"""Bring the run's clip table up to date, the way a workflow reads its sample sheet.

Called each time the workflow starts, so it is quick, and a file is written only when what it says has changed: the
workflow then redoes the shards whose clips changed and nothing else. Several processes may call it at once: they
write the same content, each under a name of its own that is renamed into place.
"""

import hashlib
import logging
import math
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from camfuse.clips.annotations import annotation_paths, keypoints_alone, parts_beyond_the_name
from camfuse.clips.coverage import count_coverage, empty_classes
from camfuse.clips.duplicates import describe, find_duplicates
from camfuse.clips.files import ClipFiles
from camfuse.clips.hashes import FileState, hash_files, look_at
from camfuse.clips.label_files import plural
from camfuse.clips.leaks import describe_leaks, find_leaks
from camfuse.clips.lengths import segment_notes
from camfuse.clips.sources.entry import source_entry
from camfuse.clips.splits import VIDEO_SUFFIXES
from camfuse.clips.table import COLUMNS, NAME_PARTS, SHARD_COLUMNS, ClipTable, shard_names, shard_of
from camfuse.config import Config
from camfuse.config.estimators import PICKLES
from camfuse.errors import TableError
from camfuse.files import link_folder, write_if_changed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refreshed:
    """The clips that the run uses.

    Attributes
    ----------
    rows
        `COLUMNS` and class_index, shard, identity (hash of what the recording says, wherever it lies),
        recording (hash of the whole of it).
    classes
        Label of each class index.
    notes
        What is odd, one sentence each.
    coverage
        Clips listed, on disk, missing and used per split and class.
    duplicates
        Clips whose recordings are the same, one row each.
    leaks
        Clips that show what a clip of an earlier split shows (`find_leaks`).
    """

    rows: pd.DataFrame
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    coverage: pd.DataFrame
    duplicates: pd.DataFrame
    leaks: pd.DataFrame


def refresh(config: Config, *, log_notes: bool = True) -> Refreshed:
    """Read the label files, look at the recordings, and write ``<output>/clips`` where it changed.

    Writes clips.csv, classes.csv, coverage.csv (`count_coverage`), duplicates.csv (`find_duplicates`),
    leaks.csv (`find_leaks`), missing.csv,
    notes.txt, hashes.csv and lengths.csv (caches) and shards/<shard>.csv for every shard.

    Parameters
    ----------
    config
        The run's config.
    log_notes
        Whether to log the notes where they are others than before; not where the caller says them.

    Raises
    ------
    TableError
        If a label file is wrong, recordings are missing under ``clips.missing: stop``, no clip is left, or splits
        share what ``clips.leaks: refuse`` does not allow.
    """
    out = config.output / "clips"
    table = read_table(config)
    if table.installed:
        link_folder(ClipFiles(out).recordings, table.installed)
    listed = table.rows.reset_index(drop=True)
    annotations = annotation_paths(listed, config)
    bare = keypoints_alone(listed)
    parts = parts_beyond_the_name(listed, annotations)
    files = look_at([*listed["source"], *filter(None, annotations)])
    on_disk = listed["source"].isin(files) & annotations.isin([*files, ""])
    _check_missing(listed[~on_disk], annotations, files, config, out)

    if not on_disk.any():
        raise TableError("clips", [f"expected recordings on disk, found none of {len(listed)}; see missing.csv"])
    rows = listed[on_disk]
    rows = rows.head(config.clips.limit) if config.clips.limit else rows
    wanted = dict.fromkeys([*rows["source"], *filter(None, annotations[rows.index])])
    hashes = hash_files({path: files[path] for path in wanted}, out / "hashes.csv")
    said = [
        _of_recording(hashes[path], path, clip_id)
        for path, clip_id in zip(rows["source"], rows["clip_id"], strict=True)
    ]
    recordings = rows.assign(sha256=said, size=[files[path].size for path in rows["source"]])
    duplicates = find_duplicates(recordings)
    if config.clips.duplicates == "drop":
        rows = rows.drop(duplicates.index[~duplicates["used"]])
    else:
        duplicates = duplicates.assign(used=True)
    leaks = _find_leaks(recordings.loc[rows.index], config)
    filmed = rows.head(0) if source_entry(config.clips).drawn else rows[~bare[rows.index]]
    segments = segment_notes(filmed, hashes, ClipFiles(out).lengths)
    rows = _with_identity(recordings.loc[rows.index], annotations, hashes, parts, table.classes, config.clips.shards)
    coverage = count_coverage(listed.assign(on_disk=on_disk, used=listed.index.isin(rows.index)), table.classes)
    refreshed = Refreshed(
        rows=rows.reset_index(drop=True),
        classes=table.classes,
        notes=(
            *table.notes,
            *_missing_notes(on_disk),
            *describe(duplicates),
            *describe_leaks(leaks),
            *segments,
            *empty_classes(coverage),
        ),
        coverage=coverage,
        duplicates=duplicates.reset_index(drop=True),
        leaks=leaks,
    )
    if _write(refreshed, out, config.clips.shards, parts) and log_notes:
        for note in refreshed.notes:
            log.warning("%s", note)
    return refreshed


def read_table(config: Config) -> ClipTable:
    """Read the config's label files; clips without a video get the place where the stage `avatars` draws it.

    Recordings of an installed package are named by the link that `refresh` makes: where the package lies depends on
    which Python runs the workflow, and must not be a reason to run anything again.
    """
    clips = config.clips
    entry = source_entry(clips)
    table: ClipTable = entry.read(clips.source)
    if table.installed:
        link = ClipFiles(config.output / "clips").recordings
        linked = [str(link / Path(path).relative_to(table.installed)) for path in table.rows["source"]]
        table = replace(table, rows=table.rows.assign(annotation=linked, source=linked))
    if not entry.drawn:
        return _with_keypoints_as_recordings(table, config)
    folder = config.output / "avatars"
    videos = [str(folder / shard_of(name, clips.shards) / f"{name}.mp4") for name in table.rows["clip_id"]]
    return replace(table, rows=table.rows.assign(video=videos))


def _with_keypoints_as_recordings(table: ClipTable, config: Config) -> ClipTable:
    """Return a table in which the keypoint file is the recording of clips without a video."""
    without = table.rows["video"] == ""
    if not without.any():
        return table
    if config.pose.annotations is None:
        found = "expected column `video`, or keypoints for clips without one (`pose: {annotations: {}}`); found neither"
        raise TableError("clips", [found])
    paths = annotation_paths(table.rows, config)
    return replace(table, rows=table.rows.assign(video=paths, source=paths))


def _check_missing(
    missing: pd.DataFrame, annotations: "pd.Series[str]", files: dict[str, FileState], config: Config, out: Path
) -> None:
    absent = [
        source if source not in files else annotation
        for source, annotation in zip(missing["source"], annotations[missing.index], strict=True)
    ]
    listing = pd.DataFrame({"clip_id": missing["clip_id"].tolist(), "path": absent}, dtype=str)
    write_if_changed(out / "missing.csv", listing.to_csv(index=False))
    if absent and config.clips.missing == "stop":
        problems = [f"clip {clip_id}: {_not_there(path)}" for clip_id, path in listing.itertuples(index=False)]
        hint = "fix this, or set `clips.missing: drop` to continue without them"
        raise TableError(f"recordings that are not on disk, all in {out / 'missing.csv'} ({hint})", problems)


def _not_there(path: str) -> str:
    """Say where a recording was looked for, and what of its name is likely to be the reason that it is not there."""
    place = Path(path).absolute()
    if place.is_dir():
        return f"expected a file, found the folder {place}"
    reason = ""
    if "\\" in path:
        reason = "; write / between folders, not a backslash"
    elif "~" in Path(path).parts:
        reason = "; ~ is no home folder in a table: write the whole path"
    elif not place.suffix:
        names = [place.name + suffix for suffix in sorted(VIDEO_SUFFIXES)]
        found = [name for name in names if place.with_name(name).is_file()]
        reason = f"; its name has no suffix: expected one, as in {found[0] if found else place.name + '.mp4'}"
    return f"no file {place}{reason}"


def _find_leaks(rows: pd.DataFrame, config: Config) -> pd.DataFrame:
    apart = source_entry(config.clips).signers_apart or getattr(config.clips.source, "by", None) == "signer"
    leaks = find_leaks(rows, signers_apart=apart)
    write_if_changed(ClipFiles(config.output / "clips").leaks, leaks.to_csv(index=False))
    if len(leaks) and config.clips.leaks == "refuse":
        pairs = leaks.itertuples()
        problems = [f"{one.kind}: {one.clip_id} ({one.split}), {one.other} ({one.other_split})" for one in pairs]
        raise TableError("leaks between splits, which `clips.leaks: refuse` does not allow", problems)
    return leaks


def _missing_notes(on_disk: "pd.Series[bool]") -> list[str]:
    missing = int((~on_disk).sum())
    are = plural(missing, "is", "are")
    return (
        [f"{missing} of {len(on_disk)} clips {are} not on disk: see missing.csv and coverage.csv."] if missing else []
    )


def _with_identity(
    rows: pd.DataFrame,
    annotations: "pd.Series[str]",
    hashes: dict[str, str],
    parts: dict[str, int],
    classes: tuple[str, ...],
    shards: int,
) -> pd.DataFrame:
    index = {label: number for number, label in enumerate(classes)}
    identities = [
        _identity(recording, hashes[other] if other and other != source else "", start, end, parts.get(clip_id))
        for clip_id, recording, source, other, start, end in zip(
            rows["clip_id"],
            rows["sha256"],
            rows["source"],
            annotations[rows.index],
            rows["start"].tolist(),
            rows["end"].tolist(),
            strict=True,
        )
    ]
    return rows[list(COLUMNS)].assign(
        class_index=[index[label] for label in rows["label"]],
        shard=[shard_of(clip_id, shards) for clip_id in rows["clip_id"]],
        identity=identities,
        recording=rows["sha256"].str[:16],
    )


def _of_recording(sha256: str, source: str, clip_id: str) -> str:
    """Return a hash that the clips of one recording share: of a pickle, which holds many, each clip is its own."""
    return hashlib.sha256(f"{sha256}|{clip_id}".encode()).hexdigest() if source.lower().endswith(PICKLES) else sha256


def _identity(recording: str, keypoints: str, start: float, end: float, parts: int | None) -> str:
    """Hash what the data stages make of a clip: the recording, its keypoint file if that is another, the segment."""
    said = [recording, repr(start), "" if math.isnan(end) else repr(end)]
    if keypoints:
        said.append(keypoints)
    if parts is not None:  # another clip of the same name may change which keypoints are this one's
        said.append(f"name of {parts} parts")
    return hashlib.sha256("|".join(said).encode()).hexdigest()[:16]


def _write(refreshed: Refreshed, out: Path, shards: int, name_parts: dict[str, int]) -> bool:
    """Write what has changed; return whether the notes have."""
    rows = refreshed.rows
    classes = pd.DataFrame({"class_index": range(len(refreshed.classes)), "label": refreshed.classes})
    tables = {"clips": rows, "classes": classes, "coverage": refreshed.coverage, "duplicates": refreshed.duplicates}
    for name, table in tables.items():
        write_if_changed(out / f"{name}.csv", table.to_csv(index=False))
    # in the order of the ids, so that another order of the label file changes no shard
    parts = dict(iter(rows.sort_values("clip_id")[[*SHARD_COLUMNS, "shard"]].groupby("shard")))
    empty = rows[[*SHARD_COLUMNS]].head(0)
    names = shard_names(shards)
    for name in names:
        part = parts.get(name, empty)[list(SHARD_COLUMNS)]
        if not name_parts.keys().isdisjoint(part["clip_id"]):
            part = part.assign(**{NAME_PARTS: [name_parts.get(clip_id, 1) for clip_id in part["clip_id"]]})
        write_if_changed(out / "shards" / f"{name}.csv", part.to_csv(index=False))
    for path in (out / "shards").glob("*.csv"):
        if path.stem not in names:
            path.unlink(missing_ok=True)
    notes = "".join(f"{note}\n" for note in refreshed.notes)
    return write_if_changed(out / "notes.txt", notes)
