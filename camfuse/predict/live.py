"""Signs as they are signed: frames come one by one, and each sign is answered when the hands have come to rest.

The last seconds are kept as keypoints and small images. After each frame the stretches in which a hand is away from its
rest are looked for (`camfuse.predict.segments`); one that has ended is answered in a thread of its own, so that the
estimator goes on. A sign is answered at once, without waiting whether the hand stays at rest: if it was a hold, the
answer is given anew, under the same number.
"""

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from tqdm import tqdm

from camfuse.data.inputs import needs_crops
from camfuse.errors import CamfuseError
from camfuse.jpeg import encode_jpeg
from camfuse.predict.answer import Sign
from camfuse.predict.camera import CameraFrame, Newest
from camfuse.predict.recognise import TrainedModel
from camfuse.predict.segments import Segment, find_segments
from camfuse.predict.spans import MARGIN
from camfuse.prep.arrays import ClipFrames, Floats
from camfuse.prep.pose.live import open_stream
from camfuse.prep.pose.run import make_estimator

log = logging.getLogger(__name__)

WINDOW = 10.0
"""Seconds that are kept."""
SETTLED = 0.08
"""Seconds at rest after which a sign is answered."""
CHANGED = 0.15
"""Seconds that an answered sign has to have grown by to be answered anew."""
PATIENCE = 0.03
"""Seconds that a frame waits for an answer that is being made: the next frame may be a tenth of a second away."""
SAMPLINGS, SAMPLINGS_OF_CROPS = 3, 1
"""Samplings of a sign by a model of keypoints alone, and by one that looks at crops or heatmaps, which is slower: fewer
than in a test, so that the answer is there within half a second."""


@dataclass(frozen=True)
class LiveSign:
    """A sign that has just ended.

    Attributes
    ----------
    number
        From 1; an answer that is given anew has the number of the first.
    sign
        The answer; its times count from the first frame.
    delay
        Seconds from the sign's end to the frame with which the answer was there.
    """

    number: int
    sign: Sign
    delay: float


@dataclass(frozen=True)
class _Kept:
    time: float
    jpeg: bytes
    seen: Any


@dataclass
class _Asked:
    """A sign that an answer was asked for; its times may still grow."""

    number: int
    start: float
    end: float


