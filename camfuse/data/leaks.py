"""Leaks that the clip table does not show: keypoints nearly the same in two splits, clips in the first weights.

The keypoints are compared once per clip table and keypoints.
"""

import hashlib
import json
import logging
from collections.abc import Iterator

import pandas as pd

from camfuse.clips.leaks import COLUMNS, IN_FIRST_WEIGHTS, SAME_KEYPOINTS, describe_leaks, leak_table
from camfuse.clips.seen import seen
from camfuse.clips.table import SPLITS
from camfuse.config import Part
from camfuse.data.alike import Array, describe, find_alike, undescribed
from camfuse.errors import TableError
from camfuse.files import write_text
from camfuse.model.initial import clips_before
from camfuse.run.layout import DataStage, Run

log = logging.getLogger(__name__)


def check_hidden(run: Run, part: Part) -> None:
    """Look, before a part is trained, for what its training would see of val and test (`find_hidden`), and warn of it.

    Raises
    ------
    TableError
        If there is any and the config says ``clips.leaks: refuse``.
    ShardError
        If a shard is damaged.
    WeightsError
        If the first weights are damaged.
    """
    found = find_hidden(run, part)
    notes = describe_leaks(found, str(run.clip_files.alike))
    if notes and run.config.clips.leaks == "refuse":
        raise TableError("leaks between splits, which `clips.leaks: refuse` does not allow", notes)
    for note in notes:
        log.warning("%s", note)


def find_hidden(run: Run, part: Part = "fusion") -> pd.DataFrame:
    """Return `find_alike_clips` and `find_in_first_weights` as one table; errors as `check_hidden` has them."""
    return pd.concat([find_alike_clips(run, part), find_in_first_weights(run, part)], ignore_index=True)


def find_in_first_weights(run: Run, part: Part = "fusion") -> pd.DataFrame:
    """Return the clips of val and test that the first weights of a training were trained on.

    The same part of the same recording, or parts that overlap; a copy under other bytes is not found.

    Returns
    -------
    leaks
        As `camfuse.clips.leaks.find_leaks` has them, of the one kind; `other` is the file of weights.

    Raises
    ------
    WeightsError
        If such a file is damaged.
    """
    rows = run.clips()
    tested = rows[rows["split"] != "train"]
    found = [
        (IN_FIRST_WEIGHTS, clip.clip_id, clip.split, clip.label, path, "", "", "")
        for path, before in clips_before(run.config, part).items()
        for clip in tested[seen(tested, before)].itertuples()
    ]
    return pd.DataFrame(found, columns=list(COLUMNS))


def find_alike_clips(run: Run, part: Part = "fusion") -> pd.DataFrame:
    """Return the clips of val and test whose keypoints are nearly those of a clip of an earlier split.

    36,302 clips take about a minute of CPU time; what was found is kept in ``clips/alike.json`` until the clips, their
    splits or their keypoints change.

    Returns
    -------
    leaks
        As `camfuse.clips.leaks.find_leaks` has them, of the one kind.
    """
    rows = run.clips().reset_index(drop=True)
    stage = _stage(run, part)
    if stage is None:
        return leak_table(rows, ())
    columns = ["clip_id", "identity", "split"]
    key = hashlib.sha256(f"{run.fingerprint(stage)}\n{rows[columns].to_csv(index=False)}".encode()).hexdigest()[:16]
    pairs = _known(run, key)
    if pairs is None:
        pairs = _search(run, stage, rows)
        write_text(run.clip_files.alike, json.dumps({"key": key, "pairs": pairs}) + "\n")
    place = {clip_id: row for row, clip_id in enumerate(rows["clip_id"])}
    named = [(place[one], place[other], f"{apart:.3f} shoulder widths apart") for one, other, apart in pairs]
    return leak_table(rows, [(SAME_KEYPOINTS, *pair) for pair in named])


def _stage(run: Run, part: Part) -> DataStage | None:
    """Return a stage whose shards are all there: keypoints of the whole frame where they are, else the part's own."""
    names = sorted(set(run.clips()["shard"]))
    stages: tuple[DataStage, ...] = ("pose", *run.inputs(part))
    return next((one for one in stages if all(run.shard_path(one, name).exists() for name in names)), None)


def _known(run: Run, key: str) -> list[tuple[str, str, float]] | None:
    try:
        found = json.loads(run.clip_files.alike.read_text(encoding="utf-8"))
        if found["key"] == key:
            return [(str(one), str(other), float(apart)) for one, other, apart in found["pairs"]]
    except FileNotFoundError:
        pass
    except (ValueError, LookupError, TypeError) as error:
        log.warning("%s: damaged (%s); looked for again", run.clip_files.alike, error)
    return None


def _search(run: Run, stage: DataStage, rows: pd.DataFrame) -> list[tuple[str, str, float]]:
    split_of = dict(zip(rows["clip_id"], rows["split"], strict=True))
    ids, points = list[str](), undescribed(len(rows))  # one array from the start: of 36,302 clips it is 200 MB
    for clip_id, described in _described(run, stage, rows):
        points[len(ids)] = described
        ids.append(clip_id)
    found = find_alike(points[: len(ids)], [SPLITS.index(split_of[clip_id]) for clip_id in ids])
    return [(ids[one.clip], ids[one.other], round(one.distance, 4)) for one in found]


def _described(run: Run, stage: DataStage, rows: pd.DataFrame) -> Iterator[tuple[str, Array]]:
    for name, part in rows.groupby("shard"):
        with run.shard(stage, str(name)) as shard:
            for clip_id in part["clip_id"]:
                if clip_id in shard:
                    yield clip_id, describe(shard.read("keypoints", clip_id))
