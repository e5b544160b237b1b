"""AUTSL: three label files without header and the class names."""

import os
import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pandas as pd

from camfuse.clips.label_files import check_folder, read_lines
from camfuse.clips.labels import make_table
from camfuse.clips.sources.entry import SourceEntry
from camfuse.clips.table import ClipTable
from camfuse.config.sources import AutslSource
from camfuse.errors import TableError

_SAMPLE = re.compile(r"signer(\d+)_sample\d+")
_FOLDERS = {"train": ("train",), "val": ("val", "validation"), "test": ("test",)}


def read(source: AutslSource) -> ClipTable:
    """Read the label files; ``signerN_sampleM_color.mp4`` is the clip's video, flat or in a folder per split.

    The clip id is ``signerN_sampleM``, the signer N. Labels are the English names; where two classes share one
    ("you"), the Turkish name follows in brackets.

    Raises
    ------
    TableError
        If a label file cannot be read, or naming every bad line at once.
    """
    check_folder(source.videos)
    classes = _read_classes(source.class_names)
    files = {"train": source.train, "val": source.validation, "test": source.test}
    parts = [_read_labels(path, split, classes) for split, path in files.items()]
    rows = pd.DataFrame(list(chain(*parts)), columns=["clip_id", "label", "signer", "split"])
    videos = _find_videos(rows["clip_id"], rows["split"], source.videos)
    return make_table(rows.assign(video=videos), " + ".join(str(path) for path in files.values()), classes=classes)


def _read_classes(path: Path) -> tuple[str, ...]:
    lines = read_lines(path)
    if not lines or lines[0][1] != ["ClassId", "TR", "EN"]:
        raise TableError(path, [f"expected the columns ClassId,TR,EN, found {lines[0][1] if lines else 'nothing'}"])
    problems = [
        f"line {number}: expected {index},<Turkish>,<English>, found {','.join(fields)}"
        for index, (number, fields) in enumerate(lines[1:])
        if len(fields) != 3 or fields[0] != str(index) or not all(fields)
    ]
    if problems:
        raise TableError(path, problems)
    count = Counter(english for _, (_, _, english) in lines[1:])
    labels = tuple(
        english if count[english] == 1 else f"{english} ({turkish})" for _, (_, turkish, english) in lines[1:]
    )
    repeated = [label for label, times in Counter(labels).items() if times > 1]
    if repeated:
        raise TableError(path, [f"class {label}: expected once, found it again" for label in repeated])
    return labels


def _read_labels(path: Path, split: str, classes: tuple[str, ...]) -> list[tuple[str, str, str, str]]:
    known = {str(index): label for index, label in enumerate(classes)}
    rows, problems = [], []
    for number, fields in read_lines(path):
        sample = _SAMPLE.fullmatch(fields[0])
        if sample is None or len(fields) != 2 or fields[1] not in known:
            expected = f"signer<N>_sample<M>,<class 0..{len(classes) - 1}>"
            problems.append(f"line {number}: expected {expected}, found {','.join(fields)}")
        else:
            rows.append((fields[0], known[fields[1]], sample[1], split))
    if not rows and not problems:
        problems = ["expected at least one clip, found none"]
    if problems:
        raise TableError(path, problems)
    return rows


def _find_videos(clip_ids: Iterable[str], splits: Iterable[str], folder: Path) -> list[str]:
    names = {below: _names(folder / below) for below in chain(*_FOLDERS.values(), [""])}
    expected = {split: next((below for below in folders if names[below]), "") for split, folders in _FOLDERS.items()}
    found = []
    for clip_id, split in zip(clip_ids, splits, strict=True):
        name = f"{clip_id}_color.mp4"
        places = (*_FOLDERS[split], "")
        below = next((place for place in places if name in names[place]), expected[split])
        found.append(f"{folder}/{below}/{name}" if below else f"{folder}/{name}")
    return found


def _names(folder: Path) -> frozenset[str]:
    return frozenset(entry.name for entry in os.scandir(folder)) if folder.is_dir() else frozenset()


ENTRY = SourceEntry(AutslSource, read, signers_apart=True)
