"""Files that are damaged or forged, for hypothesis: bytes flipped, cut, put in and doubled, values made odd."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hypothesis import strategies as st

ODD = [
    *(
        b"",
        b"null",
        b"-1",
        b"0",
        b"1e999",
        b"nan",
        b"NaN",
        b"1.5",
        b"true",
        b"[]",
        b"{}",
        b'""',
        b'"',
        b"'",
        b",",
        b"\n",
    ),
    *(b"\r", b"\x00", b"\xff", b"\xed\xb3\xa9", b"\xe2\x80\xa8", b"../x", b"9" * 400, b"a" * 5000, b"~", b"*a", b"&a"),
    *(b"!!python/object", b"\xef\xbb\xbf", b'"\\ud800"', b"0x10", b"1:30", b"- - -", b": :", b"?", b"%", b"\t"),
]
"""What stands where nobody expects it."""


class Content(bytes):
    """The bytes of a file; a failing test does not print them all."""

    def __repr__(self) -> str:
        shown = bytes.__repr__(self)
        return shown if len(self) < 400 else f"<{len(self)} bytes: {shown[:200]} ...>"


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> Content:
    """Return the bytes of a file with one to four things wrong; a good part of them near its beginning or end."""
    data = bytearray(whole)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 4]))):
        size = len(data)
        near = st.one_of(st.integers(0, size), st.integers(0, min(size, 200)), st.integers(max(0, size - 200), size))
        at = draw(near)
        match draw(st.sampled_from(["flip", "flip", "flip", "cut", "drop", "put", "double", "odd", "odd", "odd"])):
            case "flip" if size:
                data[min(at, size - 1)] ^= draw(st.integers(1, 255))
            case "cut":
                del data[at:]
            case "drop":
                del data[at : at + draw(st.integers(1, 40))]
            case "put":
                data[at:at] = draw(st.binary(min_size=1, max_size=20))
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 200))]
            case _:
                data[at : at + draw(st.integers(0, 12))] = draw(st.sampled_from(ODD))
    return Content(data)


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """End what hangs with an error."""

    def stop(_: int, __: FrameType | None) -> None:
        raise AssertionError(f"expected an answer within {seconds} s, found none")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
