"""How long the recordings are, for segments whose unit may be mistaken; remembered between runs by their hash."""

import logging
from collections.abc import Mapping
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from camfuse.clips.label_files import name_some, plural
from camfuse.errors import MissingToolError
from camfuse.files import write_if_changed

log = logging.getLogger(__name__)

THREADS = 4
BEYOND = 1.0
"""Seconds that a segment may reach beyond its video's end; cutting and rates leave less than that."""
SHOW_FILES = 500
"""Files to look into from which on a progress bar is worth it."""


def segment_notes(rows: pd.DataFrame, hashes: Mapping[str, str], cache: Path) -> list[str]:
    """Say in a sentence which segments reach beyond the end of their video, or nothing.

    Parameters
    ----------
    rows
        clip_id, video, source (the video's own path), start and end in seconds.
    hashes
        SHA-256 of each source.
    cache
        Where the lengths are remembered.
    """
    last = rows[["start", "end"]].max(axis=1)
    parts = rows.assign(last=last)[(rows["start"] > 0) | rows["end"].notna()]
    lengths = _lengths(parts["source"].drop_duplicates().tolist(), hashes, cache)
    length = parts["source"].map(lengths).fillna(0)
    beyond = parts.assign(length=length)[(length > 0) & (parts["last"] > length + BEYOND)]
    if beyond.empty:
        return []
    named = [f"{row.clip_id} (to {row.last:g} s of {row.length:g} s)" for row in beyond.itertuples(index=False)]
    reach, their = (plural(len(beyond), *words) for words in (("reaches", "reach"), ("its", "their")))
    return [
        f"{len(beyond)} of {len(parts)} segments {reach} more than {BEYOND:g} s beyond the end of {their} video; "
        f"start and end are seconds, not frames or milliseconds: {name_some(named)}."
    ]


def _lengths(paths: list[str], hashes: Mapping[str, str], cache: Path) -> dict[str, float]:
    """Return the seconds that each container claims; nothing is written, and nothing known, where ffmpeg is missing."""
    known = _load(cache)
    unknown = [path for path in paths if hashes[path] not in known]
    if unknown:
        try:
            # only here: where every job has an environment of its own, the workflow's need not have ffmpeg
            from camfuse.ffmpeg_tool import read_header

            with ThreadPool(min(THREADS, len(unknown))) as pool:
                headers = tqdm(
                    pool.imap(lambda path: read_header(Path(path)), unknown),
                    desc="lengths of videos",
                    total=len(unknown),
                    disable=len(unknown) < SHOW_FILES,
                )
                known |= {hashes[path]: header.length for path, header in zip(unknown, headers, strict=True)}
        except (ModuleNotFoundError, MissingToolError) as error:
            log.info("lengths of videos: not compared with the segments: %s", error)
            return {path: known[hashes[path]] for path in paths if hashes[path] in known}
        table = pd.DataFrame(sorted(known.items()), columns=["sha256", "seconds"])
        write_if_changed(cache, table.to_csv(index=False))
    return {path: known[hashes[path]] for path in paths}


def _load(cache: Path) -> dict[str, float]:
    if not cache.is_file():
        return {}
    try:
        rows = pd.read_csv(cache, dtype={"sha256": str, "seconds": np.float64})
        return dict(zip(rows["sha256"].tolist(), rows["seconds"].tolist(), strict=True))
    except (ValueError, KeyError) as error:
        log.warning("%s: damaged (%s); every segment's video is looked into again", cache, error)
        return {}
