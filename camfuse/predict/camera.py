"""Frames as a camera gives them: whoever is too slow for all gets the newest, and the others are dropped."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread
from typing import Self

import cv2
import numpy as np

from camfuse.errors import CamfuseError
from camfuse.predict.recognise import clip_of
from camfuse.prep.arrays import Image
from camfuse.prep.video import read_frames

WIDTH, HEIGHT = 640, 480
"""Of the images that a camera is asked for, in pixels."""


@dataclass(frozen=True)
class CameraFrame:
    """One frame.

    Attributes
    ----------
    image
        (H, W, 3) uint8, RGB.
    time
        Seconds from the first frame.
    """

    image: Image
    time: float


def camera_frames(number: int) -> Iterator[CameraFrame]:
    """Yield what a camera gives until it gives no more.

    Raises
    ------
    CamfuseError
        If there is no such camera.
    """
    camera = cv2.VideoCapture(number)
    try:
        if not camera.isOpened():
            raise CamfuseError(f"--camera {number}: expected a camera, found none that can be opened")
        camera.set(cv2.CAP_PROP_FRAME_WIDTH, WIDTH)
        camera.set(cv2.CAP_PROP_FRAME_HEIGHT, HEIGHT)
        begin = time.monotonic()
        while True:
            there, image = camera.read()
            if not there:
                return
            yield CameraFrame(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8), time.monotonic() - begin)
    finally:
        camera.release()


def played(video: Path) -> Iterator[CameraFrame]:
    """Yield a file's frames at the file's own speed, as if a camera saw them.

    Raises
    ------
    ClipError
        If it cannot be decoded.
    """
    begin: float | None = None
    for frame in read_frames(clip_of(video)):
        begin = time.monotonic() if begin is None else begin
        time.sleep(max(0.0, begin + frame.time - time.monotonic()))
        yield CameraFrame(frame.image, frame.time)


class Newest:
    """Takes frames in a thread of its own and hands out the newest; a context manager, iterated once.

    Attributes
    ----------
    taken, dropped
        Frames that came, and those of them that nobody saw.
    """

    def __init__(self, frames: Iterable[CameraFrame]) -> None:
        self.taken = self.dropped = 0
        self._frames = frames
        self._changed = Condition()
        self._waiting: CameraFrame | None = None
        self._done = self._stopped = False
        self._error: Exception | None = None
        self._thread = Thread(target=self._take, daemon=True)

    def __enter__(self) -> Self:
        """Begin to take frames."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Take no more."""
        self._stopped = True
        self._thread.join(timeout=5)

    def __iter__(self) -> Iterator[CameraFrame]:
        """Yield the newest frame, each at most once, until there are no more; raises what the source raised."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None or self._done)
                frame, self._waiting = self._waiting, None
            if frame is not None:
                yield frame
            elif self._error is not None:
                raise self._error
            else:
                return

    def _take(self) -> None:
        try:
            for frame in self._frames:
                with self._changed:
                    self.taken += 1
                    self.dropped += self._waiting is not None
                    self._waiting = frame
                    self._changed.notify()
                if self._stopped:
                    break
        except Exception as error:  # noqa: BLE001  # it is raised where the frames are used
            self._error = error
        finally:
            with self._changed:
                self._done = True
                self._changed.notify()
