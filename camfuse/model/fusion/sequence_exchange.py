"""The sequence stream's tokens in ST-CAF: what they tell the streams on a grid, and what these tell them.

The paper has no such stream; this is ours. It sits behind the last stage, where a token of RGB or pose has seen most:
every moment of the sequence attends to all tokens of the grid, and every token of the grid to all moments, both ways
computed from the same inputs. As in ST-CAF between RGB and pose, the last projections start at zero, so that the fused
network begins as its streams, bit for bit, and a stream gets nothing but messages.

Shapes: B batch, W channels of the sequence, L its moments, C channels of a stream on a grid, T its frames, H W grid,
D width of the attention.
"""

import torch
from torch import Tensor, nn

from camfuse.config import Fusion
from camfuse.model.fusion.base import drop_samples
from camfuse.model.fusion.cross_attention import CrossAttention, PositionEmbedding


class SequenceExchange(nn.Module):
    """The exchange with one stream on a grid.

    Parameters
    ----------
    grid_channels, sequence_channels
        C and W.
    config
        ``model.fusion``.
    """

    def __init__(self, grid_channels: int, sequence_channels: int, config: Fusion) -> None:
        super().__init__()
        width = config.width
        self.modality_dropout = config.modality_dropout
        self.in_grid = nn.Sequential(nn.LayerNorm(grid_channels), nn.Linear(grid_channels, width), nn.LayerNorm(width))
        self.in_sequence = nn.Sequential(
            nn.LayerNorm(sequence_channels), nn.Linear(sequence_channels, width), nn.LayerNorm(width)
        )
        self.position = PositionEmbedding(width)
        self.to_grid = CrossAttention(width, config.heads, config.dropout)
        self.to_sequence = CrossAttention(width, config.heads, config.dropout)
        self.out_grid = nn.Linear(width, grid_channels, bias=False)
        self.out_sequence = nn.Linear(width, sequence_channels, bias=False)
        nn.init.zeros_(self.out_grid.weight)
        nn.init.zeros_(self.out_sequence.weight)

    def forward(self, grid: Tensor, sequence_BWL: Tensor, visible_BT: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the messages to the grid (B, C, T, H, W) and to the sequence (B, W, L).

        Parameters
        ----------
        grid
            (B, C, T, H, W).
        sequence_BWL
            (B, W, L).
        visible_BT
            Which frames of the grid show somebody; None for all.
        """
        shape = grid.shape[2:]
        tokens_BND = self.in_grid(grid.flatten(2).mT)  # (B, C, T, H, W) -> (B, T H W, D)
        moments_BLD = self.in_sequence(sequence_BWL.mT)
        placed_BND = tokens_BND + self.position(*shape).flatten(0, 2)
        placed_BLD = moments_BLD + self.position.times(moments_BLD.shape[1])
        visible_BN = None if visible_BT is None else visible_BT.repeat_interleave(shape[1] * shape[2], 1)
        to_sequence = self._dropped(self.to_sequence(placed_BLD, placed_BND, tokens_BND, visible_BN))
        to_grid = self._dropped(self.to_grid(placed_BND, placed_BLD, moments_BLD, None))
        return self.out_grid(to_grid).mT.unflatten(2, shape), self.out_sequence(to_sequence).mT

    def _dropped(self, message: Tensor) -> Tensor:
        return drop_samples(message, self.modality_dropout if self.training else 0)


class SequenceExchanges(nn.ModuleDict):
    """The exchanges with all streams on a grid, at once: none sees what another has told.

    Parameters
    ----------
    grids
        Channels C of each stream on a grid, by name.
    sequence_channels
        W.
    config
        ``model.fusion``.
    """

    def __init__(self, grids: dict[str, int], sequence_channels: int, config: Fusion) -> None:
        super().__init__({name: SequenceExchange(grid, sequence_channels, config) for name, grid in grids.items()})
        self.stream_dropout = config.stream_dropout

    def forward(
        self, grids: dict[str, Tensor | None], sequence_BWL: Tensor | None, visible: dict[str, Tensor | None]
    ) -> tuple[dict[str, Tensor | None], Tensor | None]:
        """Return the features with the messages added, of the same shapes; what is not there gets and tells none.

        In training, some samples of a stream have the messages alone (`stream_dropout`).
        """
        if sequence_BWL is None:
            return grids, None
        out, told_BWL = dict(grids), torch.zeros_like(sequence_BWL)
        for name, exchange in self.items():
            grid = grids[name]
            if grid is not None:
                to_grid, to_sequence = exchange(grid, sequence_BWL, visible.get(name))
                out[name], told_BWL = self._own(grid) + to_grid, told_BWL + to_sequence
        return out, self._own(sequence_BWL) + told_BWL

    def _own(self, features: Tensor) -> Tensor:
        return drop_samples(features, self.stream_dropout if self.training else 0)
