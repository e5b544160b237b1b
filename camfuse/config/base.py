"""What all sections of the config share."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from camfuse.skeleton import NUM_KEYPOINTS

log = logging.getLogger(__name__)
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Keypoint = Annotated[int, Field(ge=0, lt=NUM_KEYPOINTS)]
Weight = Annotated[float, Field(ge=0)]
Split = Literal["train", "val", "test"]
Stream = Literal["rgb", "pose", "sequence"]
"""What looks at a clip by itself: its crops, its heatmaps, its keypoints as a sequence."""
STREAMS: tuple[Stream, ...] = ("rgb", "pose", "sequence")
"""In the order in which they train."""
Part = Literal["rgb", "pose", "sequence", "fusion"]
"""The trainings of the recipe: a stream each, and what joins them."""
PARTS: tuple[Part, ...] = (*STREAMS, "fusion")
"""In the order in which they train; `camfuse.config.Config.parts` says which of them a config has."""


class Section(BaseModel):
    """Base of every section: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
    renamed: ClassVar[Mapping[str, str]] = {}
    """Old names of keys, still read for one version, and the names that they have now."""
    whole: ClassVar[bool] = False
    """Its keys belong together: where it is given, none of the default's keys are left."""

    @model_validator(mode="before")
    @classmethod
    def _as_given(cls, values: Any) -> Any:
        return cls._over_defaults(cls.with_new_names(values)) if isinstance(values, dict) else values

    @classmethod
    def _over_defaults(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Put the given keys of each section over that field's own default, which may differ from its class's."""
        out = dict(values)
        for name, field in cls.model_fields.items():
            default, given = field.default, values.get(name)
            if isinstance(default, Section) and not default.whole and isinstance(given, dict):
                out[name] = default.model_dump(exclude_defaults=True) | given
        return out

    @classmethod
    def with_new_names(cls, values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
        """Return the section's plain values with old names of keys replaced, here and in the sections below.

        Parameters
        ----------
        values
            As a config file has them.
        above
            The keys that lead to the section, each with a dot behind it.

        Raises
        ------
        ValueError
            If a key is given under both of its names.
        """
        out: dict[str, Any] = {}
        for name, value in values.items():
            key = cls.renamed.get(name, name)
            if key != name:
                old, new = f"{above}{name}", f"{above}{key}"
                if key in values:
                    raise ValueError(f"`{old}` is the old name of `{new}`: expected one of the two, found both")
                log.warning("%s is now %s; the old name goes in the next version", old, new)
            below = cls.model_fields[key].annotation if key in cls.model_fields else None
            if isinstance(value, dict) and isinstance(below, type) and issubclass(below, Section):
                out[key] = below.with_new_names(value, f"{above}{key}.")
            else:
                out[key] = value
        return out

    @field_validator("*", mode="after")
    @classmethod
    def _at_home(cls, value: Any) -> Any:
        """Let ``~`` begin a path."""
        if not isinstance(value, Path):
            return value
        try:
            return value.expanduser()
        except RuntimeError as error:
            raise ValueError(f"no home folder for {value}: {error}") from error


S = TypeVar("S", bound=Section)


def choices(section: type[Section], kind: type[Section]) -> tuple[str, ...]:
    """Return the keys of a section under which a section of some kind may stand."""
    options = {name: get_args(info.annotation) for name, info in section.model_fields.items()}
    return tuple(
        name for name, types in options.items() if any(isinstance(t, type) and issubclass(t, kind) for t in types)
    )


def chosen(section: Section, kind: type[S]) -> dict[str, S]:
    """Return those that were given, by key."""
    values = {name: getattr(section, name) for name in choices(type(section), kind)}
    return {name: value for name, value in values.items() if value is not None}


class WeightsFile(Section):
    """Trained weights: a public file, or one that is there already."""

    whole: ClassVar[bool] = True
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
