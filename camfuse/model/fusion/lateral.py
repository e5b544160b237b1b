"""Lateral convolutions, RGBPoseConv3D's way of fusing: each stream gets the other's features as further channels.

Source: open-mmlab/mmaction2 ``rgbposeconv3d.py`` and ``resnet3d_slowfast.py`` (v1.2.0). There they sit at s2 and s3;
at s4, where no layer follows, the head sees the further channels.

This is not zero-initialised: what a stream makes of the further channels is up to its next layer, whose weights for
them are zero after a merge of trained streams (`camfuse.model.initial.merge_streams`) and random otherwise.

A kernel that spans frames only is run in 2D, frames x pixels: on a CPU that is faster, and torch 2.13's
``conv_transpose3d`` gives a random weight gradient there in bf16 where a clip has few frames.

Shapes: B batch, C channels of a stream, H W grid, R frames of the RGB stream, P of the pose stream, A = P / R.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camfuse.config import Fusion
from camfuse.model.fusion.base import Channels, FusionBlock, check_grids
from camfuse.model.layers import BatchNorm3d

KERNEL = 7
"""Frames that a lateral convolution spans."""
REDUCTION = 16
"""RGB channels for each one that the pose stream gets."""
RGBPOSECONV3D_NAMES = {
    "backbone.rgb_path.layer2_lateral.": "fusion.s2.to_rgb.",
    "backbone.rgb_path.layer3_lateral.": "fusion.s3.to_rgb.",
    "backbone.pose_path.layer1_lateral.": "fusion.s2.to_pose.",
    "backbone.pose_path.layer2_lateral.": "fusion.s3.to_pose.",
}
"""Where its checkpoints have these layers, and where a recogniser has them."""


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


class LateralConcat(FusionBlock):
    """Both lateral convolutions at one stage, of the same inputs.

    Parameters
    ----------
    channels
        Of the two streams there.
    config
        ``model.fusion``; modality dropout makes the further channels of a sample zero.
    """

    def __init__(self, channels: Channels, config: Fusion) -> None:
        super().__init__(channels, config)
        self.to_rgb = PoseToRgb(channels.pose, self.extra.rgb)
        self.to_pose = RgbToPose(channels.rgb, self.extra.pose)

    @classmethod
    def extra_channels(cls, channels: Channels) -> Channels:
        """Return the other stream's channels for RGB, a part of them for pose."""
        return Channels(rgb=channels.pose, pose=max(1, channels.rgb // REDUCTION))

    def join(self, rgb: Tensor, pose: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """Put the other's features behind; as in RGBPoseConv3D, frames without anybody are not treated apart."""
        check_grids(rgb, pose)
        ratio = pose.shape[2] // rgb.shape[2]
        to_rgb = self.drop_messages(self.to_rgb(pose, ratio))
        to_pose = self.drop_messages(self.to_pose(rgb, ratio))
        return torch.cat((rgb, to_rgb), 1), torch.cat((pose, to_pose), 1)
