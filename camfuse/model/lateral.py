"""Lateral convolutions, RGBPoseConv3D's way of fusing: each stream gets the other's features as further channels.

Source: open-mmlab/mmaction2 ``rgbposeconv3d.py`` and ``resnet3d_slowfast.py`` (v1.2.0). There they sit at s2 and s3;
at s4, where no layer follows, the head sees the further channels.

This is not zero-initialised: what a stream makes of the further channels is up to its next layer, whose weights for
them are zero after a merge of trained streams (`camfuse.model.weights.merge_streams`) and random otherwise.

A kernel that spans frames only is run in 2D, frames x pixels: on a CPU that is faster, and torch 2.13's
``conv_transpose3d`` gives a random weight gradient there in bf16 where a clip has few frames.

Shapes: B batch, C channels of a stream, H W grid, R frames of the RGB stream, P of the pose stream, A = P / R.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camfuse.model.fusion import check_grids, drop_messages
from camfuse.model.layers import BatchNorm3d

KERNEL = 7
"""Frames that a lateral convolution spans."""
REDUCTION = 16
"""RGB channels for each one that the pose stream gets."""


class PoseToRgb(nn.Module):
    """One convolution along time, with stride A: no norm, no activation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, (KERNEL, 1, 1), bias=False)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pose: Tensor, ratio: int) -> Tensor:
        """Map (B, inputs, P, H, W) to (B, outputs, P / ratio, H, W)."""
        flat = F.conv2d(pose.flatten(3), self.conv.weight.flatten(3), stride=(ratio, 1), padding=(KERNEL // 2, 0))
        result: Tensor = flat.unflatten(3, pose.shape[3:])
        return result


class RgbToPose(nn.Module):
    """One transposed convolution along time, with stride A; batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose3d(inputs, outputs, (KERNEL, 1, 1), bias=False)
        self.bn = BatchNorm3d(outputs)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, rgb: Tensor, ratio: int) -> Tensor:
        """Map (B, inputs, R, H, W) to (B, outputs, R * ratio, H, W)."""
        flat = F.conv_transpose2d(
            rgb.flatten(3),
            self.conv.weight.flatten(3),
            stride=(ratio, 1),
            padding=(KERNEL // 2, 0),
            output_padding=(ratio - 1, 0),
        )
        result: Tensor = self.relu(self.bn(flat.unflatten(3, rgb.shape[3:])))
        return result


class LateralConcat(nn.Module):
    """Both lateral convolutions at one stage, of the same inputs.

    Parameters
    ----------
    rgb_channels, pose_channels
        Channels of the two streams there.
    modality_dropout
        Probability, per training sample and direction, that the further channels are zero.
    """

    def __init__(self, rgb_channels: int, pose_channels: int, modality_dropout: float) -> None:
        super().__init__()
        for_rgb, for_pose = extra_channels(rgb_channels, pose_channels)
        self.modality_dropout = modality_dropout
        self.to_rgb = PoseToRgb(pose_channels, for_rgb)
        self.to_pose = RgbToPose(rgb_channels, for_pose)

    def forward(self, rgb: Tensor, pose: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """Return both streams' features with the other's behind them.

        As in RGBPoseConv3D, pose frames without anybody are not treated apart.

        Parameters
        ----------
        rgb, pose
            (B, C, R, H, W) and (B, C, P, H, W) on the same grid, P a multiple of R.
        visible
            Not used.

        Raises
        ------
        ValueError
            If the grids or the frame counts do not fit.
        """
        check_grids(rgb, pose)
        ratio = pose.shape[2] // rgb.shape[2]
        probability = self.modality_dropout if self.training else 0.0
        to_rgb = drop_messages(self.to_rgb(pose, ratio), probability)
        to_pose = drop_messages(self.to_pose(rgb, ratio), probability)
        return torch.cat((rgb, to_rgb), 1), torch.cat((pose, to_pose), 1)


def extra_channels(rgb_channels: int, pose_channels: int) -> tuple[int, int]:
    """Return how many channels lateral convolutions add to the RGB and to the pose stream of these widths."""
    return pose_channels, max(1, rgb_channels // REDUCTION)


def zeros_behind(x: Tensor, extra: int) -> Tensor:
    """Return (B, C, ...) with `extra` channels of zeros behind: what a stream sees where the other is missing."""
    return F.pad(x, (0, 0) * (x.dim() - 2) + (0, extra)) if extra else x
