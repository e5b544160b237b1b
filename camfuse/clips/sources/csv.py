"""One CSV table with a row per clip: for data that no other reader knows.

Without a column `video` the keypoint files are the recordings.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from camfuse.clips.label_files import Line, name_some, plural, read_lines
from camfuse.clips.labels import make_table
from camfuse.clips.own_split import OwnSplit
from camfuse.clips.signers import given_split_notes
from camfuse.clips.sources.entry import SourceEntry
from camfuse.clips.splits import clip_id_of
from camfuse.clips.table import ClipTable
from camfuse.config.sources import CsvSource
from camfuse.errors import TableError

RECORDINGS = ("video", "annotation", "clip_id")
"""What names the clips: the first of these columns that is there, and in it every row has a value."""
COLUMNS = (*RECORDINGS, "label", "signer", "split", "start", "end")
REMEDY = "To keep people apart, name the signer of every clip in the table's column `signer`."
WHO_SIGNS = "Name the signer of every clip in the table's column `signer`, and it is."


def read(source: CsvSource) -> ClipTable:
    """Read a table whose first line names the columns, in any order.

    ======================  ==================================================================
    video                   path, absolute or from `source.videos`; without the column, `annotation` names the clips, or
                            `clip_id` where `pose.annotations.file` holds the keypoints of all
    label                   the word
    clip_id                 optional; made of the path, and of the start where it is not 0
    signer                  optional
    split                   optional: train, val or test (or `dev`, `validation`, ...) in every row; without the
                            column clips are split by `source.split`: whole signers where each row has one, else
                            each label by itself (`OwnSplit`), which is noted
    start, end              optional, seconds from the video's first image; empty is the video's start or end
    annotation              optional, path of a keypoint file
    ======================  ==================================================================

    Other columns are not used, and noted, for one may be a misspelt name; those without a name, which spreadsheets
    leave at the end, only if there is something in them. Classes are the labels in natural
    order: 1, 2, 10.

    Raises
    ------
    TableError
        Naming every bad row at once.
    """
    header, lines = _read_header(source.table)
    problems: list[str] = []
    recording = next(name for name in RECORDINGS if name in header)
    rows = pd.DataFrame(_records(header, lines, problems, recording), columns=[*COLUMNS])
    if problems:
        raise TableError(source.table, problems)
    notes = [*_unused(header), *_nameless(header, lines)]
    numbers = [number for number, _ in lines]
    rows["clip_id"] = _clip_ids(rows, recording)
    if "clip_id" not in header and (problems := _repeated(rows, numbers, recording)):
        raise TableError(source.table, problems)
    if recording == "video":
        rows["video"] = [str(source.videos / video) for video in rows["video"]]
    own_split = None if "split" in header else OwnSplit(source.split, source.by, REMEDY)
    if own_split is None and source.by:
        notes.append(f"The table's column `split` counts, and `by: {source.by}` does not.")
    table = make_table(rows, source.table, own_split=own_split, notes=notes, lines=numbers)
    if own_split:
        return table
    return replace(table, notes=(*table.notes, *given_split_notes(table.rows, WHO_SIGNS)))


def _read_header(path: Path) -> tuple[list[str], list[Line]]:
    lines = read_lines(path)
    if not lines:
        raise TableError(path, ["expected columns video, label and rows, found an empty file"])
    header = lines[0][1]
    if other := [mark for mark in (";", "\t") if mark in header[0] and len(header) == 1]:
        raise TableError(path, [f"expected commas between the columns, found {other[0]!r}: save the table with commas"])
    remedy = "name the columns so, in small letters"
    problems = [f"expected column `label`, found {header}; {remedy}"] if "label" not in header else []
    if not set(RECORDINGS) & set(header):
        wanted = "`video` (or `annotation`, for keypoints without videos)"
        problems.insert(0, f"expected column {wanted}, found {header}; {remedy}")
    problems += [] if lines[1:] else ["expected at least one clip, found none"]
    problems += [f"expected column `{name}` once" for name in sorted(set(header) - {""}) if header.count(name) > 1]
    if problems:
        raise TableError(path, problems)
    return header, lines[1:]


def _records(header: list[str], lines: Iterable[Line], problems: list[str], recording: str) -> list[dict[str, object]]:
    records = []
    for number, fields in lines:
        if len(fields) != len(header):
            problems.append(f"line {number}: expected {len(header)} fields, found {len(fields)}")
            continue
        record: dict[str, object] = dict.fromkeys(COLUMNS, "")
        record |= {name: field for name, field in zip(header, fields, strict=True) if name}
        for name in dict.fromkeys((recording, "label", *(["clip_id"] if "clip_id" in header else []))):
            if not record[name]:
                problems.append(f"line {number}: {name}: expected a value, found none")
        for name, default in (("start", 0.0), ("end", math.nan)):
            record[name] = _seconds(str(record[name]), default, f"line {number}: {name}", problems)
        records.append(record)
    return records


def _seconds(text: str, default: float, place: str, problems: list[str]) -> float:
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        problems.append(f"{place}: expected seconds, found {text!r}")
    return value


def _clip_ids(rows: pd.DataFrame, recording: str) -> list[str]:
    names = rows[recording]
    if recording == "annotation":  # named as their videos would be
        names = names.map(lambda path: str(Path(path).with_suffix(".mp4")))
    # the start tells the clips of one video apart, and no other row can change an id
    return [
        given or (f"{clip_id_of(name)}_{round(start * 1000)}ms" if start else clip_id_of(name))
        for given, name, start in zip(rows["clip_id"], names, rows["start"], strict=True)
    ]


def _repeated(rows: pd.DataFrame, numbers: list[int], recording: str) -> list[str]:
    """Say which lines are of one clip, where the table names none: the ids come from the recordings."""
    first: dict[str, int] = {}
    lines = [first.setdefault(clip_id, number) for clip_id, number in zip(rows["clip_id"], numbers, strict=True)]
    return [
        f"line {number}: {recording}: expected each {recording} once, found {path!r} with the same start in line "
        f"{before} too; remove one of the lines, or tell them apart by a column `start` or `clip_id`"
        for number, before, path in zip(numbers, lines, rows[recording], strict=True)
        if number != before
    ]


def _unused(header: list[str]) -> list[str]:
    unused = [name for name in header if name not in (*COLUMNS, "")]
    what = plural(len(unused), "column of the table is", "columns of the table are")
    return [f"{len(unused)} {what} not used: {name_some(unused)}."] if unused else []


def _nameless(header: list[str], lines: Iterable[Line]) -> list[str]:
    filled = [
        str(number)
        for number, fields in lines
        if any(field and not name for name, field in zip(header, fields, strict=True))
    ]
    lines_have = plural(len(filled), "line has", "lines have")
    told = f"{len(filled)} {lines_have} something in a column without a name, which is not used: line "
    return [f"{told}{name_some(filled)}."] if filled else []


ENTRY = SourceEntry(CsvSource, read)
