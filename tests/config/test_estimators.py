"""Config of the estimators: exactly one, with the weights of its network."""

from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from camfuse.config import Pose, WeightsFile
from camfuse.config.estimators import (
    ESTIMATOR_KEYS,
    HRNET_WEIGHTS,
    RTM_WEIGHTS,
    RTMDET_WEIGHTS,
    YOLOX_WEIGHTS,
    AnnotationsPose,
    HrnetModel,
    MediapipePose,
    MmposePose,
    RtmlibPose,
    RtmModel,
    TopdownPose,
)


@pytest.mark.parametrize("name", ["all.pkl", "all.PICKLE", "x/one.Pose"])
def test_a_keypoint_file_of_a_known_kind(name: str) -> None:
    assert AnnotationsPose.model_validate({"file": name}).file == Path(name)


@pytest.mark.parametrize("name", ["all.npy", "all.json", "all.pkl.gz", "all", ""])
def test_a_keypoint_file_of_an_unknown_kind_is_refused(name: str) -> None:
    with pytest.raises(
        ValidationError, match=r"expected a keypoint file that ends in \.pkl, \.pickle or \.pose, found"
    ):
        AnnotationsPose.model_validate({"file": name})


TOPDOWN: list[type[TopdownPose]] = [MmposePose, RtmlibPose]


@pytest.mark.parametrize("key", ESTIMATOR_KEYS)
def test_the_chosen_estimator(key: str) -> None:
    pose = Pose.model_validate({key: {}})
    assert pose.key == key
    assert pose.estimator is getattr(pose, key)


@pytest.mark.parametrize(
    ("values", "found"),
    [({}, "none"), ({"mediapipe": {}, "rtmlib": {}}, "mediapipe, rtmlib"), ({"mmpose": None}, "none")],
)
def test_none_and_two_are_refused(values: dict[str, Any], found: str) -> None:
    with pytest.raises(ValidationError, match=f"expected exactly one estimator; found {found}"):
        Pose.model_validate(values)


def test_every_network_has_published_weights() -> None:
    assert set(HRNET_WEIGHTS) == set(get_args(HrnetModel))
    assert set(RTM_WEIGHTS) == set(get_args(RtmModel))
    files = [*HRNET_WEIGHTS.values(), *RTM_WEIGHTS.values(), RTMDET_WEIGHTS, YOLOX_WEIGHTS]
    assert len({file.url for file in files}) == len({file.sha256 for file in files}) == 9


@pytest.mark.parametrize("section", TOPDOWN)
def test_weights_left_out_are_those_of_the_network(section: type[TopdownPose]) -> None:
    assert section.model_validate({}).weights == section.PUBLISHED[section.model_validate({}).model]
    for model, weights in section.PUBLISHED.items():
        assert section.model_validate({"model": model}).weights == weights


@pytest.mark.parametrize("section", TOPDOWN)
def test_weights_that_are_given_win(section: type[TopdownPose]) -> None:
    for model in section.PUBLISHED:
        found = section.model_validate({"model": model, "weights": {"path": "own.pth"}})
        assert found.weights == WeightsFile(path=Path("own.pth"))


@pytest.mark.parametrize("section", TOPDOWN)
def test_an_unknown_network_is_refused(section: type[TopdownPose]) -> None:
    with pytest.raises(ValidationError, match="model"):
        section.model_validate({"model": "vitpose"})


@pytest.mark.parametrize(
    ("section", "engine", "precision"),
    [
        (MmposePose, "torch", "bf16"),
        (MmposePose, "openvino", "bf16"),
        (MmposePose, "onnx", "f32"),
        (RtmlibPose, "openvino", "bf16"),
        (RtmlibPose, "onnx", "f32"),
    ],
)
def test_engines_with_a_precision_that_they_have(section: type[TopdownPose], engine: str, precision: str) -> None:
    assert section.model_validate({"engine": engine, "precision": precision}).precision == precision


@pytest.mark.parametrize(("section", "able"), [(MmposePose, "torch or openvino"), (RtmlibPose, "openvino")])
def test_onnxruntime_has_no_bf16(section: type[TopdownPose], able: str) -> None:
    with pytest.raises(ValidationError, match=f"precision bf16 needs engine {able}; onnxruntime runs f32"):
        section.model_validate({"engine": "onnx", "precision": "bf16"})


def test_rtmlib_has_no_torch() -> None:
    with pytest.raises(ValidationError, match="engine"):
        RtmlibPose.model_validate({"engine": "torch"})


@pytest.mark.parametrize(
    "values", [{"detection_confidence": 1.1}, {"tracking_confidence": -0.1}, {"fill": -1}, {"model": "heavy"}]
)
def test_values_that_mediapipe_has_not(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(values))):
        MediapipePose.model_validate(values)
