"""The sequence stream: the channels of a signer's points over time, read by convolutions.

A block is a depthwise and a pointwise convolution over time whose answer is added to its input. What else was tried,
and what was not, stands in `benchmarks/results/real_people_choices.md`.

Shapes: B batch, F channels of the input (`camfuse.data.sequence.CHANNELS`), T frames, W width, C classes, M members.
Inside, time is the height of an image of one column, channels last: on a CPU, the depthwise convolution is three times
as fast so as in one dimension.
"""

from typing import cast

import torch
from torch import Tensor, nn


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
    in_channels
        F.
    width
        W, channels of the features.
    depth
        Number of blocks.
    kernel
        Frames that a block's convolution spans, odd.
    dropout
        In each block.

    Attributes
    ----------
    out_channels
        W.
    """

    def __init__(
        self, in_channels: int, *, width: int = 128, depth: int = 4, kernel: int = 7, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.out_channels = width
        self.stem = nn.Conv2d(in_channels, width, 1)
        self.blocks = nn.Sequential(*(SequenceBlock(width, kernel, dropout) for _ in range(depth)))
        self.norm = nn.BatchNorm2d(width)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x_BFT: Tensor) -> Tensor:
        """Map the channels (B, F, T) to features (B, W, T)."""
        x = x_BFT[..., None].contiguous(memory_format=torch.channels_last)
        features: Tensor = self.norm(self.blocks(self.stem(x)))
        return features[..., 0]


def pooled(features_BWT: Tensor) -> Tensor:
    """Return mean and maximum over time, (B, 2 W): how a sign is on the whole, and what it shows once."""
    return torch.cat([features_BWT.mean(-1), features_BWT.amax(-1)], 1)


class SequenceRecogniser(nn.Module):
    """Several readers of the same sequence with a head each, whose probabilities are averaged.

    Members differ by their random start alone; in training each has a loss of its own.

    Parameters
    ----------
    members
        The M streams.
    num_classes
        C.
    dropout
        Before each classifier.
    """

    def __init__(self, members: list[SequenceStream], *, num_classes: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * member.out_channels, num_classes)) for member in members
        )

    def forward(self, x_BFT: Tensor) -> Tensor:
        """Map the channels (B, F, T) to the logits of each member, (M, B, C)."""
        pairs = zip(self.members, self.heads, strict=True)
        return torch.stack([head(pooled(member(x_BFT))) for member, head in pairs])

    def features(self, x_BFT: Tensor) -> Tensor:
        """Map the channels (B, F, T) to the members' features side by side, (B, M W, T): tokens for a fusion."""
        return torch.cat([cast(Tensor, member(x_BFT)) for member in self.members], 1)


def probabilities(logits_MBC: Tensor) -> Tensor:
    """Return (B, C): the mean over the members."""
    return logits_MBC.softmax(-1).mean(0)


def member_loss(logits_MBC: Tensor, targets_BC: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Return the cross-entropy of each member, averaged; targets are probabilities or one-hot, (B, C)."""
    flat = logits_MBC.flatten(0, 1)
    targets = targets_BC.repeat(len(logits_MBC), 1)
    return nn.functional.cross_entropy(flat, targets, label_smoothing=smoothing)
