"""Clip ids and splits for data that comes without them: from the path and a stable hash alone."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from camfuse.clips.table import SPLITS

VIDEO_SUFFIXES = frozenset(".mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .wmv .flv .3gp .ts .mts .m2ts .ogv .gif".split())
LONGEST_ID = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9_.\-]+")


def clip_id_of(video: str) -> str:
    """Return the clip id of a path: ``hello/anna.mp4`` becomes ``hello--anna``.

    The id depends on the path alone, so that no other clip can change it. Folders are joined by ``--``, the suffix
    ``.mp4`` is dropped and other characters become ``_``. Where the path cannot be told from the result, eight
    digits of its hash follow, so that no two paths share an id: ``anna 1.mp4`` becomes ``anna_1-0a5fb2d4``.
    """
    path = unicodedata.normalize("NFC", video)  # file systems disagree on how to write an accent
    letters = unicodedata.normalize("NFKD", path.removesuffix(".mp4").replace("/", "--"))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    safe = _UNSAFE.sub("_", plain).lstrip("-.")[:LONGEST_ID]
    if _path_of(safe) == path:
        return safe
    return f"{safe or 'clip'}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def _path_of(clip_id: str) -> str:
    path = clip_id.replace("--", "/")
    return path if PurePosixPath(path).suffix.lower() in VIDEO_SUFFIXES else f"{path}.mp4"


def split_labels(clip_ids: Sequence[str], labels: Sequence[str], shares: Iterable[float]) -> list[str]:
    """Split every label by itself, in the given shares of train, val and test.

    The clips of a label are put in the order of their ids' hashes and cut by the shares; which way a label rounds
    is hashed from its name, so that over many small labels the shares come out right. With a train share above 0
    every label keeps a training clip, so a label with one clip has no other. A new clip moves at most one clip of
    its label over each border, and none of another label.
    """
    share_train, share_val, _ = shares
    borders = np.array([share_train, share_train + share_val])
    rows = pd.DataFrame({"clip_id": list(clip_ids), "label": list(labels)})
    rows["order"] = [_unit(f"clip {clip_id}") for clip_id in clip_ids]
    rows["offset"] = rows["label"].map({label: _unit(f"label {label}") for label in set(labels)})
    groups = rows.groupby("label")["order"]
    rank = groups.rank(method="first") - 1
    place = (rank + rows["offset"]) / groups.transform("size")
    split = np.searchsorted(borders, place.to_numpy(float), side="right")
    if share_train > 0:
        split[(rank == 0).to_numpy()] = 0
    return [SPLITS[number] for number in split.tolist()]


def _unit(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
