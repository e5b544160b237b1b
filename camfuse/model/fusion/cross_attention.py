"""What ST-CAF is made of: positions, attention of one stream's tokens to the other's, one exchange of messages.

Shapes: B batch, D width of the attention, H W grid, T frames of a stream, R frames of the RGB stream, P frames of the
pose stream, A = P / R; in `CrossAttention` G groups, N queries, M keys of each.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camfuse.model.layers import group_mean

TIME_STEPS, SIDE = 32, 16
"""Size of the learned position tables (the paper's size at s3); interpolated to any other."""
Kind = Literal["time", "space", "joint"]
SHORT = 1024
"""Pairs of a query and a key in a group, up to which a GPU multiplies them out: the fused kernels are made for long
sequences, and take 1.6 to 2.7 times as long for 8 and 32 frames (H200, forward and backward, compiled)."""


class PositionEmbedding(nn.Module):
    """One learned vector per time, row and column; both streams share it, so that same place means same vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.time = nn.Parameter(torch.randn(TIME_STEPS, width) * 0.02)
        self.row = nn.Parameter(torch.randn(SIDE, width) * 0.02)
        self.column = nn.Parameter(torch.randn(SIDE, width) * 0.02)

    def forward(self, frames: int, height: int, width: int) -> Tensor:
        """Return (frames, height, width, D)."""
        row, column = _resize(self.row, height), _resize(self.column, width)
        return self.times(frames)[:, None, None] + row[:, None] + column

    def times(self, frames: int) -> Tensor:
        """Return (frames, D), for tokens that have no place."""
        return _resize(self.time, frames)


def _resize(table_ND: Tensor, size: int) -> Tensor:
    """Interpolate; the whole table spans the whole axis, so an RGB step lies in the middle of its pose group."""
    if len(table_ND) == size:
        return table_ND
    return F.interpolate(table_ND.T[None], size=size, mode="linear", align_corners=False)[0].T


class CrossAttention(nn.Module):
    """Multi-head attention of one stream's tokens to the other's."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query_GND: Tensor, key_GMD: Tensor, value_GMD: Tensor, visible_GM: Tensor | None) -> Tensor:
        """Return the messages (G, N, D): zero for a group without a visible key.

        Parameters
        ----------
        query_GND, key_GMD, value_GMD
            Tokens; queries and keys carry their position.
        visible_GM
            Which keys may be attended to; None for all.
        """
        query, key = self._split(self.query(query_GND)), self._split(self.key(key_GMD))
        value = self._split(self.value(value_GMD))
        usable = None if visible_GM is None else _usable(visible_GM)[:, None, None]
        short = query.is_cuda and query.shape[2] * key.shape[2] <= SHORT
        attended = (multiplied_out if short else F.scaled_dot_product_attention)(query, key, value, usable)
        message_GND: Tensor = self.dropout(self.out(attended.transpose(1, 2).flatten(2)))
        return message_GND if visible_GM is None else message_GND * visible_GM.any(1)[:, None, None]

    def weights(self, query_GND: Tensor, key_GMD: Tensor, visible_GM: Tensor | None) -> Tensor:
        """Return how much each query takes from each key (G, N, M), float32, mean over the heads.

        Parameters
        ----------
        query_GND, key_GMD, visible_GM
            As in `forward`, which does not need this. Rows sum to 1; to 0 in a group without a visible key.
        """
        queries, keys = self._split(self.query(query_GND)).float(), self._split(self.key(key_GMD)).float()
        scale = queries.shape[-1] ** -0.5
        total = torch.zeros(())
        for head in range(self.heads):  # one by one, as all at once would be large
            scores_GNM = queries[:, head] @ keys[:, head].mT * scale
            if visible_GM is not None:
                scores_GNM = scores_GNM.masked_fill(~_usable(visible_GM)[:, None], -torch.inf)
            total = total.to(scores_GNM.device) + scores_GNM.softmax(-1)
        mean_GNM = total / self.heads
        return mean_GNM if visible_GM is None else mean_GNM * visible_GM.any(1)[:, None, None]

    def _split(self, x_GND: Tensor) -> Tensor:
        return x_GND.reshape(*x_GND.shape[:2], self.heads, -1).transpose(1, 2)  # (G, heads, N, D / heads)


def multiplied_out(query: Tensor, key: Tensor, value: Tensor, usable: Tensor | None) -> Tensor:
    """Return what `scaled_dot_product_attention` does (G, heads, N, D / heads), by products of matrices."""
    scores = query * query.shape[-1] ** -0.5 @ key.mT  # scaled before: float16 ends at 65504
    if usable is not None:
        scores = scores.masked_fill(~usable, -torch.inf)
    attended: Tensor = scores.softmax(-1).to(value.dtype) @ value
    return attended


def _usable(visible_GM: Tensor) -> Tensor:
    """Return the keys to compute with: all of a group that has none, as a row of no keys would give NaN."""
    return visible_GM | ~visible_GM.any(1, keepdim=True)


class CrossStep(nn.Module):
    """One exchange of messages, in both directions."""

    def __init__(self, kind: Kind, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.kind = kind
        self.norm_rgb = nn.LayerNorm(width)
        self.norm_pose = nn.LayerNorm(width)
        self.to_rgb = CrossAttention(width, heads, dropout)
        self.to_pose = CrossAttention(width, heads, dropout)

    def forward(
        self, rgb: Tensor, pose: Tensor, position_rgb: Tensor, position_pose: Tensor, visible: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the messages to RGB (B, R, H, W, D) and to pose (B, P, H, W, D).

        Parameters
        ----------
        rgb, pose
            Tokens (B, R, H, W, D) and (B, P, H, W, D).
        position_rgb, position_pose
            (R, H, W, D) and (P, H, W, D).
        visible
            (B, P) bool: pose frames that show somebody.
        """
        rgb, pose = self.norm_rgb(rgb), self.norm_pose(pose)
        placed_rgb, placed_pose = rgb + position_rgb, pose + position_pose
        if self.kind == "time":
            return self._time(rgb, pose, placed_rgb, placed_pose, visible)
        if self.kind == "space":
            return self._space(rgb, pose, placed_rgb, placed_pose, visible)
        return self._joint(rgb, pose, placed_rgb, placed_pose, visible)

    def _time(
        self, rgb: Tensor, pose: Tensor, placed_rgb: Tensor, placed_pose: Tensor, visible: Tensor
    ) -> tuple[Tensor, Tensor]:
        b, _, h, w, _ = rgb.shape

        def group(x: Tensor) -> Tensor:  # (B, T, H, W, D) -> (B H W, T, D): every place by itself
            return x.permute(0, 2, 3, 1, 4).flatten(0, 2)

        def back(x: Tensor) -> Tensor:  # (B H W, T, D) -> (B, T, H, W, D)
            return x.reshape(b, h, w, *x.shape[1:]).permute(0, 3, 1, 2, 4)

        visible_GP = visible.repeat_interleave(h * w, 0)  # (B, P) -> (B H W, P)
        to_rgb = self.to_rgb(group(placed_rgb), group(placed_pose), group(pose), visible_GP)
        to_pose = self.to_pose(group(placed_pose), group(placed_rgb), group(rgb), None)
        return back(to_rgb), back(to_pose)

    def _space(
        self, rgb: Tensor, pose: Tensor, placed_rgb: Tensor, placed_pose: Tensor, visible: Tensor
    ) -> tuple[Tensor, Tensor]:
        b, r, h, w, _ = rgb.shape
        ratio = pose.shape[1] // r
        visible_BRA = visible.reshape(b, r, ratio)
        share_BRA = visible_BRA / visible_BRA.sum(2, keepdim=True).clamp(min=1)  # mean over the visible frames

        def group(x: Tensor) -> Tensor:  # (B, T, H, W, D) -> (B R, T / R * H * W, D): every RGB time by itself
            return x.reshape(b * r, -1, x.shape[-1])

        def pooled(x: Tensor) -> Tensor:  # (B, P, H, W, D) -> (B R, H W, D)
            return group_mean(x.reshape(b, r, ratio, h, w, -1), share_BRA).reshape(b * r, h * w, -1)

        def back(x: Tensor, frames: int) -> Tensor:  # (B R, T / R * H * W, D) -> (B, T, H, W, D)
            return x.reshape(b, frames, h, w, -1)

        visible_GM = visible_BRA.any(2).reshape(b * r, 1).expand(-1, h * w)
        to_rgb = self.to_rgb(group(placed_rgb), pooled(placed_pose), pooled(pose), visible_GM)
        to_pose = self.to_pose(group(placed_pose), group(placed_rgb), group(rgb), None)
        return back(to_rgb, r), back(to_pose, r * ratio)

    def _joint(
        self, rgb: Tensor, pose: Tensor, placed_rgb: Tensor, placed_pose: Tensor, visible: Tensor
    ) -> tuple[Tensor, Tensor]:
        _, _, h, w, _ = rgb.shape

        def group(x: Tensor) -> Tensor:  # (B, T, H, W, D) -> (B, T H W, D)
            return x.flatten(1, 3)

        visible_GM = visible.repeat_interleave(h * w, 1)  # (B, P) -> (B, P H W)
        to_rgb = self.to_rgb(group(placed_rgb), group(placed_pose), group(pose), visible_GM)
        to_pose = self.to_pose(group(placed_pose), group(placed_rgb), group(rgb), None)
        return to_rgb.reshape(rgb.shape), to_pose.reshape(pose.shape)
