"""The recogniser: the streams, what they tell each other, and a head for each way of looking at a clip.

Shapes: B batch, C classes, K keypoints, S crop side, Q heatmap side, R frames of the RGB stream, P of the pose stream,
F channels and L moments of the sequence.
"""

from collections.abc import Mapping
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from camfuse.config import Model, Part
from camfuse.model.fusion.base import Channels, FusionBlock
from camfuse.model.fusion.mode import fusion_type, joins_sequence
from camfuse.model.fusion.sequence_exchange import SequenceExchanges
from camfuse.model.resnet3d import EXPANSION, pose_stream, rgb_stream
from camfuse.model.sequence import SequenceStream, pooled_over_time

RGB_MEAN, RGB_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""ImageNet's, of 0..255, in RGB order, as in RGBPoseConv3D's recipe."""
STAGES = ("s2", "s3", "s4")
"""Where the streams can meet: after RGB layer 2 / 3 / 4 and pose layer 1 / 2 / 3."""


def heads_of(config: Model, part: Part) -> tuple[str, ...]:
    """Return the heads of a part, in the order of the config's weights."""
    joint = ("joint",) if part == "fusion" else ()
    return (*config.streams_of(part), *joint)


class Head(nn.Module):
    """Dropout and one linear layer on what is pooled over time and space."""

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


class Begun(NamedTuple):
    """What the streams on grids make of frames before they look beyond one frame and at each other.

    Attributes
    ----------
    rgb, pose
        (B, C, R, H, W) and (B, C, P, H, W); None for a stream without input.
    visible
        (B, P) bool: which frames show any keypoint; None without heatmaps.
    """

    rgb: Tensor | None = None
    pose: Tensor | None = None
    visible: Tensor | None = None


