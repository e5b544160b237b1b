"""Config of the data stages: frames, crops, heatmaps."""

from typing import Literal, Self

from pydantic import Field, model_validator

from camfuse.config.base import Fraction, Positive, Section
from camfuse.skeleton import LOWER_BODY, NUM_KEYPOINTS


class Frames(Section):
    """Decoding of the clip's segment."""

    quality: int = Field(default=95, ge=1, le=100)
    """JPEG quality of the stored frames."""
    keep: bool = True
    """Keep the frame shards; false makes them temporary (WLASL-2000: about 80 GB)."""


class Crops(Section):
    """One square box per clip around the keypoints that are kept."""

    size: Positive = 256
    """Side of the crop in pixels; the heatmaps have a quarter of it."""
    keep: Literal["upper_body", "hands"] = "upper_body"
    """Keypoints that are kept and that the box is drawn around: the paper's, or the hands alone, for signs that are
    all in the hand (fingerspelling). The others are set to the origin like `lower_body`."""
    padding: float = Field(default=1.25, gt=0)
    """Box side as a multiple of the tight box's longer side (1.25 as PYSKL)."""
    lower_body: tuple[int, ...] = LOWER_BODY
    """Keypoints that are set to the origin with score 0 (paper, README: lower body)."""
    min_score: Fraction = 0.1
    """Keypoints below this score do not widen the box."""
    quality: int = Field(default=90, ge=1, le=100)
    """JPEG quality of the stored crops."""

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        if self.size % 32:
            raise ValueError(f"crops.size must be a multiple of 32 (the network's stride), found {self.size}")
        if any(not 0 <= k < NUM_KEYPOINTS for k in self.lower_body):
            raise ValueError(f"crops.lower_body holds indices 0..{NUM_KEYPOINTS - 1}, found {self.lower_body}")
        return self


class Heatmaps(Section):
    """One Gaussian per keypoint, a quarter of the crop's size."""

    sigma: float = Field(default=0.7, gt=0)
    """Standard deviation in heatmap pixels (0.7 as RGBPoseConv3D)."""
    hands: Literal["zoomed"] | None = None
    """zoomed: the maps of a hand's points are drawn about its own middle, both hands zoomed by one factor per clip so
    that they fill half of the map. Null: where they lie in the crop."""
