"""The one table that everything starts from, and its checks."""

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from camfuse.errors import TableError

SPLITS = ("train", "val", "test")
COLUMNS = ("clip_id", "video", "label", "signer", "split", "start", "end", "annotation", "source")
"""The columns of the clip table, in this order.

clip_id     unique; letters, digits, ``_``, ``-``, ``.``
video       path of the video, absolute or from the working folder
label       the word, unique per class
signer      who signs, or empty where unknown
split       train, val or test
start, end  the clip's segment in seconds from the video's first image; end is NaN where it runs to the end
annotation  path of a keypoint file, or empty
source      path of the recording whose bytes identify the clip (the video itself, but for drawn avatars)
"""
SHARD_COLUMNS = ("clip_id", "video", "start", "end", "annotation", "identity")
"""What the data stages see of a clip: not its label, so that a new label file redoes no image."""
NAME_PARTS = "name_parts"
"""One more column of the shards that need it, see `Clip.name_parts`."""
_TEXTS = ("video", "label", "signer", "annotation", "source")
_ID_CHARACTERS = r"[A-Za-z0-9_.\-]+"
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Characters that end a line in one table or another, or that UTF-8 has none for."""


@dataclass(frozen=True)
class ClipTable:
    """What a reader returns.

    Attributes
    ----------
    rows
        One row per clip, with `COLUMNS`, whether or not its video is on disk.
    classes
        Label of each class index. All classes of the label files, also those without a clip.
    notes
        What the reader found odd in the label files, one sentence each.
    installed
        The folder of an installed package that the recordings lie in, if they do.
    split_given
        Whether the label files say the split of each clip.
    """

    rows: pd.DataFrame
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    installed: Path | None = None
    split_given: bool = False


@dataclass(frozen=True)
class Clip:
    """One clip as the data stages see it.

    Attributes
    ----------
    start, end
        Seconds of the video; `end` is infinite where the clip runs to the video's end.
    identity
        Hash of what the clip shows.
    name_parts
        How many parts of the video's path, from the end, tell this clip from all others whose keypoints are looked up
        by name in the same file (`camfuse.clips.names.parts_needed`).
    """

    clip_id: str
    video: Path
    start: float
    end: float
    annotation: Path | None
    identity: str
    name_parts: int = 1


def shard_of(clip_id: str, shards: int) -> str:
    """Return the name of the clip's shard: a stable hash, so that a new clip touches one shard only."""
    number = int.from_bytes(hashlib.sha256(clip_id.encode()).digest()[:8], "big") % shards
    return f"{number:04d}"


def shard_names(shards: int) -> list[str]:
    """Return the names of all shards."""
    return [f"{number:04d}" for number in range(shards)]


def unwritable(text: str) -> str | None:
    """Say what of a text no table can hold: control characters, bytes that are no UTF-8; None where it can."""
    found = sorted(set(_UNWRITABLE.findall(text)))
    if not found:
        return None
    if found[-1] >= "\ud800":
        return f"expected a name in UTF-8, found {text!r}: rename it"
    return f"expected no control characters, found {', '.join(map(repr, found))} in {text!r}"


