"""The files of a run's clip table."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ClipFiles:
    """Where the clip table lies, and what `camfuse.clips.refresh` writes beside it."""

    folder: Path

    @property
    def clips(self) -> Path:
        """The clip table."""
        return self.folder / "clips.csv"

    def changed_since(self, path: Path) -> bool:
        """Whether the clip table was written after a file: a clip, a label, a signer or a split has changed."""
        return self.clips.is_file() and path.is_file() and self.clips.stat().st_mtime > path.stat().st_mtime

    @property
    def classes(self) -> Path:
        """The label of each class index."""
        return self.folder / "classes.csv"

    @property
    def coverage(self) -> Path:
        """Clips listed, on disk, missing and used, by split and class."""
        return self.folder / "coverage.csv"

    @property
    def duplicates(self) -> Path:
        """Clips whose recordings are the same."""
        return self.folder / "duplicates.csv"

    @property
    def leaks(self) -> Path:
        """Pairs of clips of two splits that show the same, as far as the clip table tells."""
        return self.folder / "leaks.csv"

    @property
    def alike(self) -> Path:
        """Pairs whose keypoints are nearly the same, and of which clips that was found."""
        return self.folder / "alike.json"

    @property
    def missing(self) -> Path:
        """Clips whose recordings are not on disk."""
        return self.folder / "missing.csv"

    @property
    def notes(self) -> Path:
        """What is odd in the label files, a sentence a line."""
        return self.folder / "notes.txt"

    @property
    def hashes(self) -> Path:
        """The cache of the recordings' hashes."""
        return self.folder / "hashes.csv"

    @property
    def lengths(self) -> Path:
        """The cache of the lengths of the videos that clips are segments of."""
        return self.folder / "lengths.csv"

    @property
    def recordings(self) -> Path:
        """A link to the recordings that an installed package brings: paths that no other environment changes."""
        return self.folder / "recordings"

    @property
    def shards(self) -> Path:
        """The folder of the shards' own tables."""
        return self.folder / "shards"

    def shard(self, name: str) -> Path:
        """Return the table of one shard: what the data stages see of its clips."""
        return self.shards / f"{name}.csv"
