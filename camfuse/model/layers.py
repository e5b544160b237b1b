"""The streams' convolution and batch norm, in the forms that the devices are fastest at, and zeros for channels."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Conv3d(nn.Conv3d):
    """`torch.nn.Conv3d`, padded by half the kernel; on a CPU, one that only spans frames runs in 2D, frames x pixels.

    Torch leaves 3D kernels of one pixel to its slow path where batch and threads are few; the 2D form goes to oneDNN:
    2.0 to 3.5 times faster there (one thread, batch 8, forward and backward), a tenth of the demo's training step.
    Other kernels and other devices take torch's own way.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Map (B, inputs, T, H, W) to (B, outputs, T, H / stride, W / stride)."""
        frames, *pixel = self.kernel_size
        if input.device.type != "cpu" or frames == 1 or pixel != [1, 1] or self.stride != (1, 1, 1):
            return super().forward(input)
        flat: Tensor = functional.conv2d(input.flatten(3), self.weight.flatten(3), self.bias, padding=(frames // 2, 0))
        result: Tensor = flat.unflatten(3, input.shape[3:])
        return result


class BatchNorm3d(nn.BatchNorm3d):
    """`torch.nn.BatchNorm3d`; on a GPU with channels last, frames and rows are one axis.

    Torch has kernels for channels last with four axes, and takes general ones for five: a bf16 training step of the
    whole model is 1.07 times as fast so (H200).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to the same shape."""
        last = input.is_contiguous(memory_format=torch.channels_last_3d) and not input.is_contiguous()
        if not (input.is_cuda and last):
            return super().forward(input)
        flat = super().forward(input.flatten(2, 3))  # (B, C, T H, W), a view
        result: Tensor = flat.unflatten(2, input.shape[2:4])
        return result

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in (4, 5):
            raise ValueError(f"expected (B, C, T, H, W), found {tuple(input.shape)}")


def zeros_behind(x: Tensor, extra: int) -> Tensor:
    """Return (B, C, ...) with `extra` channels of zeros behind its own."""
    return functional.pad(x, (0, 0) * (x.dim() - 2) + (0, extra)) if extra else x
