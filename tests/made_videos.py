"""Videos whose frames carry their number as a row of black and white blocks."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip
from camfuse.ffmpeg_tool import find_ffmpeg

BITS, BLOCK = 8, 16

MakeVideo = Callable[..., Path]
"""What the fixture `make_video` gives."""
AsClip = Callable[..., Clip]
"""What the fixture `as_clip` gives."""
NumberOf = Callable[[NDArray[np.uint8]], int]
"""What the fixture `number_of` gives."""
OtherFfmpeg = Callable[[str], None]
"""What the fixture `other_ffmpeg` gives."""


def draw_number(number: int) -> NDArray[np.uint8]:
    bits = [number >> bit & 1 for bit in range(BITS)]
    row = np.repeat(np.array(bits, np.uint8) * 255, BLOCK)
    return np.broadcast_to(row[None, :, None], (64, BITS * BLOCK, 3)).copy()


def read_number(image: NDArray[np.uint8]) -> int:
    middle = image[32, BLOCK // 2 :: BLOCK].mean(axis=-1)
    return sum(1 << bit for bit, value in enumerate(middle) if value > 127)


def write_numbers(path: Path, frames: int = 40, rate: str = "25", options: tuple[str, ...] = ()) -> Path:
    command = [find_ffmpeg(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-r", rate]
    command += ["-s", f"{BITS * BLOCK}x64", "-i", "pipe:0", "-c:v", "mpeg4", "-q:v", "3", *options, f"file:{path}"]
    images = b"".join(draw_number(number).tobytes() for number in range(frames))
    subprocess.run(command, input=images, check=True)
    return path
