"""The stages as a table, and the fingerprint that says when a stage's meaning has changed.

A fingerprint hashes the stage's name, its version, the config it reads and the fingerprints it stands on.
The workflow carries it as a rule parameter and the output as an attribute. Raise a stage's `version` whenever
its code starts to give other output for the same input.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from camfuse.config import PARTS, Config, Model, Part, PoseStream, RgbStream, SequenceStream, WeightsFile, weights_file
from camfuse.errors import WeightsError
from camfuse.weights.needed import sha256_of


@dataclass(frozen=True)
class Stage:
    """A stage: what it reads of the config and which stages it stands on."""

    name: str
    version: int
    reads: Callable[[Config], tuple[object, ...]]
    upstream: tuple[str, ...] | Callable[[Config], tuple[str, ...]] = ()

    def stands_on(self, config: Config) -> tuple[str, ...]:
        """Return the stages above it under this config: a model may do without a training."""
        return self.upstream(config) if callable(self.upstream) else self.upstream


def _trainings(parts: tuple[Part, ...]) -> tuple[str, ...]:
    return tuple(f"train_{part}" for part in parts)


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("avatars", 1, lambda c: (c.clips.fingerspelling and c.clips.fingerspelling.avatar_height,)),
        Stage("frames", 1, lambda c: (c.frames.quality,), ("avatars",)),
        Stage("pose", 4, lambda c: (c.pose,), ("frames",)),
        Stage("crops", 1, lambda c: (c.crops,), ("frames", "pose")),
        Stage("heatmaps", 1, lambda c: (c.heatmaps,), ("crops",)),
        Stage("train_rgb", 1, lambda c: (*_training(c), *_stream(c.model.rgb), c.train.rgb), ("crops",)),
        Stage("train_pose", 1, lambda c: (*_training(c), *_stream(c.model.pose), c.train.pose), ("heatmaps",)),
        Stage(
            "train_sequence",
            2,
            lambda c: (*_sequence_training(c), *_stream(c.model.sequence), c.train.sequence),
            ("pose",),
        ),
        Stage(
            "train_fusion",
            1,
            # the weights say what `fused` is, and by that the best epoch is chosen
            lambda c: (*_training(c), *_model(c.model), c.train.fusion, c.train.new_rate, c.training_weights),
            lambda c: _trainings(c.model.streams),
        ),
        # a fusion stands on all the streams that are tested with it
        Stage(
            "evaluate",
            8,
            lambda c: (c.evaluate,),
            lambda c: _trainings(("fusion",) if "fusion" in c.model.parts else c.model.streams),
        ),
        Stage("report", 13, lambda c: (c.report,), ("evaluate",)),
    )
}


def _training(config: Config) -> tuple[object, ...]:
    train = config.train
    own = config.seed, config.sampling, train.augment, train.validation, train.precision, train.tf32
    return *own, *_unknown(config)


def _sequence_training(config: Config) -> tuple[object, ...]:
    """Return the like for the sequence stream: no frames are sampled for it, no crop is moved."""
    train = config.train
    return config.seed, train.validation, train.precision, train.tf32, train.sequence_augment, *_unknown(config)


def _unknown(config: Config) -> list[object]:
    return [] if config.train.unknown_words is None else [config.train.unknown_words]


def _stream(section: RgbStream | PoseStream | SequenceStream | None) -> tuple[object, ...]:
    """Return the stream without where its first weights lie, and their hash if there are any."""
    if section is None:
        return (None,)
    file = weights_file(section.weights)
    hashes = [] if file is None else [weights_hash(file)]
    return section.model_copy(update={"weights": None}), *hashes


def _model(model: Model) -> tuple[object, ...]:
    """Return the model likewise; the streams' first weights are in the fingerprints of their own trainings."""
    given: dict[str, Any] = {part: section for part in PARTS if (section := getattr(model, part)) is not None}
    sections = {name: section.model_copy(update={"weights": None}) for name, section in given.items()}
    hashes = [] if not model.fusion or model.fusion.weights is None else [weights_hash(model.fusion.weights)]
    return model.model_copy(update=sections), *hashes


def weights_hash(checkpoint: WeightsFile) -> str:
    """Return what tells the weights from others: the `sha256` of the config or else of the file at `path`.

    Raises
    ------
    WeightsError
        If only a path is given and there is no such file.
    """
    if checkpoint.sha256 is not None or checkpoint.path is None:
        return str(checkpoint.sha256)
    try:
        facts = checkpoint.path.stat()
    except OSError as error:
        raise WeightsError(
            f"{checkpoint.path}: expected the weights that a training starts from: {error.strerror}; "
            "put them there, change `path`, or give their `sha256`"
        ) from error
    return _file_hash(checkpoint.path, facts.st_size, facts.st_mtime_ns)


@lru_cache
def _file_hash(path: Path, _size: int, _modified: int) -> str:
    return sha256_of(path)


def fingerprint(name: str, config: Config) -> str:
    """Return the stage's fingerprint under `config`: 16 hexadecimal digits."""
    stage = STAGES[name]
    content = {
        "stage": stage.name,
        "version": stage.version,
        "reads": [_plain(part) for part in stage.reads(config)],
        "upstream": [fingerprint(above, config) for above in stage.stands_on(config)],
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(part: object) -> object:
    return part.model_dump(mode="json", exclude_none=True) if isinstance(part, BaseModel) else part
