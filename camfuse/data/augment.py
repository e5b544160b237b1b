"""Augmentation: one affine per clip for both streams, colours for RGB, hidden keypoints for the pose.

Frame: integer coordinates are pixel centres, a crop of side S spans -0.5 .. S - 0.5; mirroring is x -> S - 1 - x.
The keypoints move exactly and the heatmaps are rendered from them, which is truer and cheaper than warping maps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from camfuse.config import Augment
from camfuse.geometry import UNSEEN, transform_points
from camfuse.skeleton import MIRROR

Keypoints = NDArray[np.float32]
Images = NDArray[np.uint8]
_GREY = np.array([0.299, 0.587, 0.114])
_MID = 127.5


@dataclass(frozen=True)
class Augmentation:
    """What is done to one clip.

    Attributes
    ----------
    affine
        (2, 3) float64, maps crop pixels to crop pixels; the mirroring is in it.
    mirrored
        Whether left and right keypoints change places.
    colour
        (3, 4) float64, maps R, G, B, 1 (0..255) to R, G, B.
    hidden
        (K,) bool, keypoints that are not seen in the whole clip.
    """

    affine: NDArray[np.float64]
    mirrored: bool
    colour: NDArray[np.float64]
    hidden: NDArray[np.bool_]


def draw_augmentation(config: Augment, size: int, keypoints: int, rng: np.random.Generator) -> Augmentation:
    """Draw one clip's augmentation.

    Parameters
    ----------
    config
        The config's section ``train.augment``.
    size
        Side S of the crops.
    keypoints
        Number K of keypoints.
    rng
        Source of the random numbers.
    """
    mirrored = bool(rng.random() < config.mirror)
    affine = affine_matrix(
        size,
        scale=float(np.exp(rng.uniform(*np.log(config.scale)))),
        degrees=float(rng.uniform(-config.rotate, config.rotate)),
        shift=rng.uniform(-config.shift, config.shift, 2) * size,
        mirror=mirrored,
    )
    brightness, contrast, saturation = rng.uniform(1 - config.colour, 1 + config.colour, 3)
    return Augmentation(
        affine=affine,
        mirrored=mirrored,
        colour=colour_matrix(brightness, contrast, saturation),
        hidden=rng.random(keypoints) < config.joint_dropout,
    )


def affine_matrix(
    size: int, *, scale: float, degrees: float, shift: NDArray[np.float64] | Sequence[float], mirror: bool
) -> NDArray[np.float64]:
    """Return the (2, 3) map of crop pixels: mirror, then turn and zoom about the crop's centre, then shift (pixels)."""
    centre = (size - 1) / 2
    angle = np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([-1.0 if mirror else 1.0, 1.0])
    offset = centre - linear @ np.array([centre, centre]) + np.asarray(shift)
    return np.column_stack([linear, offset])


def colour_matrix(brightness: float, contrast: float, saturation: float) -> NDArray[np.float64]:
    """Return the (3, 4) map of colours: saturation about each pixel's grey, contrast about mid-grey, brightness."""
    grey = np.tile(_GREY, (3, 1))
    linear = brightness * contrast * (saturation * np.eye(3) + (1 - saturation) * grey)
    return np.column_stack([linear, np.full(3, brightness * (1 - contrast) * _MID)])


def move_keypoints(keypoints: Keypoints, augmentation: Augmentation) -> Keypoints:
    """Return the keypoints (T, K, 3) after the augmentation, in crop pixels; hidden ones are NaN with score 0."""
    moved = transform_points(keypoints, augmentation.affine)
    if augmentation.mirrored:
        moved = moved[:, list(MIRROR)]
    moved[:, augmentation.hidden] = UNSEEN
    return moved


def move_images(images: Images, augmentation: Augmentation) -> Images:
    """Return the crops (T, S, S, 3), RGB, after the augmentation; beyond their edge is black, like the padding."""
    size = images.shape[1:3]
    out = np.empty_like(images)
    for image, target in zip(images, out, strict=True):
        moved = cv2.warpAffine(image, augmentation.affine, size[::-1], flags=cv2.INTER_LINEAR)
        cv2.transform(moved, augmentation.colour, dst=target)
    return out
