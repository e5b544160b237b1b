"""The sequence stream: the channels of a signer's points over time, read by convolutions.

A block is a depthwise and a pointwise convolution over time whose answer is added to its input. What else was tried,
and what was not, stands in `benchmarks/results/real_people_choices.md`.

Shapes: B batch, F channels of the input (`camfuse.data.sequence_channels.CHANNELS`), T frames, W width.
Inside, time is the height of an image of one column, channels last: on a CPU, the depthwise convolution is three times
as fast so as in one dimension.
"""

import torch
from torch import Tensor, nn

from camfuse.config import SequenceStream as SequenceConfig

IN_CHANNELS = 842
"""F: as many as `camfuse.data.sequence_channels` gives, which this room does not import; a test compares them."""


class SequenceBlock(nn.Sequential):
    """Batch norm, depthwise convolution over time, pointwise convolution, SiLU, dropout; added to the input."""

    def __init__(self, channels: int, kernel: int, dropout: float) -> None:
        super().__init__(
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, channels, (kernel, 1), padding=(kernel // 2, 0), groups=channels),
            nn.Conv2d(channels, channels, 1),
            nn.SiLU(),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, T, 1) to the same shape."""
        y = x
        for layer in self:
            y = layer(y)
        return x + y


class SequenceStream(nn.Module):
    """From the channels of a sequence to features over time.

    Parameters
    ----------
    config
        ``model.sequence``.
    """

    def __init__(self, config: SequenceConfig) -> None:
        super().__init__()
        width = config.width
        self.stem = nn.Conv2d(IN_CHANNELS, width, 1)
        self.blocks = nn.Sequential(
            *(SequenceBlock(width, config.kernel, config.block_dropout) for _ in range(config.depth))
        )
        self.norm = nn.BatchNorm2d(width)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x_BFT: Tensor) -> Tensor:
        """Map the channels (B, F, T) to features (B, W, T)."""
        x = x_BFT[..., None].contiguous(memory_format=torch.channels_last)
        features: Tensor = self.norm(self.blocks(self.stem(x)))
        return features[..., 0]


def pooled_over_time(features_BWT: Tensor) -> Tensor:
    """Return mean and maximum over time, (B, 2 W): how a sign is on the whole, and what it shows once."""
    return torch.cat([features_BWT.mean(-1), features_BWT.amax(-1)], 1)
