"""WLASL: ``WLASL_v0.3.json`` (the manifest), an ``nslt_*.json`` (the subset), or both.

The two disagree in 12 clips, frame numbers are 1-based and counted at 25 per second whatever the video's rate is,
and a ``frame_end`` of -1 means the end (dxli94/WLASL, README and issue 69).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, Field, TypeAdapter

from camfuse.clips.label_files import check_folder, name_some, read_json, read_lines
from camfuse.clips.labels import make_table, normal_split
from camfuse.clips.sources.entry import SourceEntry
from camfuse.clips.table import ClipTable
from camfuse.config.sources import WlaslSource
from camfuse.errors import TableError

FRAME_RATE = 25.0
"""Frames per second that the manifest's frame numbers are counted at."""
TO_THE_END = -1
_Split = Annotated[
    Literal["train", "val", "test"],
    BeforeValidator(lambda name: normal_split(name) if isinstance(name, str) else name),
]


@dataclass(frozen=True, slots=True)
class _Instance:
    video_id: str
    split: _Split
    signer_id: int | str = ""
    frame_start: Annotated[int, Field(ge=1)] = 1
    frame_end: Annotated[int, Field(ge=TO_THE_END)] = TO_THE_END


@dataclass(frozen=True, slots=True)
class _Gloss:
    gloss: Annotated[str, Field(min_length=1)]
    instances: list[_Instance]


@dataclass(frozen=True, slots=True)
class _Entry:
    subset: _Split
    action: tuple[Annotated[int, Field(ge=0)], int, int]
    """Class, and the first and last frame, which are not used: they would cut the sign off."""


def read(source: WlaslSource) -> ClipTable:
    """Read the label files; ``<videos>/<video_id>.mp4`` is the clip's video.

    The manifest alone gives all its clips, classes in the order of its glosses (the order of
    ``wlasl_class_list.txt``). With a subset, that file says which clips, classes and splits there are; the manifest
    then adds glosses, signers and segments, and where the two disagree the subset wins and a note says so.

    Segments: with `source.trimmed` the whole file. Else frame numbers become seconds: start = (frame_start - 1) / 25,
    end = frame_end / 25, so that ``frame_end`` itself is part of the clip.

    Raises
    ------
    TableError
        If a label file is missing, not as expected (every wrong value is listed) or has no name for a class.
    """
    check_folder(source.videos)
    manifest = _read_manifest(source.manifest) if source.manifest else None
    subset = _read_subset(source.subset) if source.subset else None
    notes: list[str] = []
    if manifest is None and not source.trimmed:
        raise TableError(source.subset or "", ["`trimmed: false` needs the segments of `manifest` (WLASL_v0.3.json)"])
    if subset is None:
        assert manifest is not None  # the config asks for one of the two
        rows, classes = manifest.rows, manifest.glosses
    else:
        rows = subset.assign(start=0.0, end=np.nan) if manifest is None else _join(subset, manifest, source, notes)
        classes = _class_names(int(subset["class_index"].max()) + 1, manifest, source, notes)
    rows = _with_columns(rows, classes, source)
    if source.trimmed:
        rows = _whole_files(rows, notes)
    return make_table(rows, source.subset or source.manifest or "", classes=classes, notes=notes)


@dataclass(frozen=True)
class _Manifest:
    rows: pd.DataFrame
    """clip_id, class_index, split, signer, start, end (seconds)."""
    glosses: tuple[str, ...]


def _read_manifest(path: Path) -> _Manifest:
    glosses = read_json(path, TypeAdapter(list[_Gloss]))
    names = tuple(gloss.gloss for gloss in glosses)
    if len(set(names)) < len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise TableError(path, [f"gloss {name!r}: expected once, found it again" for name in repeated])
    instances = [(index, one) for index, gloss in enumerate(glosses) for one in gloss.instances]
    last = np.array([one.frame_end for _, one in instances], float)
    rows = pd.DataFrame(
        {
            "clip_id": [one.video_id for _, one in instances],
            "class_index": [index for index, _ in instances],
            "split": [one.split for _, one in instances],
            "signer": [str(one.signer_id) for _, one in instances],
            "start": (np.array([one.frame_start for _, one in instances], float) - 1) / FRAME_RATE,
            "end": np.where(last == TO_THE_END, np.nan, last / FRAME_RATE),
        }
    )
    repeated = sorted(set(rows["clip_id"][rows["clip_id"].duplicated()]))
    if repeated:
        raise TableError(path, [f"video_id {clip_id}: expected once, found it again" for clip_id in repeated])
    return _Manifest(rows, names)


