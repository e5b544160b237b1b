"""Config of sampling and model: what fits together and what does not."""

from typing import Any

import pytest
from pydantic import ValidationError

from camfuse.config import Fusion, Model, PoseStream, RgbStream, Sampling, Section, SequenceStream


@pytest.mark.parametrize(("rgb", "pose"), [(8, 32), (4, 4), (1, 7)])
def test_frames_that_make_groups(rgb: int, pose: int) -> None:
    assert Sampling(rgb_frames=rgb, pose_frames=pose).pose_frames == pose


@pytest.mark.parametrize(("rgb", "pose"), [(8, 30), (8, 4)])
def test_frames_that_do_not(rgb: int, pose: int) -> None:
    with pytest.raises(ValidationError, match=f"pose_frames must be a multiple of rgb_frames, found {pose} and {rgb}"):
        Sampling(rgb_frames=rgb, pose_frames=pose)


def test_heads_share_the_width() -> None:
    assert Fusion(width=24, heads=3).heads == 3
    with pytest.raises(ValidationError, match=r"fusion\.width must be a multiple of fusion\.heads, found 24 and 5"):
        Fusion(width=24, heads=5)


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (RgbStream, {"depths": [1, 1, 1]}),
        (RgbStream, {"depths": [1, 0, 1, 1]}),
        (RgbStream, {"inflate": [True]}),
        (RgbStream, {"dropout": 1.1}),
        (RgbStream, {"channels": 0}),
        (PoseStream, {"depths": [1, 1, 1, 1]}),
        (PoseStream, {"stem": "5x5"}),
        (PoseStream, {"keypoints": []}),
        (PoseStream, {"keypoints": [133]}),
        (PoseStream, {"keypoints": [-1]}),
        (Fusion, {"mode": "sum"}),
        (Fusion, {"stages": ["s5"]}),
        (Fusion, {"modality_dropout": -0.1}),
        (Fusion, {"stream_dropout": 1.1}),
        (Sampling, {"rgb_frames": 0}),
    ],
)
def test_values_that_no_network_has(section: type[Section], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(values))):
        section.model_validate(values)


def test_keypoints_keep_their_order() -> None:
    assert PoseStream.model_validate({"keypoints": [132, 0, 9]}).keypoints == (132, 0, 9)
    assert PoseStream().keypoints is None


@pytest.mark.parametrize(
    ("values", "streams", "parts"),
    [
        ({}, ("rgb", "pose"), ("rgb", "pose", "fusion")),
        ({"fusion": None}, ("rgb", "pose"), ("rgb", "pose")),
        ({"sequence": {}}, ("rgb", "pose", "sequence"), ("rgb", "pose", "sequence", "fusion")),
        ({"rgb": None, "sequence": {}}, ("pose", "sequence"), ("pose", "sequence", "fusion")),
        ({"rgb": None, "pose": None, "sequence": {}}, ("sequence",), ("sequence",)),
    ],
)
def test_streams_that_there_are_and_what_is_trained(
    values: dict[str, Any], streams: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    model = Model.model_validate(values)
    assert (model.streams, model.parts) == (streams, parts)


def test_a_model_looks_at_something() -> None:
    with pytest.raises(ValidationError, match="at least one of rgb, pose and sequence"):
        Model.model_validate({"rgb": None, "pose": None})


@pytest.mark.parametrize("mode", ["concat", "temporal_gate"])
def test_a_rival_without_its_two_streams_is_no_silent_none(mode: str) -> None:
    pair = {"rgb": None, "sequence": {}, "fusion": {"mode": mode}}
    with pytest.raises(ValidationError, match=rf"{mode} stands between rgb and pose, found pose and sequence"):
        Model.model_validate(pair)
    for fine in ({"fusion": {"mode": mode}}, {"sequence": {}, "fusion": {"mode": mode}}, {**pair, "pose": None}):
        Model.model_validate(fine)
    Model.model_validate({**pair, "fusion": {"mode": "none"}})


def test_a_block_of_the_sequence_has_a_middle() -> None:
    with pytest.raises(ValidationError, match="odd number of frames"):
        SequenceStream(kernel=6)


def test_the_defaults_are_the_papers() -> None:
    model = Model()
    assert model.rgb and model.pose and model.fusion and model.sequence is None
    assert (model.rgb.depths, model.pose.depths) == ((3, 4, 6, 3), (4, 6, 3))
    assert (model.fusion.mode, model.fusion.stages) == ("divided", ("s3", "s4"))
    assert (model.rgb.weights, model.pose.weights, model.fusion.weights) == (None, None, None)
