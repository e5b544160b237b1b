"""`recipe: auto`: the settings of model and training that fit the number of clips, words, and this machine.

Each rule's evidence stands in docs/recipe.md. The recipe is a function of `Counts`, `Computer` and what the config says
itself, which stays as it is. Nothing reads a recipe but the one place that writes the resolved config.
"""

from dataclasses import dataclass, replace
from typing import Any

from camfuse.config.base import PARTS, STREAMS
from camfuse.config.computer import Computer
from camfuse.config.model import SequenceStream
from camfuse.config.read import merged
from camfuse.skeleton import LEFT_HAND, RIGHT_HAND

BODY_AND_HANDS = (*range(11), *LEFT_HAND, *RIGHT_HAND)
"""Head, shoulders, arms and hands, of the 133 keypoints."""
VIEWS = 240
"""How often the sequence stream sees each training clip."""
FEWEST_STEPS, MANY_STEPS, VIEWS_OF_MANY = 600, 4000, 24
"""Its least batches; from this many on, each clip is seen fewer times, down to `VIEWS_OF_MANY`."""
SEQUENCE_BATCH, SEQUENCE_EPOCHS = 16, 24
FEW_CLIPS = 50
"""Training clips up to which the sequence stream starts from the letters that CAMFuse ships."""
FEW_VAL = 50
"""With fewer clips in val, its best epoch is chance: one clip is two points."""
VAL_FOR_WEIGHTS = 8
"""Val clips from which the heads' weights are chosen on them: by likelihood, a few tell a useless head from others."""
WEIGHTS_WITHOUT_VAL = {"sequence": 3.0}
"""Of few clips the sequence knows more than the others."""
WEIGHT_OF_FEW_IMAGES = {"rgb": 0.1}
"""And images next to nothing of new people, as sure of themselves as they are."""
VIEWS_ON_GRIDS, FEWEST_VIEWS_ON_GRIDS = 192, 24
"""How often the streams on images and heatmaps see each training clip: of few clips, and of many."""
TRAINED_ON_GRIDS = 20_000
"""Clips, repeats counted, that two cores without a GPU train heatmaps on in about five minutes."""
EPOCHS_ON_GRIDS, BATCH_ON_GRIDS = 12, 8
MANY_CLIPS, CLIPS_FOR_IMAGES = 1000, 5000
"""Training clips from which heatmaps, and from which images, are worth a GPU's time."""
MOST_LOADERS = 14
"""Loader processes beside a GPU: they feed an H200."""


@dataclass(frozen=True)
class Counts:
    """What a clip table holds.

    Attributes
    ----------
    train, val
        Clips of these splits.
    words
        Classes.
    """

    train: int
    val: int
    words: int