def _read_subset(path: Path) -> pd.DataFrame:
    entries = read_json(path, TypeAdapter(dict[str, _Entry]))
    if not entries:
        raise TableError(path, ["expected at least one clip, found none"])
    return pd.DataFrame(
        {
            "clip_id": list(entries),
            "class_index": [entry.action[0] for entry in entries.values()],
            "split": [entry.subset for entry in entries.values()],
        }
    )


def _join(subset: pd.DataFrame, manifest: _Manifest, source: WlaslSource, notes: list[str]) -> pd.DataFrame:
    assert source.subset and source.manifest
    files = {"subset": source.subset.name, "manifest": source.manifest.name}
    rows = subset.merge(manifest.rows, "left", "clip_id", suffixes=("", "_manifest"))
    alone = rows["class_index_manifest"].isna()
    rows["signer"] = rows["signer"].fillna("")
    rows["start"] = rows["start"].fillna(0.0)
    ids = rows["clip_id"]
    in_classes = manifest.rows["class_index"] <= subset["class_index"].max()
    missed = manifest.rows["clip_id"][in_classes & ~manifest.rows["clip_id"].isin(ids)]
    told = {
        "{n} clips of {subset} are not in {manifest}; kept, with the whole file and no signer: {names}.": ids[alone],
        "{n} clips have another class in {manifest} than in {subset}, which wins: {names}.": ids[
            ~alone & (rows["class_index"] != rows["class_index_manifest"])
        ],
        "{n} clips have another split in {manifest} than in {subset}, which wins: {names}.": ids[
            ~alone & (rows["split"] != rows["split_manifest"])
        ],
        "{n} clips of the same glosses in {manifest} are not in {subset}; left out: {names}.": missed,
    }
    for text, which in told.items():
        if len(which):
            notes.append(text.format(n=len(which), names=name_some(which.tolist()), **files))
    return rows


def _class_names(count: int, manifest: _Manifest | None, source: WlaslSource, notes: list[str]) -> tuple[str, ...]:
    listed = _read_class_list(source.class_list) if source.class_list else None
    names = manifest.glosses if manifest else listed
    if names is None:
        notes.append("No file names the glosses: the class numbers serve (give `manifest` or `class_list`).")
        return tuple(str(index) for index in range(count))
    if len(names) < count:
        file = (source.manifest if manifest else source.class_list) or ""
        raise TableError(file, [f"expected the names of {count} classes, as {source.subset} has, found {len(names)}"])
    if manifest and listed:
        pairs = zip(manifest.glosses[:count], listed[:count], strict=False)
        other = [f"{gloss!r} is {name!r} there" for gloss, name in pairs if gloss != name]
        if other:
            notes.append(f"{len(other)} glosses have other names in the class list, not used: {name_some(other)}.")
    return names[:count]


def _read_class_list(path: Path) -> tuple[str, ...]:
    lines = read_lines(path, delimiter="\t")
    problems = [
        f"line {number}: expected {index}, a tab and the gloss, found {' '.join(fields)!r}"
        for index, (number, fields) in enumerate(lines)
        if len(fields) != 2 or fields[0] != str(index) or not fields[1]
    ]
    if problems:
        raise TableError(path, problems)
    return tuple(fields[1] for _, fields in lines)


def _with_columns(rows: pd.DataFrame, classes: tuple[str, ...], source: WlaslSource) -> pd.DataFrame:
    videos = [f"{source.videos}/{clip_id}.mp4" for clip_id in rows["clip_id"]]
    labels = [classes[index] for index in rows["class_index"]]
    return rows.assign(video=videos, label=labels)


def _whole_files(rows: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    segments = int(((rows["start"] > 0) | rows["end"].notna()).sum())
    if segments:
        notes.append(
            f"{segments} clips are segments of longer videos; `trimmed: true` takes their files to be cut already."
        )
    return rows.assign(start=0.0, end=np.nan)


ENTRY = SourceEntry(WlaslSource, read)
