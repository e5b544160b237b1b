"""Pickles: plain data comes back as it was, anything else is refused before it does anything."""

import io
import os
import pickle
import resource
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camfuse.prep.pose.annotations.safe_pickle import StoredArray, UnsafePickleError, read_plain


def stored(path: Path, content: bytes) -> Path:
    file = path / "a.pkl"
    file.write_bytes(content)
    return file


def plain(value: Any) -> Any:
    """Return the value with real arrays in it."""
    match value:
        case StoredArray():
            return np.asarray(value)
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return type(value)(plain(item) for item in value)
    return value


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_and_plain_data_come_back_in_every_protocol(tmp_path: Path, protocol: int) -> None:
    value = {
        "split": {"train": ["a", "b"], "test": []},
        "annotations": [{"frame_dir": "a", "label": np.int64(3), "shape": (480, np.int32(640)), "ratio": 0.5}],
        "half": np.arange(12, dtype=np.float16).reshape(1, 2, 3, 2),
        "turned": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big-endian": np.arange(3, dtype=">i4"),
        "words": np.array(["a", "bcd"]),
        "empty": np.zeros((0, 17, 2), np.float32),
        "flags": np.array([True, False]),
        "bytes": b"\x00\xff",
        "no bytes": b"",
        "nothing": None,
        "ordered": OrderedDict(x=1),
        "set": {"x"},
    }
    found = plain(read_plain(stored(tmp_path, pickle.dumps(value, protocol))))
    assert found.keys() == value.keys()
    for name, item in value.items():
        if isinstance(item, np.ndarray):
            np.testing.assert_array_equal(found[name], item, strict=True)
        else:
            assert found[name] == item


def test_names_of_older_numpy_are_read(tmp_path: Path) -> None:
    content = pickle.dumps(np.arange(3), 2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert np.asarray(read_plain(stored(tmp_path, content))).tolist() == [0, 1, 2]


class Runs:
    """Runs a command when it is unpickled."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call = call, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("nested", [False, True])
def test_a_command_is_refused_and_does_not_run(tmp_path: Path, protocol: int, nested: bool) -> None:
    victim = tmp_path / "run"
    attack: Any = Runs(os.system, f"touch {victim}")
    if nested:
        attack = {"annotations": [{"frame_dir": "a", "keypoint": np.zeros((1, 2)), "label": [(attack,)]}]}
    content = pickle.dumps(attack, protocol)
    with pytest.raises(UnsafePickleError, match=r"found a call of (posix|nt)\.system"):
        read_plain(stored(tmp_path, content))
    assert not victim.exists()
    pickle.loads(content)  # the attack is a real one
    assert victim.exists()


@pytest.mark.parametrize("call", [eval, exec, getattr, __import__, open, np.load, np.save, bytearray, np.frombuffer])
def test_other_names_are_refused(tmp_path: Path, call: Any) -> None:
    with pytest.raises(UnsafePickleError, match="found a call of"):
        read_plain(stored(tmp_path, pickle.dumps(Runs(call, "x"))))


def test_an_array_of_objects_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafePickleError, match="found type 'O8'"):
        read_plain(stored(tmp_path, pickle.dumps(np.array([1, "a"], object))))


def test_a_pickle_inside_a_pickle_stays_bytes(tmp_path: Path) -> None:
    inner = pickle.dumps(Runs(os.system, "true"))
    assert read_plain(stored(tmp_path, pickle.dumps([inner]))) == [inner]


def array_claiming(shape: tuple[int, ...]) -> bytes:
    """Return a pickle of an array of 4 bytes that claims another shape."""

    class Claims:
        def __reduce__(self) -> Any:
            rebuild, arguments, state = np.zeros(1, np.float32).__reduce__()
            return rebuild, arguments, (state[0], shape, *state[2:])

    return pickle.dumps(Claims(), 2)


HUGE = 1 << 40
BOMBS = {
    "bytes": b"\x80\x04\x8e" + HUGE.to_bytes(8, "little") + b"abc.",
    "bytearray": b"\x80\x05\x96" + HUGE.to_bytes(8, "little") + b"abc.",
    "text": b"\x80\x04\x8d" + HUGE.to_bytes(8, "little") + b"abc.",
    "number": b"\x80\x02\x8b\xff\xff\xff\x7fabc.",
    "frame": b"\x80\x04\x95" + HUGE.to_bytes(8, "little") + b"N.",
    "memo": b"\x80\x02]r\xff\xff\xff\x7f.",
    "array's shape": array_claiming((HUGE,)),
    "array's shape, of no bytes": array_claiming((1 << 20, 0, 1 << 62)),
    "new array": b"\x80\x02cnumpy\nndarray\n\x8a\x06" + HUGE.to_bytes(6, "little") + b"\x85R.",
    "empty bytes": b"\x80\x02c__builtin__\nbytes\n\x8a\x06" + HUGE.to_bytes(6, "little") + b"\x85R.",
    "text's type": pickle.dumps(Runs(np.dtype, "U99999999"), 2),
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_memory_that_is_only_claimed_is_not_taken(tmp_path: Path, content: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        value = read_plain(stored(tmp_path, content))
    except UnsafePickleError:
        pass
    else:  # a type alone is no array
        with pytest.raises((UnsafePickleError, TypeError, ValueError)):
            np.asarray(value, np.float32)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kilobytes


FORGED = {
    "state of a name": b"\x80\x02cnumpy\ndtype\n}b.",
    "attributes of a name": b"\x80\x02cnumpy\ndtype\nN}U\x01aK\x01s\x86b.",
    "state of an array": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nNNN\x87R}b.",
    "call of a text": b"\x80\x02X\x02\x00\x00\x00hi)R.",
    "object": b"\x80\x02cnumpy\nndarray\n)\x81.",
    "old instance": b"(iposix\nsystem\n.",
    "persistent id": b"\x80\x02K\x01Q.",
    "extension": b"\x80\x02\x82\x01.",
    "nothing": b"",
    "no pickle": b"frame_dir,label\n1,2\n",
    "no end": pickle.dumps([1, 2, 3])[:-1],
    "empty stack": b"\x80\x02.",
}


@pytest.mark.parametrize("content", FORGED.values(), ids=FORGED)
def test_forged_and_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnsafePickleError):
        read_plain(stored(tmp_path, content))


@pytest.mark.parametrize("share", np.linspace(0, 0.99, 12))
def test_a_cut_file_is_refused(tmp_path: Path, share: float) -> None:
    content = pickle.dumps({"a": np.arange(100), "b": ["text"] * 9})
    with pytest.raises(UnsafePickleError):
        read_plain(stored(tmp_path, content[: int(len(content) * share)]))


def test_what_is_behind_the_end_is_not_read(tmp_path: Path) -> None:
    out = io.BytesIO()
    pickle.dump([1], out)
    pickle.dump(Runs(os.system, "true"), out)
    assert read_plain(stored(tmp_path, out.getvalue())) == [1]
