"""A model gets the keypoints that it was trained on, unless somebody says otherwise."""

from typing import Any

import pytest
from made_training import MakeConfig

from camfuse.errors import ConfigError, MissingToolError
from camfuse.predict.estimator import FILES, check_estimator, with_estimator

HAND = {"mediapipe": {"fill": 2}}
DEMO = {"letters": ["A"], "languages": {"train": ["ase"], "val": ["bzs"], "test": ["csq"]}}


def test_left_out_it_is_the_models_own_with_its_settings(make_config: MakeConfig) -> None:
    config = make_config(pose=HAND)
    assert with_estimator(config) is config
    assert with_estimator(config, "mediapipe").pose.mediapipe == config.pose.mediapipe


@pytest.mark.parametrize("trained", ["mmpose", "rtmlib"])
def test_another_one_is_refused_and_its_cost_said(make_config: MakeConfig, trained: str) -> None:
    config = make_config(pose={trained: {}})
    with pytest.raises(ConfigError, match=rf"trained on keypoints of {trained}.*right less often.*--other-estimator"):
        with_estimator(config, "mediapipe")
    assert with_estimator(config, "mediapipe", other=True).pose.key == "mediapipe"
    assert with_estimator(config, other=True).pose.key == trained


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ({"fingerspelling": DEMO}, "so name `--estimator mediapipe`"),
        ({"csv": {"table": "t.csv"}}, "one of mediapipe, mmpose, rtmlib"),
    ],
)
def test_keypoints_from_files_need_a_name(make_config: MakeConfig, clips: dict[str, Any], message: str) -> None:
    config = make_config(clips=clips, pose={"annotations": {}})
    with pytest.raises(ConfigError, match=message):
        with_estimator(config)
    assert with_estimator(config, "mediapipe").pose.key == "mediapipe"


@pytest.mark.parametrize("name", ["files", "openpose", ""])
def test_a_name_that_makes_no_keypoints(make_config: MakeConfig, name: str) -> None:
    with pytest.raises(ConfigError, match="expected one of the estimators mediapipe, mmpose, rtmlib"):
        with_estimator(make_config(), name)


def test_keypoints_of_files_need_no_estimator(make_config: MakeConfig) -> None:
    for pose in ({"annotations": {}}, {"mmpose": {}}):
        config = make_config(pose=pose)
        assert with_estimator(config, FILES) is config


def test_what_is_missing_is_said_before_a_video_is_opened(make_config: MakeConfig, tmp_path: Any) -> None:
    config = make_config(pose={"rtmlib": {}}, machine={"weights": str(tmp_path)})
    with pytest.raises(MissingToolError, match=r"(?s)wants keypoints of rtmlib.*pose\.rtmlib\.weights.*--other-estim"):
        check_estimator(config)
