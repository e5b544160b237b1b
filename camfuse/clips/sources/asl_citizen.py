"""ASL Citizen: ``train.csv``, ``val.csv`` and ``test.csv``, and one folder of videos."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from camfuse.clips.label_files import check_folder, name_some, read_lines
from camfuse.clips.labels import make_table, natural_order
from camfuse.clips.sources.entry import SourceEntry
from camfuse.clips.splits import clip_id_of
from camfuse.clips.table import SPLITS, ClipTable
from camfuse.config.sources import AslCitizenSource
from camfuse.errors import TableError

SIGNER, VIDEO, GLOSS = COLUMNS = ("Participant ID", "Video file", "Gloss")
"""The columns that are used, in any order. `ASL-LEX Code` is not: some glosses have none, and some share one."""
PUBLISHED = {"train": 40_154, "val": 10_304, "test": 32_941}
"""Clips of the published files."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a split's file; `place` is the file's name and the line's number."""

    place: str
    split: str
    video: str
    gloss: str
    signer: str


def read(source: AslCitizenSource) -> ClipTable:
    """Read the three label files; ``<videos>/<Video file>`` is the clip's video.

    The file's whole name makes the clip id, its leading number too. The column `Gloss` alone is the label: a file's
    name says another gloss in places (``...-REMEMBER.mp4`` is listed as REMEMBER2, ``...-seedSOUR.mp4`` as SOUR).
    Glosses that differ in a number at their end, RUN1 and RUN2, are variants with a sign of their own, and each is a
    class, as in the published results.

    Raises
    ------
    TableError
        If a label file cannot be read, or naming every bad line of a file, every video that is listed twice.
    """
    check_folder(source.videos)
    lines = [line for split in SPLITS for line in _read_lines(source.splits / f"{split}.csv", split)]
    if problems := list(_repeated(lines)):
        raise TableError(source.splits, problems)
    rows = pd.DataFrame(
        {
            "clip_id": [clip_id_of(line.video) for line in lines],
            "video": [f"{source.videos}/{line.video}" for line in lines],
            "label": [line.gloss for line in lines],
            "signer": [line.signer for line in lines],
            "split": [line.split for line in lines],
        }
    )
    return make_table(rows, source.splits, notes=_notes(lines))


def _read_lines(path: Path, split: str) -> list[_Line]:
    lines = read_lines(path)
    header = lines[0][1] if lines else []
    problems = [f"expected column `{name}` once, found {header}" for name in COLUMNS if header.count(name) != 1]
    problems += [] if lines[1:] or problems else ["expected at least one clip, found none"]
    if problems:
        raise TableError(path, problems)
    places = [header.index(name) for name in COLUMNS]
    found = []
    for number, fields in lines[1:]:
        if len(fields) != len(header):
            problems.append(f"line {number}: expected {len(header)} fields, found {len(fields)}")
            continue
        signer, video, gloss = values = [fields[place] for place in places]
        if "" in values:
            problems.append(f"line {number}: {COLUMNS[values.index('')]}: expected a value, found none")
        elif "/" in video or "\\" in video or video == "..":
            problems.append(f"line {number}: {VIDEO}: expected the name of a file, found {video!r}")
        else:
            found.append(_Line(f"{path.name} line {number}", split, video, gloss, signer))
    if problems:
        raise TableError(path, problems)
    return found


def _repeated(lines: list[_Line]) -> Iterator[str]:
    first: dict[str, _Line] = {}
    for line in lines:
        before = first.setdefault(line.video, line)
        if before is not line:
            yield f"{line.place}: {VIDEO}: expected each video once, found {line.video!r} in {before.place} too"


def _notes(lines: list[_Line]) -> Iterator[str]:
    count = Counter(line.split for line in lines)
    other = [
        f"{split}.csv has {count[split]:,} (published: {PUBLISHED[split]:,})"
        for split in SPLITS
        if count[split] != PUBLISHED[split]
    ]
    if other:
        yield f"Not the number of clips that was published: {', '.join(other)}. Expected of a part, not of a full copy."
    splits: dict[str, set[str]] = {}
    for line in lines:
        splits.setdefault(line.signer, set()).add(line.split)
    shared = sorted((signer for signer, found in splits.items() if len(found) > 1), key=natural_order)
    if shared:
        yield f"{len(shared)} signers are in several splits, where the published ones are apart: {name_some(shared)}."


ENTRY = SourceEntry(AslCitizenSource, read, signers_apart=True)
