"""One person's camera: frames in, skeleton and answers out."""

import numpy as np
import pytest

from camfuse.errors import CamfuseError, ClipError
from camfuse.jpeg import encode_jpeg
from camfuse.serve.limits import Limits
from camfuse.serve.live_session import LiveSession, bones, read_frame
from camfuse.serve.work import Worker
from tests.serve.conftest import LIMITS

FRAME = encode_jpeg(np.full((48, 64, 3), 200, np.uint8), 90)


def test_frames_are_answered_at_the_latest_when_they_end(worker: Worker) -> None:
    session = LiveSession(worker.chosen, LIMITS)
    for number in range(30):
        found = session.see(FRAME, number / 25)
        assert len(found["points"]) == 133
    shown = [point for point in found["points"] if point]
    assert 0 < len(shown) < 133 and all(0 <= x <= 2 and 0 <= y <= 1 for x, y in shown)
    (sign,) = session.finish()["signs"]
    session.close()
    assert sign["number"] == 1 and sign["known"] and len(sign["top"]) == 3
    assert {"start", "end", "delay"} < set(sign)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (b"", "expected frames as JPEG"),
        (b"no image", "expected frames as JPEG"),
        (FRAME[:20], "expected frames as JPEG"),
        (encode_jpeg(np.zeros((481, 640, 3), np.uint8), 90), "at most 307200 pixels, found 640 x 481"),
    ],
)
def test_what_is_no_frame_is_refused(frame: bytes, message: str) -> None:
    with pytest.raises(ClipError, match=message):
        read_frame(frame, LIMITS)


def test_a_frame_that_is_cut_off_and_one_of_another_size(worker: Worker) -> None:
    session = LiveSession(worker.chosen, Limits())
    session.see(FRAME, 0.0)
    for frame in (encode_jpeg(np.zeros((8, 8, 3), np.uint8), 90), b""):
        with pytest.raises(CamfuseError):
            session.see(frame, 0.1)
    session.close()


def test_what_is_drawn_are_arms_and_hands() -> None:
    pairs = [pair for part in bones() for pair in part["pairs"]]
    assert (7, 9) in pairs and (91, 92) in pairs and (11, 12) not in pairs
    assert [part["colour"][:4] for part in bones()] == ["rgb("] * 3
