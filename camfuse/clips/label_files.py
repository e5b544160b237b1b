"""Opening the label files that users hand in, with one clear error where they are not what was expected."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from camfuse.errors import TableError
from camfuse.files import found_instead

T = TypeVar("T")
Line = tuple[int, list[str]]
"""Number of the line in its file, counted from 1, and its fields without surrounding blanks."""
NAMED = 5


def read_json(path: Path, shape: TypeAdapter[T]) -> T:
    """Read a JSON file and check it against `shape`.

    Raises
    ------
    TableError
        If the file cannot be read or is not JSON, or with one line per wrong value and the keys to it.
    """
    content = _read_bytes(path).removeprefix(b"\xef\xbb\xbf")
    try:
        return shape.validate_json(content, strict=True)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(key) for key in e['loc']) or 'the file'}: {_reason(e['msg'], e['input'])}"
            for e in error.errors()
        ]
        raise TableError(path, problems) from error


def _reason(message: str, found: object) -> str:
    return message if isinstance(found, bytes | dict | list) else f"{message}, found {found!r}"


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, with or without byte order mark.

    Raises
    ------
    TableError
        If the file cannot be read or is in another encoding.
    """
    try:
        return _read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(path, [f"{_place_of(error)}; save it as UTF-8"]) from error


def _place_of(error: UnicodeDecodeError) -> str:
    line = error.object[: error.start].count(b"\n") + 1
    return f"line {line}: expected text in UTF-8, found byte {error.object[error.start]:#x}"


def _read_bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        # an empty table has its own message
        instead = found_instead(path, text=False) if content else None
    except OSError as error:
        raise TableError(path, [f"cannot read the file: {error.strerror}{_place(path)}"]) from error
    if instead:
        raise TableError(path, [f"expected a label file, found {instead}"])
    return content


def read_lines(path: Path, delimiter: str = ",") -> list[Line]:
    r"""Read the lines of a CSV file that are not empty; either line end will do.

    Raises
    ------
    TableError
        If the file cannot be read or is not a CSV file.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=delimiter, strict=True)
    try:
        lines = [(reader.line_num, [field.strip() for field in fields]) for fields in reader]
    except csv.Error as error:
        raise TableError(path, [f"line {reader.line_num}: not CSV: {error}"]) from error
    return [(number, fields) for number, fields in lines if any(fields)]


def check_folder(folder: Path) -> None:
    """Check that the folder of the videos is there.

    Raises
    ------
    TableError
        If it is not.
    """
    if folder.is_dir():
        return
    if not folder.exists():
        raise TableError(folder, [f"expected the folder with the videos (key `videos`), found none{_place(folder)}"])
    tables = folder.suffix.lower() in (".csv", ".tsv", ".txt")
    hint = f"; for a table write `clips: {{csv: {{table: {folder}}}}}`, or call `camfuse init` on it" if tables else ""
    raise TableError(folder, [f"expected a folder of videos, found the file {folder.name}{hint}"])


def _place(path: Path) -> str:
    """Say where a path that is not there was looked for, if it does not say so itself."""
    return "" if path.is_absolute() else f"; looked for {path.absolute()}"


def plural(number: int, one: str, many: str) -> str:
    """Return `one` of 1 and `many` of any other number: a noun, with its verb where that differs too."""
    return one if number == 1 else many


def name_some(names: Sequence[str]) -> str:
    """Name the first few of many, as in ``00338, 00339 and 12 more``; odd characters as Python writes them."""
    shown = ", ".join(name if name.isprintable() else repr(name) for name in names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