class Recogniser(nn.Module):
    """One stream, or several and what they tell each other.

    The parameters of a stream have the same names in a single-stream recogniser and in a fused one (``rgb.*``,
    ``head_rgb.*``, ``pose.*`` ...); only ``fusion.*``, ``exchange.*`` and ``head_joint.*`` are new there. Where the
    fusion adds channels to a stream, some of them have more inputs there (`wider_inputs`).

    Parameters
    ----------
    config
        The config's section ``model``.
    num_classes
        C.
    part
        Which of the recipe's trainings the recogniser is for: one stream's, or `fusion` for all that the config has.

    Attributes
    ----------
    gpu_type
        What autocast computes in on a GPU, float32 without it; `camfuse.model.device.to_memory_format` sets it.
    """

    mean: Tensor
    std: Tensor
    keypoints: Tensor | None

    def __init__(self, config: Model, *, num_classes: int, part: Part) -> None:
        super().__init__()
        self.part = part
        self.gpu_type = torch.float32
        self.rgb = self.pose = self.sequence = self.exchange = None
        self.head_rgb = self.head_pose = self.head_sequence = self.head_joint = None
        self.fusion = nn.ModuleDict()
        streams = config.streams_of(part)
        both = part == "fusion" and "rgb" in streams and "pose" in streams
        way = fusion_type(config.fusion.mode) if config.fusion and both else None
        places = config.fusion.stages if config.fusion and way else ()
        channels = {stage: _channels(stage, config) for stage in places}
        extra = [way.extra_channels(channels[s]) if way and s in channels else Channels(0, 0) for s in STAGES]
        widths: dict[str, int] = {}
        if config.rgb and "rgb" in streams:
            self.rgb = rgb_stream(config.rgb, extra=(0, 0, *(one.rgb for one in extra[:-1])))
            widths["rgb"] = self.rgb.out_channels[-1] + extra[-1].rgb
            self.head_rgb = Head(widths["rgb"], num_classes, config.rgb.dropout)
        if config.pose and "pose" in streams:
            self.pose = pose_stream(config.pose, extra=(0, *(one.pose for one in extra[:-1])))
            widths["pose"] = self.pose.out_channels[-1] + extra[-1].pose
            self.head_pose = Head(widths["pose"], num_classes, config.pose.dropout)
        grids = dict(widths)
        if config.sequence and "sequence" in streams:
            self.sequence = SequenceStream(config.sequence)
            widths["sequence"] = 2 * config.sequence.width
            self.head_sequence = Head(widths["sequence"], num_classes, config.sequence.dropout)
        if part == "fusion":
            dropout = max(getattr(config, stream).dropout for stream in streams)
            self.head_joint = Head(sum(widths.values()), num_classes, dropout)
        if way and config.fusion:
            self.fusion.update({stage: way(found, config.fusion) for stage, found in channels.items()})
        if part == "fusion" and config.fusion and config.sequence and joins_sequence(config.fusion.mode):
            self.exchange = SequenceExchanges(grids, config.sequence.width, config.fusion)
        self._widths = widths
        # layers before the streams meet: of the RGB stream one more
        alone = min((STAGES.index(stage) for stage in self.fusion), default=len(STAGES)) + 1
        self._begins = (
            min(self.rgb.by_frame, alone + 1) if self.rgb else 0,
            min(self.pose.by_frame, alone) if self.pose else 0,
        )
        chosen = config.pose.keypoints if config.pose else None
        self.register_buffer("keypoints", None if chosen is None else torch.tensor(chosen), persistent=False)
        self.register_buffer("mean", torch.tensor(RGB_MEAN).view(1, 3, 1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(RGB_STD).view(1, 3, 1, 1, 1), persistent=False)

    def forward(
        self, rgb: Tensor | None = None, heatmaps: Tensor | None = None, sequence: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the logits (B, C) of each head that its input is there for.

        Parameters
        ----------
        rgb
            Crops (B, 3, R, S, S), uint8, RGB order; not looked at by a recogniser without that stream. None uses a
            fused one without it.
        heatmaps
            Heatmaps (B, K, P, Q, Q), uint8, 255 = score 1; likewise.
        sequence
            Channels (B, F, L) of the keypoints over time; likewise.

        Raises
        ------
        ValueError
            If nothing is given that the recogniser has a stream for.
        """
        return self.read(self.features(rgb, heatmaps, sequence))

    def read(self, pooled: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits (B, C) of each head that sees one of the features of `features`."""
        heads = {"rgb": self.head_rgb, "pose": self.head_pose, "sequence": self.head_sequence}
        logits = {name: head(pooled[name]) for name, head in heads.items() if head is not None and name in pooled}
        if self.head_joint is not None and pooled.keys() == self._widths.keys():
            logits["joint"] = self.head_joint(torch.cat(list(pooled.values()), 1))
        return logits

    def features(
        self, rgb: Tensor | None = None, heatmaps: Tensor | None = None, sequence: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return what the heads see of each stream that its input is there for, (B, its channels), as `forward`."""
        return self.finish(self.begin(rgb, heatmaps), sequence)

    def begin(self, rgb: Tensor | None = None, heatmaps: Tensor | None = None) -> Begun:
        """Run what looks at each frame by itself, so that a frame which several samplings show is looked at once."""
        x_rgb, x_pose = self._stems(rgb, heatmaps)
        rgb_layers, pose_layers = self._begins
        if self.rgb is not None and x_rgb is not None:
            for number in range(1, rgb_layers + 1):
                x_rgb = self.rgb.layer(number, x_rgb)
        if self.pose is not None and x_pose is not None:
            for number in range(1, pose_layers + 1):
                x_pose = self.pose.layer(number, x_pose)
        visible = None if heatmaps is None or x_pose is None else seen_frames(self._chosen(heatmaps))
        return Begun(x_rgb, x_pose, visible)

    def finish(self, begun: Begun, sequence: Tensor | None = None) -> dict[str, Tensor]:
        """Return what `features` does, of the same clips."""
        x_rgb, x_pose, visible = begun
        x_sequence = None if self.sequence is None or sequence is None else self.sequence(sequence)
        if x_rgb is None and x_pose is None and x_sequence is None:
            raise ValueError(f"expected the input of a recogniser for {self.part}, found none")
        rgb_layers, pose_layers = self._begins
        for level, stage in enumerate(("", *STAGES)):
            if self.rgb is not None and x_rgb is not None and level + 1 > rgb_layers:
                x_rgb = self.rgb.layer(level + 1, x_rgb)
            if self.pose is not None and x_pose is not None and level > pose_layers:
                x_pose = self.pose.layer(level, x_pose)
            if stage in self.fusion:
                x_rgb, x_pose = self.fusion[stage](x_rgb, x_pose, visible)
        grids = {"rgb": x_rgb, "pose": x_pose}
        if self.exchange is not None:
            grids, x_sequence = self.exchange(grids, x_sequence, {"pose": visible})
        found = {name: x.mean((2, 3, 4)) for name, x in grids.items() if x is not None}
        return found if x_sequence is None else found | {"sequence": pooled_over_time(x_sequence)}

    def _chosen(self, heatmaps: Tensor) -> Tensor:
        return heatmaps if self.keypoints is None else heatmaps[:, self.keypoints]

    def _stems(self, rgb: Tensor | None, heatmaps: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        x_rgb = x_pose = None
        last = self.gpu_type != torch.float32
        if self.rgb is not None and rgb is not None:
            images = _as_float(rgb, torch.float32, last=last and rgb.is_cuda)
            x_rgb = self.rgb.stem(images.sub_(self.mean).div_(self.std))
        if self.pose is not None and heatmaps is not None:
            # 0..255 and their 255ths come out of 16 bits as they would of float32, rounded to these
            gpu = heatmaps.is_cuda
            dtype = self.gpu_type if gpu else torch.float32
            x_pose = self.pose.stem(_as_float(self._chosen(heatmaps), dtype, last=last and gpu).div_(255))
        return x_rgb, x_pose

    def new_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that no single-stream training has seen: the fusion's and the joint head's."""
        there = [module for module in (self.fusion, self.exchange, self.head_joint) if module is not None]
        return [parameter for module in there for parameter in module.parameters()]

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
    rgb, pose = config.rgb, config.pose
    return Channels(
        rgb.channels * EXPANSION * 2 ** (level + 1) if rgb else 0, pose.channels * EXPANSION * 2**level if pose else 0
    )


def _as_float(x: Tensor, dtype: torch.dtype, *, last: bool) -> Tensor:
    """Return a float copy, which may be edited in place: twice as fast on a CPU as arithmetic on uint8.

    `last`: its channels lie last, as a GPU's convolutions want them; else the axes lie as they are named.
    """
    return x.to(dtype, copy=True, memory_format=torch.channels_last_3d if last else torch.contiguous_format)


def seen_frames(heatmaps: Tensor) -> Tensor:
    """Return (B, P) bool: which frames of (B, K, P, Q, Q) show any keypoint."""
    return heatmaps.flatten(3).amax(3).amax(1) > 0


def build_recogniser(config: Model, *, num_classes: int, part: Part) -> Recogniser:
    """Build a recogniser with random weights."""
    return Recogniser(config, num_classes=num_classes, part=part)
