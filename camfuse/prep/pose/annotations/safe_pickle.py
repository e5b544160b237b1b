"""Pickles from the internet, read without running anything: numpy arrays and plain types, all else is refused.

A pickle is a program that may call whatever it names. Here it can name only the stand-ins of `STAND_INS`, objects of
this file that check what they are given and build nothing that the file's own bytes do not fill. Numpy's own
constructors are never called: they allocate what a file claims, and take types forged by it.
"""

import math
import mmap
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from camfuse.files import found_instead

REFUSED = frozenset("PERSID BINPERSID INST OBJ NEWOBJ NEWOBJ_EX EXT1 EXT2 EXT4 NEXT_BUFFER READONLY_BUFFER".split())
"""Opcodes that plain data never needs: other ways to make objects, objects kept elsewhere."""
KINDS = "biufUS"
"""Letters of numpy's types that are numbers, truth values or text."""
LARGEST_ITEM = 65536
"""Bytes that one item of an array (a text) may have."""


class UnsafePickleError(Exception):
    """The file holds, or claims, what is not plain data; the message says what."""


def read_plain(path: Path) -> object:
    """Read a pickle of plain data.

    Returns
    -------
    object
        Numbers, texts, bytes, lists, tuples, dictionaries, sets; arrays are `StoredArray`.

    Raises
    ------
    UnsafePickleError
        If the file is no whole pickle, or would do anything but build plain data. Nothing of it has been run.
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise UnsafePickleError("the file is empty")
        if instead := found_instead(path, text=False):  # pickles of the oldest kind are texts
            raise UnsafePickleError(f"expected a pickle, found {instead}")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            _scan(cast(IO[bytes], content), len(content))
            content.seek(0)
            try:
                return _Unpickler(content).load()
            except UnsafePickleError:
                raise
            # whatever a damaged or forged pickle trips over; none of it can come from a call that the file chose
            except (pickle.UnpicklingError, ArithmeticError, AttributeError, LookupError, MemoryError) as error:
                raise UnsafePickleError(f"not a whole pickle: {error}") from error
            except (EOFError, RecursionError, TypeError, ValueError) as error:
                raise UnsafePickleError(f"not a whole pickle: {error}") from error


def _scan(content: IO[bytes], size: int) -> None:
    """Walk over the opcodes without executing any: lengths must fit into the file, memo numbers must be dense.

    Python's unpickler allocates what a length or a memo number claims before it looks for the bytes.
    """
    kept = 0
    try:
        for opcode, argument, position in pickletools.genops(content):
            if opcode.name in REFUSED:
                raise UnsafePickleError(f"expected plain data, found the opcode {opcode.name} at byte {position}")
            if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT"):
                if not isinstance(argument, int) or not 0 <= argument <= kept:
                    raise UnsafePickleError(f"expected memo number {kept} or less, found {argument} at byte {position}")
                kept = max(kept, argument + 1)
            elif opcode.name == "MEMOIZE":
                kept += 1
            elif opcode.name == "FRAME" and isinstance(argument, int) and argument > size:
                raise UnsafePickleError(f"expected {size} bytes or fewer, found a frame of {argument}")
    except (ValueError, OverflowError, MemoryError) as error:
        raise UnsafePickleError(f"not a whole pickle: {error}") from error


class StoredArray:
    """An array as the file holds it; `numpy.asarray` makes a read-only array of it."""

    __slots__ = ("_array",)

    def __init__(self, array: NDArray[Any] | None = None) -> None:
        self._array = array

    def __setstate__(self, state: object) -> None:
        """Take what ndarray's ``__reduce__`` gives: version, shape, type, column-major, bytes."""
        match state:
            case (int(), tuple() as shape, _Type() as kind, bool() | int() as column_major, bytes() | list() as data):
                self._array = _array(data, kind, shape, "F" if column_major else "C")
            case _:
                raise UnsafePickleError("expected an array's shape, type and bytes, found something else")

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the array."""
        if self._array is None:
            raise UnsafePickleError("expected an array, found one without content")
        return self._array if dtype is None and not copy else np.array(self._array, dtype)


class _Type:
    """Stands for numpy.dtype; of its state only the byte order is heeded."""

    __slots__ = ("_name", "_order")

    def __init__(self, name: str) -> None:
        self._name, self._order = name, "="

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "=", "|"):
            raise UnsafePickleError("expected a type's byte order, found something else")
        self._order = state[1]

    def dtype(self) -> np.dtype[Any]:
        letter, size = self._name[:1], self._name[1:]
        if letter not in KINDS or not (size.isascii() and size.isdigit() and 0 < int(size) <= LARGEST_ITEM):
            raise UnsafePickleError(f"expected arrays of numbers or texts, found type {self._name!r}")
        return np.dtype(f"{self._order}{self._name}")


def _array(data: Any, kind: _Type, shape: tuple[Any, ...], order: Any) -> NDArray[Any]:
    dtype = kind.dtype()
    if order not in ("C", "F") or not all(isinstance(side, int) and side >= 0 for side in shape):
        raise UnsafePickleError(f"expected an array's shape and order, found {shape!r} and {order!r}")
    claimed = math.prod(shape) * dtype.itemsize
    if not isinstance(data, bytes | bytearray) or claimed != len(data):
        found = len(data) if isinstance(data, bytes | bytearray) else "no"
        raise UnsafePickleError(f"an array claims shape {shape} of {dtype}: expected {claimed} bytes, found {found}")
    return np.ndarray(shape, dtype, bytes(data), order=order)


class _StandIn:
    """Something that a pickle may name and call. Its attributes cannot be set."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., object]) -> None:
        self._call = call

    def __call__(self, *arguments: object) -> object:
        return self._call(*arguments)

    def __setstate__(self, state: object) -> None:
        raise UnsafePickleError("expected plain data, found a state for a name")


