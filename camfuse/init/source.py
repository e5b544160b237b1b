"""What `camfuse init` is given: a folder of words, or a table with a line per clip."""

from pathlib import Path

from pydantic import ValidationError

from camfuse.clips.sources import csv, folder
from camfuse.clips.table import ClipTable
from camfuse.config.sources import CsvSource, FolderSource
from camfuse.errors import ConfigError, TableError

Source = FolderSource | CsvSource


def folder_source(videos: Path, signer: str | None) -> FolderSource:
    """Return a folder of words as a source; `signer` finds who signs in a path below it.

    Raises
    ------
    ConfigError
        If the pattern is none, or has no group.
    """
    try:
        return FolderSource(videos=_as_given(videos), signer=signer)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"--signer: {said}") from error


def table_source(table: Path, videos: Path | None) -> CsvSource:
    """Return a table as a source.

    Parameters
    ----------
    table
        CSV file.
    videos
        Where its relative paths start; None: in the table's folder or in the current one, where most of them are.

    Raises
    ------
    TableError
        If the table is wrong, or names no video that is there.
    """
    places = [videos] if videos else list(dict.fromkeys((table.parent, Path())))
    named = _videos(table)
    found = {place: [_as_given(place) / path for path in named] for place in places}
    best = max(places, key=lambda place: sum(path.is_file() for path in found[place]))
    if not any(path.is_file() for path in found[best]):
        where = " and ".join(f"{paths[0].absolute()}" for paths in found.values())
        raise TableError(table, [f"expected the videos that it names, found none: no file {where}; say by --videos"])
    return CsvSource(table=_as_given(table), videos=_as_given(best))


def read_source(source: Source) -> ClipTable:
    """Read the folder or the table, as a run will."""
    return folder.read(source) if isinstance(source, FolderSource) else csv.read(source)


def key_of(source: Source) -> str:
    """Return the source's key below `clips`."""
    return "folder" if isinstance(source, FolderSource) else "csv"


def _videos(table: Path) -> list[Path]:
    """Return the videos as the table names them."""
    videos = csv.read(CsvSource(table=_as_given(table))).rows["video"].tolist()
    if not all(videos):
        found = "expected a column `video`, found keypoint files alone: write their config yourself (docs/keypoints.md)"
        raise TableError(table, [found])
    return [Path(video) for video in videos]


def _as_given(path: Path) -> Path:
    """Return a path for the config: relative as it was given, absolute without links."""
    return path.resolve() if path.is_absolute() else path
