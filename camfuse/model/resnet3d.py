"""The two streams: bottleneck 3D ResNets as in RGBPoseConv3D.

Source: open-mmlab/mmaction2 ``rgbposeconv3d.py`` and kennymckormick/pyskl, whose module names (``conv1.conv``,
``layer3.0.conv2.bn``, ``layer3.0.downsample.conv``, ...) are kept, so that their weights map key by key.

Shapes: B batch, C channels, T frames, H W grid.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from camfuse.config import PoseStream, RgbStream
from camfuse.model.layers import BatchNorm3d, Conv3d, ImagePool
from camfuse.skeleton import NUM_KEYPOINTS

EXPANSION = 4
"""Channels after a bottleneck block, as a multiple of its width."""
RGB_STRIDES = (1, 2, 2, 2)
POSE_STRIDES = (2, 2, 2)
Triple = tuple[int, int, int]


class ConvNorm(nn.Module):
    """Convolution without bias, batch norm and, unless `activate` is false, ReLU; same size at stride 1."""

    def __init__(self, inputs: int, outputs: int, kernel: Triple, *, stride: int = 1, activate: bool = True) -> None:
        super().__init__()
        t, h, w = kernel
        self.conv = Conv3d(
            inputs, outputs, kernel, stride=(1, stride, stride), padding=(t // 2, h // 2, w // 2), bias=False
        )
        self.bn = BatchNorm3d(outputs)
        self.relu = nn.ReLU(inplace=True) if activate else nn.Identity()
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, outputs, T, H / stride, W / stride)."""
        result: Tensor = self.relu(self.bn(self.conv(x)))
        return result


class Bottleneck(nn.Module):
    """1x1x1 (3x1x1 where inflated), 1x3x3 with the stride, 1x1x1 to four times the width; plus the input."""

    def __init__(self, inputs: int, width: int, *, stride: int, inflate: bool) -> None:
        super().__init__()
        outputs = width * EXPANSION
        self.conv1 = ConvNorm(inputs, width, (3, 1, 1) if inflate else (1, 1, 1))
        self.conv2 = ConvNorm(width, width, (1, 3, 3), stride=stride)
        self.conv3 = ConvNorm(width, outputs, (1, 1, 1), activate=False)
        self.downsample = (
            ConvNorm(inputs, outputs, (1, 1, 1), stride=stride, activate=False)
            if stride != 1 or inputs != outputs
            else None
        )
        self.relu = nn.ReLU(inplace=True)
        nn.init.zeros_(self.conv3.bn.weight)  # each block starts as the identity

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, 4 * width, T, H / stride, W / stride)."""
        skip = x if self.downsample is None else self.downsample(x)
        result: Tensor = self.relu(self.conv3(self.conv2(self.conv1(x))) + skip)
        return result


class ResNet3d(nn.Module):
    """One stream.

    Parameters
    ----------
    inputs
        Channels of the input: 3 colours, or the number of keypoints.
    channels
        Channels after the stem; layer i has ``channels * 2**i`` wide blocks.
    depths, strides, inflate
        Per layer: number of blocks, spatial stride of the first, whether conv1 of the blocks spans 3 frames.
    stem
        ``7x7``: one 1x7x7 convolution; ``factorised``: 1x1x1 to `channels`, then 1x3x3. Then a 3x3 max pooling: without
        it the strided 1x1 shortcut of layer 1 steps over three of four pixels, and over a heatmap's dots with them.
    stem_stride
        See `stem`; 2 for images, 1 for heatmaps.
    extra
        Per layer: channels that its input has beside those of the layer before, appended by the caller of `layer`.

    Attributes
    ----------
    out_channels
        Channels after each layer.
    by_frame
        Leading layers that look at one frame at a time, as the stem does.
    """

    def __init__(
        self,
        inputs: int,
        channels: int,
        *,
        depths: Sequence[int],
        strides: Sequence[int],
        inflate: Sequence[bool],
        stem: Literal["factorised", "7x7"] = "7x7",
        stem_stride: int = 1,
        extra: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.conv1, self.maxpool = _stem(inputs, channels, stem, stem_stride)
        self.out_channels: list[int] = []
        self.by_frame = [*inflate, True].index(True)
        reached = channels
        appended = extra or [0] * len(depths)
        for number, (depth, stride, inflated, more) in enumerate(zip(depths, strides, inflate, appended, strict=True)):
            layer = _layer(reached + more, channels * 2**number, depth=depth, stride=stride, inflate=inflated)
            reached = channels * 2**number * EXPANSION
            self.add_module(f"layer{number + 1}", layer)
            self.out_channels.append(reached)

    def stem(self, x: Tensor) -> Tensor:
        """Map (B, inputs, T, H, W) to (B, channels, T, H', W')."""
        result: Tensor = self.maxpool(self.conv1(x))
        return result

    def layer(self, number: int, x: Tensor) -> Tensor:
        """Run one layer, the first is 1: for a caller that does something in between."""
        result: Tensor = self.get_submodule(f"layer{number}")(x)
        return result

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, T, H, W) to the features of the last layer."""
        x = self.stem(x)
        for number in range(1, len(self.out_channels) + 1):
            x = self.layer(number, x)
        return x


def _stem(inputs: int, channels: int, kind: str, stride: int) -> tuple[nn.Module, nn.Module]:
    pool = ImagePool(stride)
    if kind == "factorised":
        reduce, spatial = ConvNorm(inputs, channels, (1, 1, 1)), ConvNorm(channels, channels, (1, 3, 3), stride=stride)
        return nn.Sequential(OrderedDict(reduce=reduce, spatial=spatial)), pool
    return ConvNorm(inputs, channels, (1, 7, 7), stride=stride), pool


def _layer(inputs: int, width: int, *, depth: int, stride: int, inflate: bool) -> nn.Sequential:
    first = Bottleneck(inputs, width, stride=stride, inflate=inflate)
    rest = (Bottleneck(width * EXPANSION, width, stride=1, inflate=inflate) for _ in range(depth - 1))
    return nn.Sequential(first, *rest)


def rgb_stream(config: RgbStream, extra: Sequence[int] = ()) -> ResNet3d:
    """Build the stream of the crops: (B, 3, T, S, S) to (B, 32 * channels, T, S / 32, S / 32)."""
    return ResNet3d(
        3,
        config.channels,
        depths=config.depths,
        strides=RGB_STRIDES,
        inflate=config.inflate,
        stem="7x7",
        stem_stride=2,
        extra=extra,
    )


def pose_stream(config: PoseStream, extra: Sequence[int] = ()) -> ResNet3d:
    """Build the stream of the heatmaps: (B, K, T, Q, Q) to (B, 16 * channels, T, Q / 8, Q / 8)."""
    return ResNet3d(
        NUM_KEYPOINTS if config.keypoints is None else len(config.keypoints),
        config.channels,
        depths=config.depths,
        strides=POSE_STRIDES,
        inflate=config.inflate,
        stem=config.stem,
        stem_stride=1,
        extra=extra,
    )