def _new_array(kind: object, shape: object, letter: object) -> StoredArray:
    return StoredArray()  # its content comes as its state


def _filled_array(data: Any, kind: Any, shape: Any, order: Any) -> StoredArray:
    if not isinstance(kind, _Type) or not isinstance(shape, tuple):
        raise UnsafePickleError("expected an array's bytes, type and shape, found something else")
    return StoredArray(_array(data, kind, shape, order))


def _number(kind: Any, data: Any) -> object:
    if not isinstance(kind, _Type):
        raise UnsafePickleError("expected a number's type and bytes, found something else")
    return _array(data, kind, (), "C").item()


def _type(name: Any, align: object = False, copy: object = False) -> _Type:
    if not isinstance(name, str):
        raise UnsafePickleError("expected a type's name, found something else")
    return _Type(name)


def _encode(text: Any, encoding: Any) -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise UnsafePickleError("expected bytes, found something else")
    return text.encode("latin1")


def _dictionary(items: Any = ()) -> dict[Any, Any]:
    if not isinstance(items, list | tuple):
        raise UnsafePickleError("expected a dictionary's items, found something else")
    return dict(items)


def _set(items: Any = ()) -> set[Any]:
    if not isinstance(items, list | tuple):
        raise UnsafePickleError("expected a set's items, found something else")
    return set(items)


def _no_bytes() -> bytes:
    return b""


def _no_call(*_: object) -> object:
    raise UnsafePickleError("expected plain data, found a call of numpy.ndarray")


STAND_INS: dict[tuple[str, str], _StandIn] = {
    (module, name): _StandIn(call)
    for modules, name, call in (
        (("numpy.core.multiarray", "numpy._core.multiarray"), "_reconstruct", _new_array),
        (("numpy.core.multiarray", "numpy._core.multiarray"), "scalar", _number),
        (("numpy.core.numeric", "numpy._core.numeric"), "_frombuffer", _filled_array),
        (("numpy",), "ndarray", _no_call),
        (("numpy",), "dtype", _type),
        (("_codecs",), "encode", _encode),
        (("builtins", "__builtin__"), "bytes", _no_bytes),
        (("builtins", "__builtin__"), "set", _set),
        (("builtins", "__builtin__"), "frozenset", _set),
        (("collections",), "OrderedDict", _dictionary),
    )
    for module in modules
}
"""All that a pickle may name: what numpy 1 and 2 and Python 2 and 3 write for arrays, bytes and plain containers."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return a stand-in; nothing is ever imported."""
        stand_in = STAND_INS.get((module, name))
        if stand_in is None:
            raise UnsafePickleError(f"expected numpy arrays and plain data, found a call of {module}.{name}")
        return stand_in
