"""The streams' convolution, batch norm and pooling in the forms that the devices are fastest at; zeros for channels.

A GPU has its fast kernels for images with channels last. A clip whose channels lie last in memory is frames of such
images, B T of them, and also one image of T rows and H W columns: both are views, so a kernel of one frame is a 2D
convolution over the first, one of one pixel over the second, and no value moves.

Shapes: B batch, C channels, T frames, H W grid.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Conv3d(nn.Conv3d):
    """`torch.nn.Conv3d`, padded by half the kernel, in 2D where that gives the same and is faster.

    On a GPU with channels last every kernel of one frame or of one pixel runs so (`folded_conv`). On a CPU only those
    that span frames: torch leaves 3D kernels of one pixel to its slow path where batch and threads are few; the 2D
    form goes to oneDNN: 2.0 to 3.5 times faster there (one thread, batch 8, forward and backward), a tenth of the
    demo's training step. Other kernels and other devices take torch's own way.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Map (B, inputs, T, H, W) to (B, outputs, T, H / stride, W / stride)."""
        frames, *pixel = self.kernel_size
        over_time = frames > 1 and pixel == [1, 1] and self.stride == (1, 1, 1)
        if (over_time and input.device.type == "cpu") or ((over_time or frames == 1) and _on_gpu_channels_last(input)):
            return folded_conv(input, self.weight, self.bias, stride=self.stride[1])
        return super().forward(input)


CHANNELS_STEP = 8
"""A GPU's fast kernels for 16 bits read channels by eights: for 136 they take a third of the time that 133 take."""


def folded_conv(x: Tensor, weight: Tensor, bias: Tensor | None, *, stride: int = 1) -> Tensor:
    """Convolve as `torch.nn.functional.conv3d` with half the kernel as padding, by a convolution in 2D.

    On a GPU, channels of 16 bits are filled up with zeros (`with_even_channels`).

    Parameters
    ----------
    x
        (B, C, T, H, W); views are taken of it where its channels lie last.
    weight
        (outputs, C, 1, h, w), or (outputs, C, t, 1, 1) at stride 1.
    bias
        (outputs,) or None.
    stride
        Along H and W.
    """
    if x.is_cuda and x.dtype != torch.float32:
        x, weight = with_even_channels(x), with_even_channels(weight)
    frames, height, width = weight.shape[2:]
    result: Tensor
    if frames > 1:
        flat = functional.conv2d(x.flatten(3), weight.flatten(3), bias, padding=(frames // 2, 0))  # (B, C, T, H W)
        result = flat.unflatten(3, x.shape[3:])
        return result
    images = functional.conv2d(as_images(x), weight.squeeze(2), bias, stride=stride, padding=(height // 2, width // 2))
    return as_clips(images, len(x))


class BatchNorm3d(nn.BatchNorm3d):
    """`torch.nn.BatchNorm3d`; on a GPU with channels last, frames and rows are one axis.

    Torch has kernels for channels last with four axes, and takes general ones for five: a bf16 training step of the
    whole model is 1.07 times as fast so (H200).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to the same shape."""
        if not _on_gpu_channels_last(input):
            return super().forward(input)
        flat = super().forward(input.flatten(2, 3))  # (B, C, T H, W), a view
        result: Tensor = flat.unflatten(2, input.shape[2:4])
        return result

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in (4, 5):
            raise ValueError(f"expected (B, C, T, H, W), found {tuple(input.shape)}")


class ImagePool(nn.MaxPool3d):
    """3x3 max pooling of each frame, as B T images with channels last.

    Torch's own serves a GPU whose channels lie first, and exported and compiled networks. On a CPU it takes 12.5 ms
    where this takes 2.0 (the demo's heatmaps, one thread, copies included), which was a third of the pose stream's
    forward pass in float32.
    """

    def __init__(self, stride: int) -> None:
        super().__init__((1, 3, 3), stride=(1, stride, stride), padding=(0, 1, 1))
        self.step = stride

    def forward(self, input: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, C, T, H / stride, W / stride)."""
        if _on_gpu_channels_last(input):
            return folded_pool(input, self.step)
        if input.is_cuda or torch.compiler.is_compiling():
            result: Tensor = super().forward(input)
            return result
        last = not input.is_contiguous() and input.is_contiguous(memory_format=torch.channels_last_3d)
        pooled = folded_pool(input, self.step)
        return pooled if last else pooled.contiguous()


def folded_pool(x: Tensor, stride: int) -> Tensor:
    """Pool as `ImagePool` does, in 2D; the channels of the result lie last."""
    images = as_images(x).contiguous(memory_format=torch.channels_last)
    return as_clips(functional.max_pool2d(images, 3, stride=stride, padding=1), len(x))


def group_mean(x: Tensor, share: Tensor) -> Tensor:
    """Return the weighted mean (B, R, H, W, D) of each group of frames (B, R, A, H, W, D) by its shares (B, R, A).

    On a GPU as a sum, which is read and written once; on a CPU as products of matrices.
    """
    share = share.to(x.dtype)
    mean: Tensor
    if x.is_cuda:
        mean = (x * share[..., None, None, None]).sum(2, dtype=x.dtype)
    else:
        mean = torch.einsum("bra,brahwd->brhwd", share, x)
    return mean


def with_even_channels(x: Tensor) -> Tensor:
    """Return (B, C, ...) with zeros behind its channels up to a multiple of `CHANNELS_STEP`; images' 3 as they are."""
    channels = x.shape[1]
    return zeros_behind(x, -channels % CHANNELS_STEP if channels > CHANNELS_STEP else 0)


def zeros_behind(x: Tensor, extra: int) -> Tensor:
    """Return (B, C, ...) with `extra` channels of zeros behind its own."""
    return functional.pad(x, (0, 0) * (x.dim() - 2) + (0, extra)) if extra else x


def _on_gpu_channels_last(x: Tensor) -> bool:
    return x.is_cuda and x.is_contiguous(memory_format=torch.channels_last_3d) and not x.is_contiguous()


def as_images(x: Tensor) -> Tensor:
    """View clips (B, C, T, H, W) as images (B T, C, H, W)."""
    return x.transpose(1, 2).flatten(0, 1)


def as_clips(x: Tensor, batch: int) -> Tensor:
    """View images (B T, C, H, W) as clips (B, C, T, H, W)."""
    result: Tensor = x.unflatten(0, (batch, -1)).transpose(1, 2)
    return result
