"""The keypoint files that a table names: which file is whose, and how a clip is told apart in one that holds many."""

from pathlib import Path

import pandas as pd

from camfuse.clips.label_files import name_some
from camfuse.clips.names import Recording, parts_needed
from camfuse.config import Config
from camfuse.config.estimators import PICKLES, names_keypoints, unknown_keypoints
from camfuse.errors import TableError
from camfuse.files import found_instead

SOURCE = "clips for `pose.annotations`"


def annotation_paths(rows: pd.DataFrame, config: Config) -> "pd.Series[str]":
    """Return the path of each clip's keypoint file, or empty paths where the keypoints are estimated.

    Raises
    ------
    TableError
        Naming every clip without a file, or with one that no reader knows, every file of one recording that several
        recordings name, and every pickle that is none.
    """
    if config.pose.annotations is None:
        return pd.Series("", rows.index)
    start, file = config.pose.annotations.folder, config.pose.annotations.file
    without = rows["clip_id"][rows["annotation"] == ""]
    if len(without) and file is None:
        problems = [f"clip {clip_id}: expected a keypoint file in `annotation`, found none" for clip_id in without]
        raise TableError(f"{SOURCE} (or name one for all: `pose.annotations.file`)", problems)
    paths = pd.Series([str(start / (path or file or "")) for path in rows["annotation"]], rows.index)
    unknown = zip(rows["clip_id"], map(unknown_keypoints, paths), strict=True)
    problems = [f"clip {clip_id}: {problem}" for clip_id, problem in unknown if problem]
    if problems := problems + _shared(rows, paths) + _foreign(paths):
        raise TableError(SOURCE, problems)
    return paths


def keypoints_alone(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Return which clips have a keypoint file in place of a video."""
    return rows["video"].map(names_keypoints).astype(bool)


def _foreign(paths: "pd.Series[str]") -> list[str]:
    """Say which of the pickles, of which all their clips depend, are something else by their first bytes."""
    pickles = [Path(path) for path in paths[_hold_many(paths)].unique()]
    found = {path: found_instead(path, text=False) for path in pickles if path.is_file()}
    return [f"{path}: expected a pickle of keypoints, found {instead}" for path, instead in found.items() if instead]


def _shared(rows: pd.DataFrame, paths: "pd.Series[str]") -> list[str]:
    single = rows.assign(path=paths)[~_hold_many(paths)]
    return [
        f"{path}: expected the keypoints of one recording, found it named for {sources.nunique()}: "
        f"{name_some(sources.drop_duplicates().tolist())}"
        for path, sources in single.groupby("path", sort=False)["source"]
        if sources.nunique() > 1
    ]


def parts_beyond_the_name(rows: pd.DataFrame, paths: "pd.Series[str]") -> dict[str, int]:
    """Return `Clip.name_parts` of the clips that their bare name does not tell from the others of their pickle."""
    chosen = rows[_hold_many(paths)]
    clips = [
        Recording(paths[row.Index], row.clip_id, row.video, float(row.start), float(row.end))
        for row in chosen.itertuples()
    ]
    return {clip.clip_id: count for clip, count in zip(clips, parts_needed(clips), strict=True) if count != 1}


def _hold_many(paths: "pd.Series[str]") -> "pd.Series[bool]":
    return paths.str.lower().str.endswith(PICKLES)
