"""The recogniser: the streams, what they tell each other, and a head for each way of looking at a clip.

Shapes: B batch, C classes, K keypoints, S crop side, Q heatmap side, R frames of the RGB stream, P of the pose stream.
"""

from typing import cast

import torch
from torch import Tensor, nn

from camfuse.config import Model, Part
from camfuse.model.fusion.base import Channels, FusionBlock
from camfuse.model.fusion.mode import fusion_type
from camfuse.model.resnet3d import EXPANSION, pose_stream, rgb_stream

HEADS: dict[Part, tuple[str, ...]] = {"rgb": ("rgb",), "pose": ("pose",), "fusion": ("rgb", "pose", "joint")}
"""The heads of each part, in the order of the config's weights."""
RGB_MEAN, RGB_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""ImageNet's, of 0..255, in RGB order, as in RGBPoseConv3D's recipe."""
STAGES = ("s2", "s3", "s4")
"""Where the streams can meet: after RGB layer 2 / 3 / 4 and pose layer 1 / 2 / 3."""


class Head(nn.Module):
    """Average over time and space, dropout, one linear layer."""

    def __init__(self, channels: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, num_classes)
        nn.init.normal_(self.fc.weight, std=0.01)
        nn.init.zeros_(self.fc.bias)

    def forward(self, pooled: Tensor) -> Tensor:
        """Map pooled features (B, channels) to logits (B, C)."""
        result: Tensor = self.fc(self.dropout(pooled))
        return result


class Recogniser(nn.Module):
    """One stream, or both and what they tell each other.

    The parameters of a stream have the same names in a single-stream recogniser and in a fused one
    (``rgb.*``, ``head_rgb.*``, ``pose.*``, ``head_pose.*``); only ``fusion.*`` and ``head_joint.*`` are new there.
    Where the fusion adds channels to a stream, some of them have more inputs there (`wider_inputs`).

    Parameters
    ----------
    config
        The config's section ``model``.
    num_classes
        C.
    part
        Which of the recipe's three trainings the recogniser is for.
    """

    mean: Tensor
    std: Tensor
    keypoints: Tensor | None

    def __init__(self, config: Model, *, num_classes: int, part: Part) -> None:
        super().__init__()
        self.part = part
        self.rgb = self.head_rgb = self.pose = self.head_pose = self.head_joint = None
        self.fusion = nn.ModuleDict()
        way = fusion_type(config.fusion.mode) if part == "fusion" else None
        widths = {stage: _channels(stage, config) for stage in (config.fusion.stages if way else ())}
        extra = [way.extra_channels(widths[s]) if way and s in widths else Channels(0, 0) for s in STAGES]
        rgb_width = pose_width = 0
        if part != "pose":
            self.rgb = rgb_stream(config.rgb, extra=(0, 0, *(one.rgb for one in extra[:-1])))
            rgb_width = self.rgb.out_channels[-1] + extra[-1].rgb
            self.head_rgb = Head(rgb_width, num_classes, config.rgb.dropout)
        if part != "rgb":
            self.pose = pose_stream(config.pose, extra=(0, *(one.pose for one in extra[:-1])))
            pose_width = self.pose.out_channels[-1] + extra[-1].pose
            self.head_pose = Head(pose_width, num_classes, config.pose.dropout)
        if part == "fusion":
            self.head_joint = Head(rgb_width + pose_width, num_classes, max(config.rgb.dropout, config.pose.dropout))
        if way:
            self.fusion.update({stage: way(channels, config.fusion) for stage, channels in widths.items()})
        chosen = config.pose.keypoints
        self.register_buffer("keypoints", None if chosen is None else torch.tensor(chosen), persistent=False)
        self.register_buffer("mean", torch.tensor(RGB_MEAN).view(1, 3, 1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(RGB_STD).view(1, 3, 1, 1, 1), persistent=False)

    def forward(self, rgb: Tensor | None, heatmaps: Tensor | None) -> dict[str, Tensor]:
        """Return the logits (B, C) of each head that its input is there for.

        Parameters
        ----------
        rgb
            Crops (B, 3, R, S, S), uint8, RGB order; None for a recogniser without that stream, or to use a fused
            one with one modality only.
        heatmaps
            Heatmaps (B, K, P, Q, Q), uint8, 255 = score 1; None likewise.

        Raises
        ------
        ValueError
            If nothing is given that the recogniser has a stream for.
        """
        x_rgb, x_pose = self._stems(rgb, heatmaps)
        if x_rgb is None and x_pose is None:
            raise ValueError(f"expected the input of a recogniser for {self.part}, found none")
        visible = None if heatmaps is None else seen_frames(self._chosen(heatmaps))
        for level, stage in enumerate(STAGES, start=1):
            if self.rgb is not None and x_rgb is not None:
                x_rgb = self.rgb.layer(level + 1, x_rgb)
            if self.pose is not None and x_pose is not None:
                x_pose = self.pose.layer(level, x_pose)
            if stage in self.fusion:
                x_rgb, x_pose = self.fusion[stage](x_rgb, x_pose, visible)
        return self._classified(x_rgb, x_pose)

    def _chosen(self, heatmaps: Tensor) -> Tensor:
        return heatmaps if self.keypoints is None else heatmaps[:, self.keypoints]

    def _stems(self, rgb: Tensor | None, heatmaps: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        x_rgb = x_pose = None
        if self.rgb is not None and rgb is not None:
            x_rgb = self.rgb.layer(1, self.rgb.stem(_as_float(rgb).sub_(self.mean).div_(self.std)))
        if self.pose is not None and heatmaps is not None:
            x_pose = self.pose.stem(_as_float(self._chosen(heatmaps)).div_(255))
        return x_rgb, x_pose

    def _classified(self, x_rgb: Tensor | None, x_pose: Tensor | None) -> dict[str, Tensor]:
        logits, pooled = {}, []
        for name, head, x in (("rgb", self.head_rgb, x_rgb), ("pose", self.head_pose, x_pose)):
            if head is not None and x is not None:
                pooled.append(x.mean((2, 3, 4)))
                logits[name] = head(pooled[-1])
        if self.head_joint is not None and len(pooled) == 2:
            logits["joint"] = self.head_joint(torch.cat(pooled, 1))
        return logits

    def new_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that no single-stream training has seen: the fusion's and the joint head's."""
        joint = [] if self.head_joint is None else list(self.head_joint.parameters())
        return [*self.fusion.parameters(), *joint]

    def wider_inputs(self) -> dict[str, int]:
        """Return the weights that see further channels than in a single-stream recogniser, and how many.

        The further channels come last on the weight's second axis.
        """
        wider: dict[str, int] = {}
        for stage, block in self.fusion.items():
            level, extra = STAGES.index(stage), cast(FusionBlock, block).extra
            for stream, layer, more in (("rgb", level + 3, extra.rgb), ("pose", level + 2, extra.pose)):
                if more and stage == STAGES[-1]:
                    wider[f"head_{stream}.fc.weight"] = more
                elif more:
                    wider |= {f"{stream}.layer{layer}.0.{part}.conv.weight": more for part in ("conv1", "downsample")}
        return wider


def _channels(stage: str, config: Model) -> Channels:
    """Return the streams' own channels at a stage."""
    level = STAGES.index(stage)
    return Channels(config.rgb.channels * EXPANSION * 2 ** (level + 1), config.pose.channels * EXPANSION * 2**level)


def _as_float(x: Tensor) -> Tensor:
    """Return a float copy, which may be edited in place: twice as fast on a CPU as arithmetic on uint8."""
    return x.to(torch.float32, copy=True)


def seen_frames(heatmaps: Tensor) -> Tensor:
    """Return (B, P) bool: which frames of (B, K, P, Q, Q) show any keypoint."""
    return heatmaps.flatten(3).amax(3).amax(1) > 0


def build_recogniser(config: Model, *, num_classes: int, part: Part) -> Recogniser:
    """Build a recogniser with random weights."""
    return Recogniser(config, num_classes=num_classes, part=part)
