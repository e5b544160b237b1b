"""JPEG images, in and out: (H, W, 3) uint8, RGB."""

import cv2
import numpy as np
from numpy.typing import NDArray

from camfuse.errors import CamfuseError, ShardError

Image = NDArray[np.uint8]


def decode_jpeg(jpeg: bytes, what: str) -> Image:
    """Decode a stored image.

    Parameters
    ----------
    jpeg
        The encoded image.
    what
        What it is, for the message: "frame 7".

    Raises
    ------
    ShardError
        If its bytes are not an image.
    """
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB) if jpeg else None
    if image is None:
        raise ShardError(f"{what} is not a JPEG image; delete its shard and run the workflow again")
    return np.asarray(image, np.uint8)


def encode_jpeg(image: Image, quality: int) -> bytes:
    """Encode an image at JPEG `quality` (1..100).

    Raises
    ------
    CamfuseError
        If the image is too large for JPEG.
    """
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise CamfuseError(f"an image of {image.shape} pixels cannot be stored as JPEG")
    return data.tobytes()
