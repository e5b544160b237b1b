"""ST-CAF: space-time cross-attention fusion between the RGB and the pose stream.

The paper (Gao et al., IEEE TCSS 2025) publishes the name and the aim: at the deeper stages each stream learns
from the other what it lacks. The inside is this project's design:

* both directions are computed from the same inputs, at once;
* ``divided``: first along time at each place, then over space at each time; ``time``, ``space``, ``joint``: only that;
* the streams are aligned: they share one grid, and RGB frame t belongs to the pose frames of group t;
* the last projection starts at zero, so that at step 0 the network equals the two streams, bit for bit;
* a stream gets nothing but messages from the other: where the other is missing, it equals itself alone.

Shapes: B batch, C channels of a stream, D width of the attention, H W grid, T frames of a stream, R frames of the
RGB stream, P frames of the pose stream.
"""

import torch
from torch import Tensor, nn

from camfuse.config import Fusion, FusionMode
from camfuse.model.fusion.base import Channels, FusionBlock, check_grids, drop_samples
from camfuse.model.fusion.cross_attention import CrossStep, Kind, PositionEmbedding


class CrossModalFusion(FusionBlock):
    """ST-CAF at one stage.

    Parameters
    ----------
    channels
        Of the two streams there.
    config
        ``model.fusion``; its mode is one that `kinds` knows.
    """

    def __init__(self, channels: Channels, config: Fusion) -> None:
        super().__init__(channels, config)
        width = config.width
        self.stream_dropout = config.stream_dropout
        self.norm_rgb = nn.LayerNorm(channels.rgb)
        self.norm_pose = nn.LayerNorm(channels.pose)
        self.in_rgb = nn.Linear(channels.rgb, width)  # a 1x1x1 convolution, on channels-last tokens
        self.in_pose = nn.Linear(channels.pose, width)
        self.position = PositionEmbedding(width)
        self.steps = nn.ModuleList(
            CrossStep(kind, width, config.heads, config.dropout) for kind in self.kinds(config.mode)
        )
        self.out_rgb = nn.Linear(width, channels.rgb, bias=False)
        self.out_pose = nn.Linear(width, channels.pose, bias=False)
        nn.init.zeros_(self.out_rgb.weight)
        nn.init.zeros_(self.out_pose.weight)

    @staticmethod
    def kinds(mode: FusionMode) -> tuple[Kind, ...]:
        """Return which tokens attend to which, step by step."""
        match mode:
            case "divided":
                return ("time", "space")
            case "time" | "space" | "joint":
                return (mode,)
            case _:
                raise ValueError(f"expected a mode of ST-CAF, found {mode}")

    def shown(self, tokens: Tensor) -> Tensor:
        """Return what the streams see of each other's tokens (B, T, H, W, D): all."""
        return tokens

    def told(self, x: Tensor, message: Tensor) -> Tensor:
        """Return a stream's features (B, C, T, H, W) with the message, of the same shape, added.

        In training, some samples have the message alone (`stream_dropout`).
        """
        return drop_samples(x, self.stream_dropout if self.training else 0) + message

    def join(self, rgb: Tensor, pose: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """Exchange messages; RGB does not look at pose frames without anybody."""
        check_grids(rgb, pose)
        rgb_tokens = self.shown(self.in_rgb(self.norm_rgb(rgb.movedim(1, -1))))  # (B, C, T, H, W) -> (B, T, H, W, D)
        pose_tokens = self.shown(self.in_pose(self.norm_pose(pose.movedim(1, -1))))
        grid = rgb_tokens.shape[2], rgb_tokens.shape[3]
        position_rgb, position_pose = self.position(rgb.shape[2], *grid), self.position(pose.shape[2], *grid)
        to_rgb, to_pose = torch.zeros_like(rgb_tokens), torch.zeros_like(pose_tokens)
        for step in self.steps:
            new_rgb, new_pose = step(rgb_tokens + to_rgb, pose_tokens + to_pose, position_rgb, position_pose, visible)
            to_rgb, to_pose = to_rgb + new_rgb, to_pose + new_pose
        to_rgb = self.out_rgb(self.drop_messages(to_rgb)).movedim(-1, 1)
        to_pose = self.out_pose(self.drop_messages(to_pose)).movedim(-1, 1)
        return self.told(rgb, to_rgb), self.told(pose, to_pose)
