"""JPEG images, in and out."""

import cv2
import numpy as np
import pytest

from camfuse.errors import CamfuseError, ShardError
from camfuse.jpeg import decode_jpeg, encode_jpeg


def slope(height: int = 48, width: int = 64) -> np.ndarray:
    """Red grows to the right, green downwards, blue is 40 everywhere."""
    image = np.full((height, width, 3), 40, np.uint8)
    image[..., 0] = np.linspace(0, 255, width).astype(np.uint8)
    image[..., 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    return image


def test_size_and_colours_come_back() -> None:
    image = slope()
    found = decode_jpeg(encode_jpeg(image, 100), "frame 0")
    assert (found.shape, found.dtype) == (image.shape, np.uint8)
    assert np.abs(found.astype(int) - image).mean() < 3


def test_channels_are_rgb_and_the_image_is_left_alone() -> None:
    image = np.full((16, 16, 3), (200, 30, 90), np.uint8)
    given = image.copy()
    jpeg = encode_jpeg(image, 95)
    np.testing.assert_array_equal(image, given)
    assert np.abs(decode_jpeg(jpeg, "x")[8, 8].astype(int) - (200, 30, 90)).max() <= 3
    blue_first = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(blue_first[8, 8].astype(int) - (90, 30, 200)).max() <= 3


def test_more_quality_is_closer_and_larger() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    files = [encode_jpeg(image, quality) for quality in (10, 50, 95)]
    losses = [np.abs(decode_jpeg(jpeg, "x").astype(int) - image).mean() for jpeg in files]
    assert losses[0] > losses[1] > losses[2]
    assert len(files[0]) < len(files[1]) < len(files[2])


def test_a_gray_file_has_three_channels() -> None:
    gray = cv2.imencode(".jpg", np.full((8, 8), 77, np.uint8))[1].tobytes()
    assert decode_jpeg(gray, "x")[4, 4].tolist() == [77, 77, 77]


@pytest.mark.parametrize("data", [b"", b"no image", encode_jpeg(slope(), 90)[:20]], ids=["empty", "text", "cut"])
def test_bytes_that_are_no_image_are_named(data: bytes) -> None:
    with pytest.raises(ShardError, match=r"^frame 7 is not a JPEG image; delete its shard"):
        decode_jpeg(data, "frame 7")


def test_an_image_too_large_for_jpeg() -> None:
    with pytest.raises(CamfuseError, match=r"an image of \(1, 65536, 3\) pixels cannot be stored as JPEG"):
        encode_jpeg(np.zeros((1, 65536, 3), np.uint8), 90)
