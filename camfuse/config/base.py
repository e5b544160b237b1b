"""What all sections of the config share."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from camfuse.skeleton import NUM_KEYPOINTS

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Keypoint = Annotated[int, Field(ge=0, lt=NUM_KEYPOINTS)]
Weight = Annotated[float, Field(ge=0)]
Split = Literal["train", "val", "test"]
Part = Literal["rgb", "pose", "fusion"]
"""The three trainings of the recipe."""
PARTS: tuple[Part, ...] = ("rgb", "pose", "fusion")
"""In the order in which they train."""


class Section(BaseModel):
    """Base of every section: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class WeightsFile(Section):
    """Trained weights: a public file, or one that is there already."""

    url: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+[^\s/?#]$")
    """Where `camfuse weights` fetches the file from."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{8,64}$")
    """The file's SHA-256: all 64 digits, or as many of the first as are known (8 or more)."""
    path: Path | None = None
    """The file itself; without it, the file is `machine.weights`/<last part of the URL>."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.url is None and self.path is None:
            raise ValueError("give `url` and `sha256`, or `path`")
        if self.path is None and self.sha256 is None:
            raise ValueError("a `url` needs its `sha256` (all 64 digits, or the first 8 or more)")
        return self
