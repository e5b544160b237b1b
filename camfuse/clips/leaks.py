"""What training, or the choice of weights, sees of the test, as far as the clip table tells: pairs across splits."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from camfuse.clips.label_files import name_some, plural
from camfuse.clips.seen import shared_seconds
from camfuse.clips.table import SPLITS

COLUMNS = ("kind", "clip_id", "split", "label", "other", "other_split", "other_label", "detail")
SAME_RECORDING = "same recording"
SAME_VIDEO = "same video"
SAME_SIGNER = "same signer"
SAME_KEYPOINTS = "nearly the same keypoints"
IN_FIRST_WEIGHTS = "in the first weights"
KINDS = (SAME_RECORDING, SAME_VIDEO, SAME_SIGNER, SAME_KEYPOINTS, IN_FIRST_WEIGHTS)
"""In the order of the table."""


def find_leaks(rows: pd.DataFrame, *, signers_apart: bool) -> pd.DataFrame:
    """Find clips of val and test that show what a clip of an earlier split shows (train, then val, then test).

    Parameters
    ----------
    rows
        clip_id, label, signer, split, start, end, sha256 and size (bytes) of the clips that are used.
    signers_apart
        The protocol wants nobody of the test in training or val.

    Returns
    -------
    leaks
        A row per clip with the first such clip as `other` (of the same video one that overlaps, if there is any), per
        signer with a clip of each split; `COLUMNS`.
    """
    rows = rows.reset_index(drop=True).assign(rank=[SPLITS.index(split) for split in rows["split"]])
    pairs = [*_recordings(rows[rows["size"] > 0])]
    if signers_apart:
        pairs += _signers(rows[rows["signer"] != ""])
    return leak_table(rows, pairs)


def leak_table(rows: pd.DataFrame, pairs: Iterable[tuple[str, int, int, str]]) -> pd.DataFrame:
    """Return kinds, positions of clip and other in `rows` (clip_id, split, label), and details as a table."""
    columns = [rows[name].tolist() for name in ("clip_id", "split", "label")]
    found = [
        (kind, *(column[clip] for column in columns), *(column[other] for column in columns), detail)
        for kind, clip, other, detail in pairs
    ]
    table = pd.DataFrame(found, columns=list(COLUMNS))
    order = table["kind"].map(KINDS.index)
    return table.assign(order=order).sort_values("order", kind="stable")[list(COLUMNS)].reset_index(drop=True)


def describe_leaks(leaks: pd.DataFrame, where: str = "leaks.csv") -> list[str]:
    """Say in a sentence for each kind what was found, with the first pairs."""
    by_kind = leaks.groupby("kind", sort=False)
    return [f"Leak, {kind}: {len(found)} {_described(str(kind), found, where)}." for kind, found in by_kind]


def _described(kind: str, found: pd.DataFrame, where: str) -> str:
    clips_of = plural(len(found), "clip of val or test", "clips of val or test")
    if kind == IN_FIRST_WEIGHTS:
        files, clips = ", ".join(sorted(set(found["other"]))), name_some(found["clip_id"].tolist())
        what = f"{clips_of} {plural(len(found), 'is', 'are')} among those that {files} was trained on: {clips}"
        return f"{what}; leave them out of the test, or start from other weights"
    pairs = [f"{row.clip_id} ({row.split}) and {row.other} ({row.other_split})" for row in found.itertuples()]
    signers = plural(len(found), "signer is", "signers are")
    what = signers if kind == SAME_SIGNER else f"{clips_of} {plural(len(found), 'shows', 'show')} what is"
    return f"{what} in an earlier split too: {name_some(pairs)}; see {where}"


def _recordings(rows: pd.DataFrame) -> Iterable[tuple[str, int, int, str]]:
    several = rows[rows.groupby("sha256")["rank"].transform("nunique") > 1]
    for _, group in several.groupby("sha256", sort=False):
        place, rank = group.index.to_numpy(), group["rank"].to_numpy()
        segments = group[["start", "end"]].fillna(np.inf).to_numpy(float)
        for one in np.flatnonzero(rank > rank.min()):
            earlier = np.flatnonzero(rank < rank[one])
            both = shared_seconds(segments[earlier], *segments[one])
            same = (segments[earlier] == segments[one]).all(1)
            best = int(np.lexsort((-both, ~same))[0])
            other, kind = int(place[earlier[best]]), SAME_RECORDING if same[best] else SAME_VIDEO
            detail = f"{both[best]:.2f} s of it in both" if kind == SAME_VIDEO and both[best] > 0 else ""
            yield kind, int(place[one]), other, "" if both[best] == np.inf else detail


def _signers(rows: pd.DataFrame) -> Iterable[tuple[str, int, int, str]]:
    for signer, group in rows.groupby("signer", sort=False):
        tested, before = group[group["split"] == "test"], group[group["split"] != "test"]
        if len(tested) and len(before):
            clips = f"{len(tested)} {plural(len(tested), 'clip', 'clips')} of test"
            detail = f"signer {signer}: {clips}, {len(before)} of {_named(before['split'])}"
            yield SAME_SIGNER, int(tested.index[0]), int(before.index[0]), detail


def _named(splits: Sequence[str]) -> str:
    return " and ".join(split for split in SPLITS if split in set(splits))
