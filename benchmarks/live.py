"""How soon a sign is answered after its end: a recording with known signs, played at its own speed as a camera would.

    python -m benchmarks.live --data DIR --model RUN [--complexity 1]

The clips of `clips/asl` whose signs were marked by eye (`segment_truth.csv`) and that begin and end at rest stand in a
row, 640 x 480 at 30 frames/s, the first frame held for 1 s before each clip and the last one for 1.5 s after it.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from benchmarks.segments import TRUTH
from camfuse.config.estimators import MediapipePose
from camfuse.ffmpeg_tool import write_video
from camfuse.predict.camera import CameraFrame, Newest, played
from camfuse.predict.live import LiveRecogniser
from camfuse.predict.recognise import TrainedModel, clip_of
from camfuse.prep.arrays import Image
from camfuse.prep.video import Frame, read_frames

FPS = 30
WIDTH, HEIGHT = 640, 480
BEFORE, AFTER = 1.0, 1.5
"""Seconds at rest before and after each clip."""
AT_REST = 5
"""Frames that a clip shows before and after its sign."""
Span = tuple[float, float]


@dataclass(frozen=True)
class Heard:
    """An answer: the sign's number and times, and when it was there, in seconds from the first frame."""

    number: int
    span: Span
    at: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/asl")
    parser.add_argument("--model", type=Path, required=True, help="a run's folder, a best.ckpt or an exported file")
    parser.add_argument("--complexity", type=int, choices=(0, 1, 2), default=1, help="MediaPipe's model of the body")
    parser.add_argument("--samplings", type=int, help="of each sign; left out, as for a user")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, TrainedModel.load(options.model, device="cpu") as model:
        signs: list[Span] = []
        video = Path(folder) / "joined.mp4"
        write_video(video, recorded(options.data / "clips" / "asl" / "videos", signs), FPS)
        heard, seen, seconds = watch(of_complexity(model, options.complexity), video, options.samplings)
    how = f"complexity {options.complexity}, {options.samplings or 'usual'} samplings, load {os.getloadavg()[0]:.1f}"
    print(f"{how}: {len(signs)} signs in {seconds:.0f} s")
    print(f"{seen} frames seen, {seen / seconds:.1f} frames/s, {seen / (seconds * FPS):.0%} of those that came")
    for name, final in (("first", False), ("last", True)):
        print(f"seconds from a sign's end to its {name} answer: {described(delays(signs, heard, final=final))}")


def recorded(videos: Path, signs: list[Span]) -> Iterator[Image]:
    """Yield the recording; start and end of each sign, in seconds, are added to `signs`."""
    length = 0
    for clip in pd.read_csv(TRUTH).itertuples():
        frames = list(read_frames(clip_of(videos / f"{clip.video}.mp4")))
        if clip.first < AT_REST or clip.stop > len(frames) - AT_REST:
            continue
        held = at_rate(frames)
        signs.append(tuple(length / FPS + BEFORE + frames[at].time for at in (clip.first, clip.stop)))
        yield from held
        length += len(held)


def at_rate(frames: Sequence[Frame]) -> list[Image]:
    """Return the frames in their places at `FPS`, held before and after, in the size of the recording."""
    times = np.array([frame.time for frame in frames])
    moments = np.arange(-BEFORE, times[-1] + AFTER, 1 / FPS)
    images = [letterboxed(frame.image) for frame in frames]
    return [images[at] for at in np.clip(np.searchsorted(times, moments + 1e-6, "right") - 1, 0, None)]


def letterboxed(image: Image) -> Image:
    scale = min(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    small = cv2.resize(np.asarray(image), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    top, left = (HEIGHT - small.shape[0]) // 2, (WIDTH - small.shape[1]) // 2
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def of_complexity(model: TrainedModel, complexity: int) -> TrainedModel:
    """Return the model with MediaPipe's body of another complexity; its own config has it for a user."""
    section = (model.config.pose.mediapipe or MediapipePose()).model_copy(update={"complexity": complexity})
    model.config = model.config.model_copy(update={"pose": model.config.pose.model_copy(update={"mediapipe": section})})
    return model


def watch(model: TrainedModel, video: Path, samplings: int | None) -> tuple[list[Heard], int, float]:
    """Return the answers, how many frames were seen, and how many seconds it took."""
    heard, seen, begin = [], 0, 0.0

    def timed() -> Iterator[CameraFrame]:
        nonlocal begin
        for number, frame in enumerate(played(video)):
            begin = begin if number else time.monotonic()
            yield frame

    with LiveRecogniser(model, samplings=samplings) as live, Newest(timed()) as frames:
        for frame in frames:
            answers, seen = live.see(frame), seen + 1
            at = time.monotonic() - begin
            heard += [Heard(one.number, (one.sign.start, one.sign.end), at) for one in answers]
        return heard, seen, time.monotonic() - begin


def delays(signs: Sequence[Span], heard: Sequence[Heard], *, final: bool) -> list[float]:
    """Return, of each sign that was answered, the seconds from its end to its first answer, or its last one."""
    found = []
    for start, end in signs:
        numbers = {one.number for one in heard if min(one.span[1], end) - max(one.span[0], start) > (end - start) / 2}
        if answers := [one.at - end for one in heard if one.number in numbers]:
            found.append(max(answers) if final else min(answers))
    return found


def described(values: Sequence[float]) -> str:
    if not values:
        return "none"
    low, middle, high = np.percentile(values, (10, 50, 90))
    soon = sum(value <= 0.5 for value in values)
    return f"median {middle:.2f} (10 to 90 %: {low:.2f} to {high:.2f}), at most 0.5 s in {soon} of {len(values)}"


if __name__ == "__main__":
    main()