def recipe_values(counts: Counts, computer: Computer, given: dict[str, Any]) -> dict[str, Any]:
    """Return a config's plain values with those of the recipe beneath them, and without its key `recipe`.

    Parameters
    ----------
    counts
        Of the clip table.
    computer
        Where it will train.
    given
        The config as its file has it; a stream that it names is part of the model, and a device decides whether there
        is a GPU.
    """
    device = _section(given, "machine").get("device", "auto")
    computer = computer if device == "auto" else replace(computer, gpu=device == "cuda")
    named = _section(given, "model")
    wanted = {*_streams(counts, computer), *(stream for stream in STREAMS if named.get(stream) is not None)}
    streams = [stream for stream in STREAMS if stream in wanted and named.get(stream, {}) is not None]
    on_grids = streams != ["sequence"]
    small = on_grids and counts.train < CLIPS_FOR_IMAGES
    values = _small(_views_on_grids(counts, computer)) if small else {"model": {}}
    absent = {stream: None for stream in STREAMS if stream not in streams}
    present = {stream: values["model"].get(stream, {}) for stream in streams}
    if counts.train <= FEW_CLIPS and "sequence" in streams and _fits_letters(given):
        present["sequence"] = present["sequence"] | {"weights": "letters"}
    machine: dict[str, Any] = {"threads": max(1, computer.cores // max(1, len(streams)))}
    on_gpu = computer.gpu and on_grids
    if on_gpu:
        machine["workers"] = max(1, min(computer.cores - 2, MOST_LOADERS))
    last = {"keep": "last"} if counts.val < FEW_VAL else {}
    train: dict[str, Any] = {part: last for part in PARTS if on_grids or part == "sequence"}
    weights: str | dict[str, float] = WEIGHTS_WITHOUT_VAL | (WEIGHT_OF_FEW_IMAGES if small else {})
    if counts.val >= VAL_FOR_WEIGHTS:
        weights = "likelihood"
    recipe = {
        "model": values["model"] | present | absent,
        "train": train | {"sequence": last | _sequence(counts)} | ({"precision": "auto"} if on_grids else {}),
        "machine": machine if computer.gpu else machine | {"device": "cpu"},
        "evaluate": {"weights": weights} if len(streams) > 1 else {},
    }
    return merged(merged(values, recipe), {key: value for key, value in given.items() if key != "recipe"})


def _streams(counts: Counts, computer: Computer) -> tuple[str, ...]:
    if not computer.gpu or counts.train < MANY_CLIPS:
        return ("sequence",)
    return ("pose", "sequence") if counts.train < CLIPS_FOR_IMAGES else ("rgb", "pose", "sequence")


def _views_on_grids(counts: Counts, computer: Computer) -> int:
    """Return how often the streams on images and heatmaps see each training clip: of few, as often as helps."""
    if computer.gpu:
        return VIEWS_ON_GRIDS
    most = TRAINED_ON_GRIDS * max(1, computer.cores // 2) // max(1, counts.train)
    return max(FEWEST_VIEWS_ON_GRIDS, min(most, VIEWS_ON_GRIDS))


def _fits_letters(given: dict[str, Any]) -> bool:
    """Return whether the shipped letters suit the run: its stream's sizes, in experiments too, and its keypoints.

    They were trained on all recordings of ``clips.fingerspelling``. With these the recipe leaves them out, whatever is
    tested: they would gain nothing. A config that names them itself is refused only where they are tested on them.
    """
    own = _section(_section(given, "model"), "sequence")
    others = [_section(_section(one, "model"), "sequence") for one in _section(given, "experiments").values()]
    sequences = [own, *(one for one in others if "weights" not in one)]
    return (
        not any(SequenceStream.other_sizes(one) for one in sequences)
        and _section(given, "pose").get("mediapipe") is not None
        and _section(given, "clips").get("fingerspelling") is None
    )


def _section(values: object, key: str) -> dict[str, Any]:
    """Return a section of plain values that nobody has checked yet; an empty one where it is none."""
    found = values.get(key) if isinstance(values, dict) else None
    return found if isinstance(found, dict) else {}


def _sequence(counts: Counts) -> dict[str, Any]:
    """Return the phase of the sequence stream."""
    steps = max(FEWEST_STEPS, min(counts.train * VIEWS // SEQUENCE_BATCH, MANY_STEPS))
    steps = max(steps, counts.train * VIEWS_OF_MANY // SEQUENCE_BATCH)
    repeat = max(1, round(steps * SEQUENCE_BATCH / (SEQUENCE_EPOCHS * max(1, counts.train))))
    return {"epochs": SEQUENCE_EPOCHS, "repeat": repeat, "batch": SEQUENCE_BATCH}


def _small(views: int) -> dict[str, Any]:
    """Return sizes that a processor trains in minutes, and phases for few clips.

    Of 133 keypoints the heatmaps show upper body and hands, these zoomed: a crop this small has no fingers.
    """
    phase = {
        "batch": BATCH_ON_GRIDS,
        "base_batch": BATCH_ON_GRIDS,
        "optimizer": "adamw",
        "weight_decay": 0.05,
        "ema": 0.99,
    }
    stream = phase | {"epochs": EPOCHS_ON_GRIDS, "repeat": max(1, round(views / EPOCHS_ON_GRIDS))}
    return {
        "crops": {"size": 64},
        "heatmaps": {"sigma": 0.8, "hands": "zoomed"},
        "sampling": {"rgb_frames": 8, "pose_frames": 16, "part": "active"},
        "model": {
            "rgb": {"depths": [1, 1, 1, 1], "channels": 16, "dropout": 0.1},
            "pose": {"depths": [1, 1, 1], "channels": 24, "dropout": 0.1, "keypoints": list(BODY_AND_HANDS)},
            "fusion": {"stages": ["s4"], "width": 64, "heads": 4, "stream_dropout": 0.5},
        },
        "train": {
            "rgb": stream | {"rate": 0.002},
            "pose": stream | {"rate": 0.004},
            "fusion": phase | {"epochs": 8, "repeat": 4, "rate": 0.0005, "schedule": "cosine"},
            "new_rate": 4,
            "augment": {"scale": [0.7, 1.3], "rotate": 15, "shift": 0.1, "mirror": 0.5, "mixup": 0.3, "colour": 0.3},
        },
    }