def check_rows(
    rows: pd.DataFrame, classes: Collection[str], source: str | Path, lines: Sequence[int] | None = None
) -> None:
    """Check a table, and name every bad row at once.

    Parameters
    ----------
    rows
        The table.
    classes
        Labels of the class indices.
    source
        The label file or folder, for messages.
    lines
        The line of each row in the user's file, for messages; left out, clips are named by their ids alone.

    Raises
    ------
    TableError
        With one line per bad row.
    """
    missing = [column for column in COLUMNS if column not in rows.columns]
    if missing:
        raise TableError(source, [f"expected column `{column}`, found {list(rows.columns)}" for column in missing])
    if len(rows) == 0:
        raise TableError(source, ["expected at least one clip, found none"])
    names = rows["clip_id"].tolist()
    places = [f"clip {name}" for name in names] if lines is None else _places(lines, names)
    if problems := [
        f"{places[row]}: {column}: {problem}"
        for column in _TEXTS
        for row, text in enumerate(rows[column].tolist())
        if (problem := unwritable(text))
    ]:
        raise TableError(source, problems)
    if problems := [f"class {name!r}: {problem}" for name in classes if (problem := _no_label(name))]:
        raise TableError(source, problems)
    start, end = rows["start"].to_numpy(float), rows["end"].to_numpy(float)
    with np.errstate(invalid="ignore"):
        checks = {
            ("clip_id", "letters, digits, _ - . only"): ~rows["clip_id"].str.fullmatch(_ID_CHARACTERS),
            ("clip_id", "each id once"): rows["clip_id"].duplicated(keep=False),
            ("label", "one of the classes"): ~rows["label"].isin(list(classes)),
            ("split", "train, val or test"): ~rows["split"].isin(SPLITS),
            ("start", "seconds, 0 or more"): ~(start >= 0),
            ("end", "seconds after start"): ~(np.isnan(end) | (end > start)),
        }
    found = {column: rows[column].tolist() for column, _ in checks}
    problems = [
        f"{places[row]}: {column}: expected {expected}, found {found[column][row]!r}"
        for (column, expected), wrong in checks.items()
        for row in np.flatnonzero(np.asarray(wrong)).tolist()
    ]
    if problems:
        raise TableError(source, problems)


def _places(lines: Sequence[int], names: Sequence[str]) -> list[str]:
    return [f"line {line} ({name})" for line, name in zip(lines, names, strict=True)]


def _no_label(name: str) -> str | None:
    return unwritable(name) if name else "expected a word, found none"


def read_shard_clips(path: Path) -> list[Clip]:
    """Read the clips of one shard, as `camfuse.clips.refresh` wrote them."""
    rows = _read_csv(path, SHARD_COLUMNS)
    return [
        Clip(
            clip_id=row.clip_id,
            video=Path(row.video),
            start=float(row.start),
            end=float("inf") if pd.isna(row.end) else float(row.end),
            annotation=Path(row.annotation) if row.annotation else None,
            identity=row.identity,
            name_parts=int(getattr(row, NAME_PARTS, 1)),
        )
        for row in rows.itertuples(index=False)
    ]


def read_clips(path: Path) -> pd.DataFrame:
    """Read `clips.csv`: `COLUMNS` and class_index (int), shard, identity, recording; start and end are float seconds.

    Raises
    ------
    TableError
        If the file is missing or damaged.
    """
    return _read_csv(path, ("clip_id", "label", "signer", "split", "class_index", "shard"))


def split_unknown(rows: pd.DataFrame, words: Collection[str] | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the clips of trained words, and those of the words that are kept out of training."""
    kept_out = rows["label"].isin(list(words or ()))
    return rows[~kept_out], rows[kept_out]


def read_classes(path: Path) -> tuple[str, ...]:
    """Read `classes.csv`: the label of each class index.

    Raises
    ------
    TableError
        If the file is missing or damaged.
    """
    rows = _read_csv(path, ("class_index", "label"))
    if rows["class_index"].tolist() != list(range(len(rows))):
        raise TableError(path, ["expected class_index 0, 1, 2 ... in order"])
    return tuple(rows["label"].tolist())


def _read_csv(path: Path, columns: Iterable[str]) -> pd.DataFrame:
    try:
        # clips and words may be called "null" or "NA": only an empty time means missing
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
        if missing := [column for column in columns if column not in rows]:
            raise TableError(path, [f"expected column `{name}`, found {list(rows.columns)}" for name in missing])
        times = [column for column in ("start", "end") if column in rows]
        rows = rows.assign(**{column: pd.to_numeric(rows[column]).astype(float) for column in times})
        return rows.astype({"class_index": int}) if "class_index" in rows else rows
    except FileNotFoundError as error:
        raise TableError(path, ["expected a clip table, found no file; run the workflow first"]) from error
    except ValueError as error:
        raise TableError(path, [f"expected a clip table, found: {error}"]) from error
