"""Config of sampling and model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from camfuse.config.base import (
    STREAMS,
    Fraction,
    Keypoint,
    Part,
    Positive,
    Section,
    Stream,
    WeightsFile,
)

FusionMode = Literal["none", "concat", "temporal_gate", "space", "time", "divided", "joint"]
RIVALS: tuple[FusionMode, ...] = ("concat", "temporal_gate")
"""Ways of fusing that others published, for two streams on grids."""
FusionStage = Literal["s2", "s3", "s4"]
ShippedWeights = Literal["letters"]
SHIPPED_WEIGHTS: dict[ShippedWeights, WeightsFile] = {
    "letters": WeightsFile(
        path=Path(__file__).parents[1] / "weights" / "letters.ckpt",
        sha256="ebfe922711072c9ae3aa63717b370ad111621d1dba149e36ac8c4c56fc65a5e0",
    )
}
"""Weights that travel in the package; docs/weights.md says what they were made of."""
FirstWeights = Annotated[
    Annotated[WeightsFile, Tag("file")] | Annotated[ShippedWeights, Tag("name")],
    Discriminator(lambda given: "name" if isinstance(given, str) else "file"),
]
"""Of a file or of those that travel: told apart by what is given, so that each problem is said once."""
LETTERS_SIZES = ("frames", "width", "depth", "kernel")
"""Keys of `model.sequence` under which only their defaults fit the shipped weights."""


def weights_file(weights: WeightsFile | ShippedWeights | None) -> WeightsFile | None:
    """Return the file that a training starts from, None for random weights."""
    return SHIPPED_WEIGHTS[weights] if isinstance(weights, str) else weights


class Sampling(Section):
    """Frames per clip, drawn uniformly over the whole clip or its active part."""

    rgb_frames: Positive = 8
    """Frames of the RGB stream; one of each group of pose frames."""
    pose_frames: Positive = 32
    """Frames of the pose stream."""
    part: Literal["active"] | None = None
    """active: draw from the part of the clip in which a hand is raised, with a margin, as the sequence stream always
    does; where none rises, from the first to the last sight of a hand; without hands from the whole clip. Null: the
    whole clip."""

    @model_validator(mode="after")
    def _grouped(self) -> Self:
        if self.pose_frames % self.rgb_frames:
            raise ValueError(
                f"pose_frames must be a multiple of rgb_frames, found {self.pose_frames} and {self.rgb_frames}"
            )
        return self


class RgbStream(Section):
    """SlowOnly-style 3D ResNet on the crops."""

    depths: tuple[Positive, Positive, Positive, Positive] = (3, 4, 6, 3)
    """Bottleneck blocks per stage (ResNet-50)."""
    channels: Positive = 64
    """Channels after the stem."""
    inflate: tuple[bool, bool, bool, bool] = (False, False, True, True)
    """Stages whose first convolution spans 3 frames."""
    dropout: Fraction = 0.5
    """Before the classifier."""
    weights: WeightsFile | None = None
    """What its training starts from: a SlowOnly-R50 of MMAction2 or PYSKL (Kinetics), or a `best.ckpt` of ours; without
    it, random weights. The file's hash is part of what the training is, its place is not."""


class PoseStream(Section):
    """PoseC3D-style 3D ResNet on the heatmaps."""

    depths: tuple[Positive, Positive, Positive] = (4, 6, 3)
    """Bottleneck blocks per stage."""
    channels: Positive = 32
    """Channels after the stem."""
    inflate: tuple[bool, bool, bool] = (False, True, True)
    """Stages whose first convolution spans 3 frames."""
    stem: Literal["factorised", "7x7"] = "factorised"
    """1x1 then 3x3 (94 % fewer multiply-adds at 133 joints), or RGBPoseConv3D's 7x7."""
    keypoints: Annotated[tuple[Keypoint, ...], Field(min_length=1)] | None = None
    """Indices of the keypoints whose heatmaps it sees, in this order (0..16 is COCO's body, as PoseC3D's published
    weights have it); without it, all 133."""
    dropout: Fraction = 0.5
    """Before the classifier."""
    weights: WeightsFile | None = None
    """What its training starts from: a PoseC3D of MMAction2 or PYSKL (its stem fits only `stem: 7x7`), or a `best.ckpt`
    of ours; without it, random weights."""


