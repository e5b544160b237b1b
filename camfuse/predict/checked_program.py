"""Files of `torch.export` from strangers: only what `camfuse export` writes is handed to torch.

Torch itself warns of them. It runs what is pickled inside, evaluates formulas and guards as Python, writes names into
Python code, calls whatever function of torch's modules a graph names, and loads compiled libraries. Here an archive is
refused that holds anything but plain tensors and a graph of tensor operations; torch is given a new archive of what was
looked at, so that both read the same.
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from camfuse.errors import WeightsError

MODEL, EXAMPLES = "models/model.json", "data/sample_inputs/model.pt"
MEMBER = re.compile(
    r"data/weights/weight_\d+|data/constants/tensor_\d+|data/(?:weights|constants)/model_(?:weights|constants)_config\.json"
    rf"|{re.escape(MODEL)}|{re.escape(EXAMPLES)}|extra/camfuse\.json"
    r"|archive_format|archive_version|byteorder|\.data/version|\.data/serialization_id"
)
"""What may be in the archive, below its one folder."""
TOP = {
    *("graph_module", "opset_version", "range_constraints", "schema_version", "verifiers", "torch_version"),
    "guards_code",
}
TARGET = re.compile(
    r"torch\.ops\.aten\.(?!from_file)\w+\.\w+|torch\.sym_\w+|math\.(?:ceil|floor|trunc)"
    r"|_operator\.(?:add|sub|mul|neg|mod|floordiv|truediv|pow|getitem|eq|ne|lt|le|gt|ge)"
)
"""The functions that a graph may call."""
FORMULA = re.compile(
    r"(?:(?<![\w'])(?:Symbol|Integer|Rational|Add|Mul|Pow|Mod|FloorDiv|CeilDiv|CleanDiv|Max|Min|Abs|PythonMod|positive"
    r"|integer|nonnegative|True|[su]\d+)(?!\w)|'[su]\d+'|(?<!\w)\d{1,18}(?!\w)|\*(?!\*)|[-+/(), =])*"
)
"""Formulas of sizes, which are evaluated."""
GUARD = re.compile(
    r"(?:L\['given'\]\[\d+\]|\.size\(\)|\[\d+\]|(?<!\w)\d{1,18}(?!\w)"
    r"|\*(?!\*)|[-+/() ]|[=!<>]=|[<>]|\b(?:and|or|not)\b)*"
)
"""Conditions on the inputs' sizes, which are run as Python."""
NAME = re.compile(r"[\w.]*")
"""All other text, much of which becomes names in Python code."""
REFUSED = {"as_custom_obj", "custom_obj", "as_operator", "class_fqn"}
"""Keys under which a graph holds objects and functions."""
CONTAINERS = {None, "builtins.tuple", "builtins.list", "builtins.dict"}
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, KeyError, ValueError, TypeError, AttributeError),
    *(RecursionError, RuntimeError),
)
"""What a damaged archive raises."""
LARGEST = 2**32
"""Bytes that the members may have together."""


def checked_program(path: Path) -> io.BytesIO:
    """Return the archive anew, with nothing in it that could run.

    Raises
    ------
    WeightsError
        If it is damaged, or holds more than `camfuse export` writes.
    """
    try:
        members = _members(path)
        model = _without_metadata(json.loads(members[MODEL]))
        problem = next(_problems(members, model), None)
    except DAMAGE as error:
        raise WeightsError(f"{path}: not a whole file of torch.export: {error}") from error
    if problem:
        raise WeightsError(
            f"{path}: expected what `camfuse export` writes, found {problem[:200]}: opening it could run a program"
        )
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w") as archive:
        for name, content in (members | {MODEL: json.dumps(model).encode()}).items():
            archive.writestr(f"program/{name}", content)
    again.seek(0)
    return again


def _members(path: Path) -> dict[str, bytes]:
    """Read all members, by their name below the archive's one folder."""
    with zipfile.ZipFile(path) as archive:
        if sum(one.file_size for one in archive.infolist()) > LARGEST:
            raise ValueError(f"expected at most {LARGEST} bytes, found more")
        names = [one.filename.partition("/")[2] for one in archive.infolist()]
        if len(set(names)) < len(names):
            raise ValueError("expected each member once")
        return {name: archive.read(one) for name, one in zip(names, archive.infolist(), strict=True)}


def _without_metadata(value: Any) -> Any:
    """Leave out what graphs remember of the code that they come from."""
    if isinstance(value, dict):
        return {key: {} if key == "metadata" else _without_metadata(inner) for key, inner in value.items()}
    return [_without_metadata(inner) for inner in value] if isinstance(value, list) else value


def _problems(members: dict[str, bytes], model: dict[str, Any]) -> Iterator[str]:
    yield from (f"a member {name!r}" for name in members if not MEMBER.fullmatch(name))
    yield from (f"{key!r} in its model" for key in model.keys() - TOP)
    for key, value in _entries(model):
        if key in REFUSED or not NAME.fullmatch(key):
            yield f"{key!r} in its graph"
        if value is not None and not CHECKS.get(key, _named)(value):
            yield f"{key} {value!r}"
    for name, content in members.items():
        if name.endswith("_config.json"):
            found = _entries(json.loads(content))
            yield from ("pickled tensors" for key, value in found if key == "use_pickle" and value)
    yield from _pickled(members.get(EXAMPLES))


def _pickled(examples: bytes | None) -> Iterator[str]:
    """Look at the example inputs, of which torch falls back to reading them without its safety."""
    if examples:
        try:
            torch.load(io.BytesIO(examples), map_location="cpu", weights_only=True)
        except Exception as error:  # noqa: BLE001  # whatever a damaged or forged pickle trips over
            yield f"example inputs that are no plain tensors ({type(error).__name__})"


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Walk through all keys and their values."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _entries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _entries(inner)


def _texts(value: Any) -> list[str]:
    """Return the texts of a value itself, not those under further keys."""
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [value] if isinstance(value, str) else []


def _all(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: all(pattern.fullmatch(text) for text in _texts(value))


def _plain_containers(spec: object) -> bool:
    return isinstance(spec, str) and all(
        value in CONTAINERS for key, value in _entries(json.loads(spec)) if key == "type"
    )


_named = _all(NAME)
CHECKS: dict[str, Callable[[object], bool]] = {
    "target": _all(TARGET),
    "expr_str": _all(FORMULA),
    "guards_code": _all(GUARD),
    "torch_version": _all(re.compile(r"[\w.+-]*")),
    "in_spec": _plain_containers,
    "out_spec": _plain_containers,
    "treespec_namedtuple_fields": lambda value: value == {},
    "as_string": lambda value: True,
    "as_strings": lambda value: True,
}
"""What may stand under which key; under all others names."""
