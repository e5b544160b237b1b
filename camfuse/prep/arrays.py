"""One clip as arrays: what each data stage gives to the next, whether or not a shard lies between them.

Coordinates: 0 is the centre of the first pixel, x to the right, y down; keypoints are x, y, score, and what was not
seen is NaN, NaN, 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camfuse.jpeg import decode_jpeg
from camfuse.run.shard import ClipData, Shard

Floats = NDArray[np.floating[Any]]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class ClipFrames:
    """The frames of one clip, decoded when they are asked for.

    Attributes
    ----------
    jpeg
        T encoded images.
    time
        (T,) float64, seconds from the first frame of the video.
    height, width
        Size of every image in pixels.
    fps
        Average frames per second of the segment.
    note
        What was odd in decoding, a sentence for the report; mostly empty.
    """

    jpeg: Sequence[bytes]
    time: NDArray[np.float64]
    height: int
    width: int
    fps: float
    note: str = field(default="", kw_only=True)

    def __len__(self) -> int:
        """Return the number of frames T."""
        return len(self.jpeg)

    def __iter__(self) -> Iterator[Image]:
        """Decode the frames one by one: (H, W, 3) uint8, RGB."""
        for position in range(len(self)):
            yield self[position]

    def __getitem__(self, position: int) -> Image:
        """Decode one frame: (H, W, 3) uint8, RGB.

        Raises
        ------
        ShardError
            If its bytes are not an image.
        """
        return decode_jpeg(self.jpeg[position], f"frame {position}")

    @classmethod
    def of(cls, shard: Shard, clip_id: str) -> "ClipFrames":
        """Take a clip's frames out of a shard of stage `frames`, not decoded yet."""
        return cls(
            jpeg=shard.jpeg(clip_id),
            time=shard.read("time", clip_id),
            height=int(shard.fact("height", clip_id)),
            width=int(shard.fact("width", clip_id)),
            fps=float(shard.fact("fps", clip_id)),
        )

    def data(self) -> ClipData:
        """Return them as a shard stores them."""
        facts = {"height": self.height, "width": self.width, "fps": self.fps}
        return ClipData(frames={"time": self.time}, jpeg=self.jpeg, facts=facts, note=self.note)

    def batches(self, size: int) -> Iterator[list[Image]]:
        """Decode the frames `size` at a time; the last batch may be smaller."""
        frames = iter(self)
        while batch := list(islice(frames, size)):
            yield batch


@dataclass(frozen=True)
class ClipCrops:
    """The crops of one clip.

    Attributes
    ----------
    jpeg
        T encoded crops of S x S.
    keypoints
        (T, 133, 3) in pixels of the crop; those that are not kept are at the origin with score 0.
    affine
        (2, 3) float64, from pixels of the frame to pixels of the crop.
    """

    jpeg: Sequence[bytes]
    keypoints: Floats
    affine: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of frames T."""
        return len(self.jpeg)

    @classmethod
    def of(cls, shard: Shard, clip_id: str) -> "ClipCrops":
        """Take a clip's crops out of a shard of stage `crops`, not decoded yet."""
        return cls(shard.jpeg(clip_id), shard.read("keypoints", clip_id), shard.fact("affine", clip_id))

    def data(self) -> ClipData:
        """Return them as a shard stores them."""
        return ClipData(frames={"keypoints": self.keypoints}, jpeg=self.jpeg, facts={"affine": self.affine})
