"""What the rest of the program knows of a reader."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from camfuse.clips.table import ClipTable
from camfuse.config.sources import Clips, SourceSection
from camfuse.entries import Package, find_entry

S = TypeVar("S", bound=SourceSection)


@dataclass(frozen=True)
class SourceEntry(Generic[S]):
    """A reader, declared once: `ENTRY` of the module that has the config key's name.

    Attributes
    ----------
    section
        Its section of the config.
    read
        Reads the label files. Its table comes from `camfuse.clips.labels.make_table`.
    packages
        What it needs beside what everybody has.
    drawn
        There are no videos: the stage `avatars` draws one for each recording.
    signers_apart
        Its published splits have nobody of the test in training or val.
    """

    section: type[S]
    read: Callable[[S], ClipTable]
    packages: tuple[Package, ...] = ()
    drawn: bool = False
    signers_apart: bool = False


def source_entry(clips: Clips) -> SourceEntry[Any]:
    """Return the entry of the source that the config chooses."""
    return find_entry("camfuse.clips.sources", clips.key, SourceEntry)
