"""The sequence stream: the channels of a signer's points over time, read part by part.

Body, face and each hand have an encoder of their own, and both hands have the same one (`camfuse.data.sequence`
mirrors the left hand for it), so that what is learnt of one hand serves the other. Then their channels are mixed. Every
block is a depthwise and a pointwise convolution over time whose answer is added to its input.

Shapes: B batch, F channels of the input (`camfuse.data.sequence.CHANNELS`), T frames, W width, C classes, M members.
Inside, time is the height of an image of one column, channels last: on a CPU, oneDNN's 2D convolutions are three times
as fast there as its 1D ones.
"""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

HANDS = ("left", "right")
"""Parts that one encoder reads."""


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
    """One reader of a sequence, from its channels to features over time.

    Parameters
    ----------
    parts
        Name of each part and where its channels stand among the F; `HANDS` are read by the same weights.
    widths
        Channels of each part's encoder, by name; both hands go by ``left``.
    width
        W, channels of the features.
    depth
        Blocks of each encoder, and as many after the parts are mixed.
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
        self,
        parts: Mapping[str, slice],
        *,
        widths: Mapping[str, int],
        width: int = 128,
        depth: int = 2,
        kernel: int = 7,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.out_channels = width
        self._parts = dict(parts)
        self.encoders = nn.ModuleDict()
        for name, place in parts.items():
            if (reader := _reader(name)) not in self.encoders:
                blocks = [SequenceBlock(widths[reader], kernel, dropout) for _ in range(depth)]
                channels = place.stop - place.start
                self.encoders[reader] = nn.Sequential(
                    nn.BatchNorm2d(channels), nn.Conv2d(channels, widths[reader], 1), *blocks
                )
        self.mix = nn.Conv2d(sum(widths[_reader(name)] for name in parts), width, 1)
        self.blocks = nn.Sequential(*(SequenceBlock(width, kernel, dropout) for _ in range(depth)))
        self.norm = nn.BatchNorm2d(width)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x_BFT: Tensor) -> Tensor:
        """Map the channels (B, F, T) to features (B, W, T)."""
        x = x_BFT[..., None].contiguous(memory_format=torch.channels_last)
        encoded = [self.encoders[_reader(name)](x[:, place]) for name, place in self._parts.items()]
        features: Tensor = self.norm(self.blocks(self.mix(torch.cat(encoded, 1))))
        return features[..., 0]


def _reader(part: str) -> str:
    return HANDS[0] if part in HANDS else part


def pooled(features_BWT: Tensor) -> Tensor:
    """Return mean and maximum over time, (B, 2 W): how a sign is on the whole, and what it shows once."""
    return torch.cat([features_BWT.mean(-1), features_BWT.amax(-1)], 1)


class SequenceRecogniser(nn.Module):
    """Several readers of the same sequence with a head each, whose probabilities are averaged.

    Members differ by their random start alone; in training each has a loss of its own. They are small, so that three
    cost little and take away most of what a single one owes to chance.

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