class SequenceStream(Section):
    """Convolutions over time on the keypoints themselves, in units of the shoulders' distance."""

    frames: Positive = 48
    """Moments of the clip, evenly from where a hand is raised first to where it is raised last."""
    width: Positive = 128
    """Channels."""
    depth: Positive = 4
    """Blocks of a depthwise and a pointwise convolution."""
    kernel: Positive = 7
    """Frames that a block's convolution spans, odd."""
    block_dropout: Fraction = 0.2
    """In each block."""
    dropout: Fraction = 0.5
    """Before the classifier."""
    weights: FirstWeights | None = None
    """What its training starts from: what `camfuse pretrain` wrote, or a `best.ckpt` of ours; letters: what CAMFuse
    ships, pre-trained on the alphabets of 16 sign languages; without it, random weights."""

    @field_validator("kernel", mode="after")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError(f"expected an odd number of frames, so that each has a middle; found {kernel}")
        return kernel

    @model_validator(mode="after")
    def _letters_fit(self) -> Self:
        if self.weights == "letters" and (other := self.other_sizes(self.model_dump())):
            wanted = ", ".join(f"{name} {type(self).model_fields[name].default}" for name in LETTERS_SIZES)
            found = ", ".join(f"{name} {value}" for name, value in other.items())
            raise ValueError(f"weights: letters are of {wanted}; found {found}: set `weights: null`, or pre-train")
        return self

    @classmethod
    def other_sizes(cls, values: Mapping[str, object]) -> dict[str, object]:
        """Return the keys under which the shipped weights do not fit a stream, of its plain values or some of them."""
        defaults = {name: cls.model_fields[name].default for name in LETTERS_SIZES}
        return {name: values[name] for name in LETTERS_SIZES if values.get(name, defaults[name]) != defaults[name]}


class Fusion(Section):
    """What the streams tell each other, both ways: ST-CAF (space-time cross-attention), or one of its rivals."""

    mode: FusionMode = "divided"
    """ST-CAF, by which tokens attend to which: space, time, divided (first along time, then over space), joint (all);
    none: late fusion only; or one of the rivals that docs/design.md describes and schema.json lists."""
    stages: tuple[FusionStage, ...] = ("s3", "s4")
    """Where it sits: after RGB layer 2 / 3 / 4 and pose layer 1 / 2 / 3 (RGBPoseConv3D and PCAN: s2, s3)."""
    width: Positive = 256
    """Channels of queries, keys and values; not used by concat."""
    heads: Positive = 8
    """Attention heads; not used by concat."""
    dropout: Fraction = 0.1
    """On the attention's output; not used by concat."""
    modality_dropout: Fraction = 0.1
    """Probability, per training sample and direction, that one stream does not see the other: so that one checkpoint
    also serves clips with RGB or pose only."""
    stream_dropout: Fraction = 0.0
    """Probability, per training sample, stream and exchange, that a stream has nothing but the others' messages: so
    that it listens, where it knows its training clips by itself and has no error left to learn from. Of ST-CAF only;
    0 is off."""
    weights: WeightsFile | None = None
    """What the fusion training starts from instead of the two trained streams: a whole RGBPoseConv3D of MMAction2 or
    PYSKL (needs `mode: concat`, `stages: [s2, s3]`), or a `best.ckpt` of ours."""

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"fusion.width must be a multiple of fusion.heads, found {self.width} and {self.heads}")
        return self


class Model(Section):
    """The recogniser."""

    rgb: RgbStream | None = RgbStream()
    """RGB stream; null leaves it out, and so of the two others."""
    pose: PoseStream | None = PoseStream()
    """Pose stream, on heatmaps."""
    sequence: SequenceStream | None = None
    """Sequence stream, ours: not in the paper's model, so null is the default."""
    fusion: Fusion | None = Fusion()
    """Between the streams; null trains none, and so does a single stream."""

    @model_validator(mode="after")
    def _looks_at_something(self) -> Self:
        if not self.streams:
            raise ValueError("expected at least one of rgb, pose and sequence, found all null")
        return self

    @model_validator(mode="after")
    def _rivals_join_something(self) -> Self:
        mode = self.fusion.mode if self.fusion else "none"
        if mode in RIVALS and len(self.streams) > 1 and not (self.rgb and self.pose):
            found = " and ".join(self.streams)
            raise ValueError(
                f"fusion.mode: {mode} stands between rgb and pose, found {found}: it would be `none`; write that, "
                "or one of ST-CAF"
            )
        return self

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams that there are, in the order in which they train."""
        return tuple(stream for stream in STREAMS if getattr(self, stream) is not None)

    def streams_of(self, part: Part) -> tuple[Part, ...]:
        """Return the streams of a part: itself, or all for `fusion`."""
        return self.streams if part == "fusion" else (part,)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The trainings: of each stream, and of the fusion where there is something to join."""
        return (*self.streams, "fusion") if self.fusion and len(self.streams) > 1 else self.streams
