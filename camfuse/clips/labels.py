"""Labels and names of splits, made the same for every reader, and the table that every reader returns."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from camfuse.clips.label_files import name_some, plural
from camfuse.clips.own_split import OwnSplit, signer_problems, split_rows
from camfuse.clips.signers import without_placeholders
from camfuse.clips.table import COLUMNS, ClipTable, check_rows
from camfuse.errors import TableError

SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What others call the three splits."""
_DIGITS = re.compile(r"([0-9]+)")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d*)?")


def normal_label(label: str) -> str:
    """Return a label without blanks around it, and with composed accents: macOS writes them apart."""
    return unicodedata.normalize("NFC", label).strip()


def natural_order(label: str) -> tuple[tuple[Any, ...], str]:
    """Return what to sort a label by, so that numbers in it count as numbers: 1, 2, 10; word 2, word 10."""
    parts = enumerate(_DIGITS.split(label))  # text, digits, text, digits ...
    return tuple((len(bare := part.lstrip("0")), bare) if number % 2 else part for number, part in parts), label


def normal_split(name: str) -> str:
    """Return train, val or test for what a split is called in any case; another name as it is, for `check_rows`."""
    return SPLIT_NAMES.get(name.strip().casefold(), name)


def is_split(name: str) -> bool:
    """Whether this is the name of a split."""
    return name.strip().casefold() in SPLIT_NAMES


def make_table(
    rows: pd.DataFrame,
    source: str | Path,
    *,
    classes: Iterable[str] | None = None,
    own_split: OwnSplit | None = None,
    notes: Iterable[str] = (),
    lines: Sequence[int] | None = None,
) -> ClipTable:
    """Return a reader's table: labels and splits normalised, columns completed, rows checked.

    Parameters
    ----------
    rows
        clip_id, video, label, split and any others of `COLUMNS`. Those left out: signer and annotation are empty,
        start and end are the video's, source is the video.
    source
        The label file or folder, for messages.
    classes
        Labels of the class indices; left out, the labels of the rows in natural order.
    own_split
        How to split, in place of a column split.
    notes
        What the reader found odd; how it was split, labels or signers that are nearly the same, and signers whose
        names are nobody's, are added.
    lines
        The line of each row in the label file, for messages, where that is one file with a line per clip.

    Raises
    ------
    TableError
        Naming every bad row, or every class that is there twice, or every clip that keeps signers from being split.
    """
    defaults = {"signer": "", "start": 0.0, "end": np.nan, "annotation": "", "source": rows["video"]}
    rows = rows.assign(**{column: value for column, value in defaults.items() if column not in rows})
    rows = rows.assign(**{column: [normal_label(name) for name in rows[column]] for column in ("label", "signer")})
    signers, unnamed = without_placeholders(rows["signer"])
    rows, notes = rows.assign(signer=signers), [*notes, *unnamed]
    if own_split is None:
        rows = rows.assign(split=[normal_split(name) for name in rows["split"]])
    else:
        if problems := signer_problems(rows, own_split):
            raise TableError(source, problems)
        splits, said = split_rows(rows, own_split)
        rows = rows.assign(split=splits)
        notes += said
    rows = rows[list(COLUMNS)]
    names = (
        sorted(set(rows["label"]), key=natural_order) if classes is None else [normal_label(label) for label in classes]
    )
    if repeated := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise TableError(source, [f"class {name!r}: expected once, found it again" for name in repeated])
    check_rows(rows, names, source, lines)
    notes += [*near_labels(names), *near_signers(signers)]
    return ClipTable(rows, tuple(names), tuple(notes), split_given=own_split is None)


def near_labels(labels: Iterable[str]) -> list[str]:
    """Say in a sentence which labels differ only in case, blanks or the form of a number, or nothing."""
    return _near(labels, "word", "class")


def near_signers(signers: Iterable[str]) -> list[str]:
    """Say the like of signers: one person under two names is not kept apart."""
    return _near(sorted(set(signers)), "signer", "person")


def _near(names: Iterable[str], what: str, each: str) -> list[str]:
    groups: Mapping[str, list[str]] = defaultdict(list)
    for name in names:
        groups[_likeness(name)].append(name)
    near = [" / ".join(map(repr, group)) for group in groups.values() if len(group) > 1]
    if not near:
        return []
    return [
        f"{len(near)} {plural(len(near), f'{what} is', f'{what}s are')} written in several ways that differ only in "
        f"case, blanks or number form, and each is a {each} of its own: {name_some(near)}."
    ]


def _likeness(label: str) -> str:
    plain = "".join(unicodedata.normalize("NFKC", label).casefold().split())
    return f"{float(plain.replace(',', '.')):g}" if _NUMBER.fullmatch(plain) else plain
