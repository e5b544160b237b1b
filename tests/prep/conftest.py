"""Videos whose frames carry their number as a row of black and white blocks."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from camfuse.clips.table import Clip
from camfuse.ffmpeg_tool import find_ffmpeg

BITS, BLOCK = 8, 16


def draw_number(number: int) -> np.ndarray:
    bits = [number >> bit & 1 for bit in range(BITS)]
    row = np.repeat(np.array(bits, np.uint8) * 255, BLOCK)
    return np.broadcast_to(row[None, :, None], (64, BITS * BLOCK, 3)).copy()


def read_number(image: np.ndarray) -> int:
    middle = image[32, BLOCK // 2 :: BLOCK].mean(axis=-1)
    return sum(1 << bit for bit, value in enumerate(middle) if value > 127)


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """Return a function: `make_video("a.mp4", frames=40, rate="30000/1001", options=[...])`."""

    def make(name: str = "numbers.mp4", frames: int = 40, rate: str = "25", options: tuple[str, ...] = ()) -> Path:
        path = tmp_path / name
        command = [find_ffmpeg(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-r", rate]
        command += ["-s", f"{BITS * BLOCK}x64", "-i", "pipe:0", "-c:v", "mpeg4", "-q:v", "3", *options, f"file:{path}"]
        images = b"".join(draw_number(number).tobytes() for number in range(frames))
        subprocess.run(command, input=images, check=True)
        return path

    return make


@pytest.fixture
def as_clip() -> Callable[..., Clip]:
    def make(video: Path, start: float = 0.0, end: float = float("inf"), clip_id: str = "c") -> Clip:
        return Clip(clip_id, video, start, end, None, f"identity of {clip_id}")

    return make


@pytest.fixture
def number_of() -> Callable[[np.ndarray], int]:
    return read_number
