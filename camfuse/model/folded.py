"""A trained recogniser for a GPU's test in 16 bits: batch norm, shortcut and ReLU inside the convolutions.

Once batch norm's statistics are fixed, it is a factor and a number added per channel: the factor goes into the
convolution's weights. cuDNN adds the rest, and cuts at zero, in the kernel of the convolution itself, where torch's
layers each read and write the whole volume once more: the full-size network does 1.4 times as many clips a second so
(H200), without the time that compiling takes.

Shapes: B batch, C channels, T frames, H W grid.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from camfuse.model.layers import CHANNELS_STEP, as_clips, as_images, with_even_channels
from camfuse.model.recogniser import Recogniser
from camfuse.model.resnet3d import Bottleneck, ConvNorm


class FoldedConv(nn.Module):
    """A convolution, its batch norm and, unless `activate` is false, ReLU, as one convolution in 2D.

    Parameters
    ----------
    layers
        The trained layers.
    dtype
        What it computes in.
    activate
        ReLU at the end; None as the layers have it.
    affine
        Factor and number added of each channel, (C,) each; left out, batch norm's own. Without a number nothing is
        added.

    Attributes
    ----------
    fused
        Whether a GPU takes cuDNN's kernel for all of it: where ReLU ends it and its channels come by eights, as those
        kernels want them; others are a convolution and what follows.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        layers: ConvNorm,
        dtype: torch.dtype,
        *,
        activate: bool | None = None,
        affine: tuple[Tensor, Tensor | None] | None = None,
    ) -> None:
        super().__init__()
        frames, height, width = layers.conv.kernel_size
        self._over_time = frames > 1
        self._activate = isinstance(layers.relu, nn.ReLU) if activate is None else activate
        self._stride = layers.conv.stride[1:]
        self._padding = (frames // 2, 0) if self._over_time else (height // 2, width // 2)
        factor, added = affine_of(layers) if affine is None else affine
        weight = layers.conv.weight.detach() * factor.view(-1, 1, 1, 1, 1)
        flat = weight.flatten(3) if self._over_time else weight.squeeze(2)
        flat = with_even_channels(flat.to(dtype)).contiguous(memory_format=torch.channels_last)
        self.fused = self._activate and len(flat) % CHANNELS_STEP == 0
        self.register_buffer("weight", flat, persistent=False)
        self.register_buffer("bias", None if added is None else added.to(dtype), persistent=False)

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        """Map (B, C, T, H, W) to (B, outputs, T, H / stride, W / stride); `shortcut`, of that shape, is added."""
        flat = self._flat(x.to(self.weight.dtype))
        if flat.shape[1] < self.weight.shape[1]:
            flat = with_even_channels(flat)
        added = None if shortcut is None else self._flat(shortcut)
        y = self._convolved(flat, added)
        return y.unflatten(3, x.shape[3:]) if self._over_time else as_clips(y, len(x))

    def _flat(self, x: Tensor) -> Tensor:
        """View clips as images: of T rows and H W columns, or B T of H rows and W columns."""
        return x.flatten(3) if self._over_time else as_images(x)

    def _convolved(self, x: Tensor, added: Tensor | None) -> Tensor:
        options = self._stride, self._padding, (1, 1), 1
        result: Tensor
        if x.is_cuda and self.fused:
            if added is None:
                result = torch.cudnn_convolution_relu(x, self.weight, self.bias, *options)
            else:
                result = torch.cudnn_convolution_add_relu(x, self.weight, added, 1.0, self.bias, *options)
            return result
        result = functional.conv2d(x, self.weight, self.bias, *options)
        result = result if added is None else result + added
        return functional.relu(result) if self._activate else result


class FoldedBottleneck(nn.Module):
    """A `Bottleneck` whose shortcut is added by its last convolution."""

    def __init__(self, block: Bottleneck, dtype: torch.dtype) -> None:
        super().__init__()
        self.conv1, self.conv2 = FoldedConv(block.conv1, dtype), FoldedConv(block.conv2, dtype)
        factor, added = affine_of(block.conv3)
        self.downsample: FoldedConv | None = None
        if block.downsample is not None:
            # what the shortcut's convolution would add to each channel, the last one adds
            of_shortcut, more = affine_of(block.downsample)
            self.downsample = FoldedConv(block.downsample, dtype, affine=(of_shortcut, None))
            added = added + more
        self.conv3 = FoldedConv(block.conv3, dtype, activate=True, affine=(factor, added))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, outputs, T, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        result: Tensor = self.conv3(self.conv2(self.conv1(x)), shortcut)
        return result


def affine_of(layers: ConvNorm) -> tuple[Tensor, Tensor]:
    """Return what batch norm multiplies each channel with, and what it adds, in a test; (C,) each."""
    norm = layers.bn
    assert norm.running_mean is not None and norm.running_var is not None
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return factor.detach(), (norm.bias - norm.running_mean * factor).detach()


def fold(model: Recogniser, dtype: torch.dtype) -> Recogniser:
    """Fold every layer of the streams on grids, in place, for tests only; what is between the streams stays.

    Parameters
    ----------
    model
        Trained; it must not be saved or trained any more.
    dtype
        What the convolutions compute in.
    """
    for stream in (model.rgb, model.pose):
        if stream is not None:
            _fold_children(stream, dtype)
    return model


def _fold_children(module: nn.Module, dtype: torch.dtype) -> None:
    for name, child in module.named_children():
        if isinstance(child, Bottleneck):
            setattr(module, name, FoldedBottleneck(child, dtype))
        elif isinstance(child, ConvNorm):
            setattr(module, name, FoldedConv(child, dtype))
        else:
            _fold_children(child, dtype)


FUSES = (8, 0)
"""Compute capability from which on cuDNN's fused convolutions take bf16, which torch emulates below it."""


def folds(device: torch.device) -> bool:
    """Return whether a test in 16 bits folds on a device: on an NVIDIA GPU whose cuDNN has the fused convolutions."""
    if device.type != "cuda" or torch.version.cuda is None:
        return False
    return torch.cuda.get_device_capability(device) >= FUSES
