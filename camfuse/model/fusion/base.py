"""The face of every way of fusing, all that the recogniser knows of it.

A new way is a `FusionBlock` in a file of its own, a mode in `camfuse.config.model.FusionMode` and a case in
`camfuse.model.fusion.mode.fusion_type`.

Shapes: B batch, C channels of a stream, H W grid, R frames of the RGB stream, P of the pose stream.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from camfuse.config import Fusion
from camfuse.model.layers import zeros_behind


class Channels(NamedTuple):
    """Channels of each stream at one place."""

    rgb: int
    pose: int


class FusionBlock(nn.Module, ABC):
    """What the streams tell each other at one stage.

    Where a stream is missing, the other becomes what `alone_rgb` or `alone_pose` give. A training sample that
    `drop_messages` takes the other stream from must come out as just that, so that modality dropout trains what clips
    of one modality meet. A block without extra channels begins as the two streams, bit for bit, by a last projection of
    zeros.

    Parameters
    ----------
    channels
        Of the streams there.
    config
        ``model.fusion``.

    Attributes
    ----------
    extra
        Channels that each stream has beside its own behind this block: the next layer, or the head, sees them.
    """

    def __init__(self, channels: Channels, config: Fusion) -> None:
        super().__init__()
        self.extra = self.extra_channels(channels)
        self.modality_dropout = config.modality_dropout

    @classmethod
    def extra_channels(cls, channels: Channels) -> Channels:
        """Return what `extra` is between streams of these widths: known before the block is built."""
        return Channels(0, 0)

    @abstractmethod
    def join(self, rgb: Tensor, pose: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """Return both streams' features, each with what it learns from the other, both of the same inputs.

        Parameters
        ----------
        rgb, pose
            (B, C, R, H, W) and (B, C, P, H, W) on the same grid, P a multiple of R.
        visible
            (B, P) bool: pose frames that show somebody.

        Returns
        -------
        tuple of Tensor
            Of the same shapes, with the `extra` channels behind.

        Raises
        ------
        ValueError
            If the grids or the frame counts do not fit.
        """

    def alone_rgb(self, rgb: Tensor) -> Tensor:
        """Return the RGB stream's features where there is no pose."""
        return zeros_behind(rgb, self.extra.rgb)

    def alone_pose(self, pose: Tensor) -> Tensor:
        """Return the pose stream's features where there is no RGB."""
        return zeros_behind(pose, self.extra.pose)

    def forward(
        self, rgb: Tensor | None, pose: Tensor | None, visible: Tensor | None
    ) -> tuple[Tensor | None, Tensor | None]:
        """Map the features of the streams that are there, as `join` takes them, None for one that is not."""
        if rgb is not None and pose is not None and visible is not None:
            return self.join(rgb, pose, visible)
        return (
            None if rgb is None else self.alone_rgb(rgb),
            None if pose is None else self.alone_pose(pose),
        )

    def drop_messages(self, message: Tensor) -> Tensor:
        """Take the message (B, ...) from some training samples: they must do with their own stream.

        Nothing is scaled up: a missing modality is a state of the world, not noise to be averaged out.
        """
        return drop_samples(message, self.modality_dropout if self.training else 0)


def drop_samples(x: Tensor, probability: float) -> Tensor:
    """Return messages or features (B, ...), each sample zero with a probability, the others as they are."""
    if probability == 0:
        return x
    keep = torch.rand(len(x), device=x.device) >= probability
    return x * keep.view(-1, *[1] * (x.dim() - 1))


def check_grids(rgb: Tensor, pose: Tensor) -> None:
    """Refuse streams (B, C, T, H, W) that do not lie on one grid, or whose frames do not form groups.

    Raises
    ------
    ValueError
        If the grids or the frame counts do not fit.
    """
    if rgb.shape[3:] != pose.shape[3:] or pose.shape[2] % rgb.shape[2]:
        found = f"RGB {tuple(rgb.shape[2:])}, pose {tuple(pose.shape[2:])}"
        raise ValueError(f"expected one grid and pose frames in groups of equal size per RGB frame, found {found}")
