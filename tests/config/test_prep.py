"""Config of frames, crops and heatmaps: what is accepted and what is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from camfuse.config import Crops, Frames, Heatmaps, Section
from camfuse.skeleton import LOWER_BODY


@pytest.mark.parametrize("size", [32, 64, 224, 256])
def test_sides_that_the_network_can_halve_five_times(size: int) -> None:
    assert Crops(size=size).size == size


@pytest.mark.parametrize("size", [16, 100, 255])
def test_other_sides(size: int) -> None:
    with pytest.raises(ValidationError, match=rf"crops\.size must be a multiple of 32 .*, found {size}"):
        Crops(size=size)


def test_keypoints_of_the_lower_body() -> None:
    assert Crops().lower_body == LOWER_BODY
    assert Crops(lower_body=()).lower_body == ()
    assert Crops(lower_body=(0, 132)).lower_body == (0, 132)
    for wrong in (-1, 133):
        with pytest.raises(ValidationError, match=rf"crops\.lower_body holds indices 0\.\.132, found \({wrong},\)"):
            Crops(lower_body=(wrong,))


def test_hands_in_place_or_zoomed() -> None:
    assert Heatmaps().hands is None and Heatmaps(hands="zoomed").hands == "zoomed"
    with pytest.raises(ValidationError, match="hands"):
        Heatmaps.model_validate({"hands": "larger"})


@pytest.mark.parametrize("section", [Frames, Crops])
def test_quality_is_jpegs(section: type[Section]) -> None:
    for good in (1, 100):
        assert section.model_validate({"quality": good}).model_dump()["quality"] == good
    for wrong in (0, 101):
        with pytest.raises(ValidationError, match="quality"):
            section.model_validate({"quality": wrong})


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (Crops, {"size": 0}),
        (Crops, {"keep": "face"}),
        (Crops, {"padding": 0}),
        (Crops, {"min_score": 1.5}),
        (Heatmaps, {"sigma": 0}),
        (Heatmaps, {"sigma": -0.7}),
    ],
)
def test_values_that_nothing_can_be_cut_or_drawn_with(section: type[Section], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(values))):
        section.model_validate(values)
