"""What is declared once: optional packages, and the entry of each estimator and reader of the config."""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TypeVar

E = TypeVar("E")


@dataclass(frozen=True)
class Package:
    """A package that only some configs need.

    Attributes
    ----------
    name
        As it is imported.
    install
        What to do where it is missing.
    """

    name: str
    install: str

    @property
    def missing(self) -> bool:
        """Whether it is not installed; it is not imported for that."""
        return find_spec(self.name) is None


POSE_FORMAT = Package("pose_format", "pip install 'pose-format>=0.8'")
"""What reads `.pose` files: keypoints that exist already, and the demo's recordings."""


def find_entry(room: str, key: str, kind: type[E]) -> E:
    """Return the entry of a config key: what is called `ENTRY` in the module of that name.

    So nothing but the config names an estimator or a reader, and only the one that a run uses is imported.

    Parameters
    ----------
    room
        The package that holds a module for each key.
    key
        A field of the config, never a text of the user's.
    kind
        The entry's type.
    """
    entry = import_module(f"{room}.{key}").ENTRY
    if not isinstance(entry, kind):
        raise TypeError(f"{room}.{key}.ENTRY: expected {kind.__name__}, found {type(entry).__name__}")
    return entry