class LiveRecogniser:
    """Answers the signs of one camera; a context manager.

    Parameters
    ----------
    model
        The model; nobody else may use it at the same time.
    samplings
        Samplings of a sign; left out, as many as are fast.
    """

    def __init__(self, model: TrainedModel, *, samplings: int | None = None) -> None:
        slow = needs_crops(model.config, model.facts.part)
        self._model = model.with_samplings(samplings or (SAMPLINGS_OF_CROPS if slow else SAMPLINGS))
        self._kept: deque[_Kept] = deque()
        self._size = (0, 0)
        self._asked: list[_Asked] = []
        self._answers: list[tuple[_Asked, Future[Sign]]] = []
        self._count = 0
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        """Get the estimator ready."""
        self._estimator = make_estimator(self._model.config).__enter__()
        self._stream = open_stream(self._estimator).__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Free the estimator; answers that are not there yet are not waited for."""
        self._pool.shutdown(cancel_futures=True)
        self._stream.__exit__(*error)
        self._estimator.__exit__(*error)

    @property
    def keypoints(self) -> Floats:
        """The keypoints (133, 3) of the newest frame, in its pixels."""
        return np.asarray(self._poses()[-1])

    def see(self, frame: CameraFrame) -> list[LiveSign]:
        """Look at the next frame; return the answers that have become ready.

        Raises
        ------
        ClipError
            If the estimator gives up on it.
        CamfuseError
            If the frame has another size than those before.
        """
        size = frame.image.shape[:2]
        if self._kept and size != self._size:
            raise CamfuseError(f"expected frames of {self._size}, found one of {size}")
        self._size = size
        self._kept.append(_Kept(frame.time, encode_jpeg(frame.image, 95), self._stream.see(frame.image)))
        while frame.time - self._kept[0].time > WINDOW:
            self._kept.popleft()
        if len(self._kept) > 1:
            self._ask(frame.time, SETTLED)
        wait([answer for _, answer in self._answers], PATIENCE)
        return self._ready(frame.time)

    def finish(self) -> list[LiveSign]:
        """Return the answers that are still to come, also of a sign that the frames' end cuts off."""
        if len(self._kept) < 2:
            return []
        now = self._kept[-1].time
        self._ask(now, 0.0)
        for _, answer in self._answers:
            answer.exception()  # which waits
        return self._ready(now)

    def _poses(self) -> Floats:
        poses = self._stream.poses([one.seen for one in self._kept], *self._size)
        return poses.keypoints

    def _ask(self, now: float, settled: float) -> None:
        """Ask for the answers of the signs that have ended lately."""
        times = np.array([one.time for one in self._kept])
        fps = (len(times) - 1) / max(times[-1] - times[0], 1e-6)
        keypoints = self._poses()
        for segment in find_segments(keypoints, fps):
            start, end = float(times[segment.first]), float(times[segment.stop - 1]) + 1 / fps
            at_rest = now + 1 / fps - end
            if not settled <= at_rest < 1.5 or not (asked := self._new(start, end)):
                continue
            frames = ClipFrames([one.jpeg for one in self._kept], times, *self._size, fps)
            self._answers.append((asked, self._pool.submit(self._sign, segment, frames, keypoints, start, end)))

    def _new(self, start: float, end: float) -> _Asked | None:
        """Return the sign of these times if it was not asked for yet or has grown since."""
        for asked in self._asked[-3:]:
            if start < asked.end and asked.start < end:
                grown = end - asked.end > CHANGED
                asked.end = max(asked.end, end)
                return asked if grown else None
        self._count += 1
        self._asked.append(_Asked(self._count, start, end))
        return self._asked[-1]

    def _sign(self, segment: Segment, frames: ClipFrames, keypoints: Floats, start: float, end: float) -> Sign:
        margin = round(MARGIN * frames.fps)
        shown = slice(max(0, segment.first - margin), segment.stop + margin)
        part = ClipFrames(frames.jpeg[shown], frames.time[shown], frames.height, frames.width, frames.fps)
        probabilities = self._model.probabilities("camera", part, keypoints[shown])
        known = self._model.facts.calibration.known(probabilities)
        return Sign(start, end, self._model.classes, probabilities, known)

    def _ready(self, now: float) -> list[LiveSign]:
        done = [(asked, answer) for asked, answer in self._answers if answer.done()]
        self._answers = [(asked, answer) for asked, answer in self._answers if not answer.done()]
        return [one for asked, answer in done if (one := _live_sign(asked, answer, now)) is not None]


def _live_sign(asked: _Asked, answer: Future[Sign], now: float) -> LiveSign | None:
    try:
        sign = answer.result()
    except CamfuseError as error:
        log.warning("sign %d: %s", asked.number, error)
        return None
    return LiveSign(asked.number, sign, now - sign.end)


def answer_live(model: TrainedModel, frames: Iterable[CameraFrame], *, progress: bool = True) -> Iterator[LiveSign]:
    """Answer the signs of a camera, each as soon as it has ended, until the frames end or somebody interrupts.

    Parameters
    ----------
    model
        The model.
    frames
        In the order of time; what comes while a frame is looked at is dropped, but for the newest.
    progress
        Whether a bar on stderr says how many frames a second are seen, and how many were dropped.

    Raises
    ------
    CamfuseError
        If there is no such camera, or the estimator gives up.
    """
    with (
        LiveRecogniser(model) as live,
        Newest(frames) as newest,
        tqdm(desc="live", unit=" frames", mininterval=0.5, disable=not progress) as bar,
    ):
        try:
            for frame in newest:
                for one in live.see(frame):
                    bar.clear()  # the answer may be written to the same line
                    yield one
                bar.set_postfix_str(f"{newest.dropped} dropped", refresh=False)
                bar.update()
        except KeyboardInterrupt:
            log.info("interrupted")
        for one in live.finish():
            bar.clear()
            yield one
