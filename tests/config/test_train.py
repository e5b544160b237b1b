"""Config of the recipe: what a phase needs, and the borders of its numbers."""

from typing import Any

import pytest
from pydantic import ValidationError

from camfuse.config import Augment, Phase, Section, Train

REQUIRED: dict[str, Any] = {"epochs": 1, "batch": 4, "rate": 0.01, "base_batch": 8}


@pytest.mark.parametrize("name", REQUIRED)
def test_a_phase_of_its_own_needs_four_numbers(name: str) -> None:
    assert Phase.model_validate(REQUIRED)
    with pytest.raises(ValidationError, match=rf"1 validation error for Phase\n{name}\n  Field required"):
        Phase.model_validate({key: value for key, value in REQUIRED.items() if key != name})


@pytest.mark.parametrize(
    ("name", "good", "wrong"),
    [
        ("epochs", 1, 0),
        ("repeat", 1, 0),
        ("batch", 1, -1),
        ("accumulate", 1, 0),
        ("class_balance", 1.0, 1.01),
        ("rate", 1e-9, 0.0),
        ("optimizer", "adamw", "adam"),
        ("schedule", "step", "linear"),
        ("weight_decay", 0.0, -1e-4),
        ("warmup", 1.0, 1.1),
        ("clip_norm", 0.1, 0.0),
        ("label_smoothing", 0.0, -0.1),
        ("ema", 0.999, 1.0),
    ],
)
def test_borders_of_a_phase(name: str, good: object, wrong: object) -> None:
    assert Phase.model_validate(REQUIRED | {name: good}).model_dump()[name] == good
    with pytest.raises(ValidationError, match=name):
        Phase.model_validate(REQUIRED | {name: wrong})


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (Augment, {"scale": [0.9]}),
        (Augment, {"rotate": -1}),
        (Augment, {"shift": -0.1}),
        (Augment, {"mirror": 2}),
        (Augment, {"span": 1.5}),
        (Augment, {"mixup": -0.2}),
        (Train, {"new_rate": 0}),
        (Train, {"precision": "64"}),
    ],
)
def test_values_that_nothing_is_trained_with(section: type[Section], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(values))):
        section.model_validate(values)


def test_the_recipes_rates_per_clip_are_rgbposeconv3ds() -> None:
    train = Train()
    found = {name: phase.rate / phase.base_batch for name, phase in vars(train).items() if isinstance(phase, Phase)}
    assert found == pytest.approx({"rgb": 0.15 / 96, "pose": 0.2 / 128, "sequence": 0.002 / 16, "fusion": 0.0075 / 48})
