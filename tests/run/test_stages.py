from typing import Any

import pytest
from made_training import MakeConfig

from camfuse.config.model import SHIPPED_WEIGHTS
from camfuse.config.read import merged
from camfuse.run.stages import STAGES, fingerprint

DATA = {"frames", "pose", "crops", "heatmaps"}
TRAINING = {"train_rgb", "train_pose", "train_fusion"}
# its fingerprint is defined, and used by nobody, where the model has no such stream
SEQUENCE = {"train_sequence"}
LAST = {"evaluate", "report"}

CHANGES = {
    "jpeg quality": ({"frames": {"quality": 80}}, DATA | TRAINING | SEQUENCE | LAST),
    "estimator setting": (
        {"pose": {"mediapipe": {"detection_confidence": 0.3}}},
        DATA - {"frames"} | TRAINING | SEQUENCE | LAST,
    ),
    "crop size": ({"crops": {"size": 128}}, {"crops", "heatmaps"} | TRAINING | LAST),
    "sigma": ({"heatmaps": {"sigma": 1.0}}, {"heatmaps", "train_pose", "train_fusion"} | LAST),
    "zoomed hands": ({"heatmaps": {"hands": "zoomed"}}, {"heatmaps", "train_pose", "train_fusion"} | LAST),
    "frames per clip": ({"sampling": {"rgb_frames": 4}}, TRAINING | LAST),
    "active part": ({"sampling": {"part": "active"}}, TRAINING | LAST),
    "rgb depth": ({"model": {"rgb": {"depths": [1, 1, 1, 1]}}}, {"train_rgb", "train_fusion"} | LAST),
    "fusion mode": ({"model": {"fusion": {"mode": "time"}}}, {"train_fusion"} | LAST),
    "seed": ({"seed": 5}, TRAINING | SEQUENCE | LAST),
    "test clips": ({"evaluate": {"samplings": 1}}, LAST),
    "weights": ({"evaluate": {"weights": [1, 1, 0]}}, {"train_fusion"} | LAST),
    "weights tuned on val": ({"evaluate": {"weights": "tuned"}}, LAST),
    "no validation": ({"train": {"validation": False}}, TRAINING | SEQUENCE | LAST),
    "title": ({"report": {"title": "x"}}, {"report"}),
    "workers": ({"machine": {"workers": 4, "device": "cpu", "evaluate_batch": 1}}, set()),
    "output": ({"output": "elsewhere"}, set()),
    "policy for bad clips": ({"bad_clips": "skip"}, set()),
}


THREE: dict[str, Any] = {"model": {"sequence": {}}}
ALONE: dict[str, Any] = {"model": {"rgb": None, "pose": None, "sequence": {}}}
CHANGES_OF_THREE = {
    "estimator setting": ({"pose": {"mediapipe": {"detection_confidence": 0.3}}}, DATA - {"frames"} | TRAINING | LAST),
    "crop size": ({"crops": {"size": 128}}, {"crops", "heatmaps"} | TRAINING | LAST),
    "frames per clip": ({"sampling": {"rgb_frames": 4}}, TRAINING | LAST),
    "width": ({"model": {"sequence": {"width": 64}}}, {"train_fusion"} | LAST),
    "its augmentation": ({"train": {"sequence_augment": {"hide": 0}}}, {"train_fusion"} | LAST),
}


@pytest.mark.parametrize(("change", "reruns"), CHANGES_OF_THREE.values(), ids=CHANGES_OF_THREE)
def test_a_third_stream_stands_on_the_poses_and_below_the_fusion(
    make_config: MakeConfig, change: dict[str, Any], reruns: set[str]
) -> None:
    before, after = make_config(**THREE), make_config(**merged(THREE, change))
    changed = {name for name in STAGES if fingerprint(name, before) != fingerprint(name, after)}
    assert changed - SEQUENCE == reruns
    assert (changed >= SEQUENCE) == bool(change.keys() & {"pose", "model", "train"})


def test_a_sequence_alone_does_not_know_of_crops(make_config: MakeConfig) -> None:
    before, after = (make_config(**merged(ALONE, more)) for more in ({}, {"crops": {"size": 128}}))
    changed = {name for name in STAGES if fingerprint(name, before) != fingerprint(name, after)}
    assert changed == {"crops", "heatmaps", "train_rgb", "train_pose"}
    assert STAGES["evaluate"].stands_on(before) == ("train_sequence",)


def test_a_third_stream_changes_neither_of_the_papers(make_config: MakeConfig) -> None:
    two, three = make_config(), make_config(**THREE)
    changed = {name for name in STAGES if fingerprint(name, two) != fingerprint(name, three)}
    assert changed == {"train_sequence", "train_fusion"} | LAST


@pytest.mark.parametrize(("change", "reruns"), CHANGES.values(), ids=CHANGES)
def test_a_change_touches_its_stage_and_what_follows(
    make_config: MakeConfig, change: dict[str, Any], reruns: set[str]
) -> None:
    before, after = make_config(), make_config(**change)
    assert {name for name in STAGES if fingerprint(name, before) != fingerprint(name, after)} == reruns


def test_what_was_added_later_is_left_out_of_the_fingerprints_of_before(make_config: MakeConfig) -> None:
    """With what the defaults were before they had these keys, shards and trainings of before are still good."""
    config = make_config(heatmaps={"hands": None}, sampling={"part": None})
    assert config.heatmaps.model_dump(mode="json", exclude_none=True).keys() == {"sigma"}
    assert config.sampling.model_dump(mode="json", exclude_none=True).keys() == {"rgb_frames", "pose_frames"}
    assert [fingerprint(name, config) for name in STAGES] == [fingerprint(name, make_config()) for name in STAGES]


def test_a_version_touches_its_stage_and_what_follows(make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config()
    before = {name: fingerprint(name, config) for name in STAGES}
    raised = STAGES["crops"].__class__("crops", 99, STAGES["crops"].reads, STAGES["crops"].upstream)
    monkeypatch.setitem(STAGES, "crops", raised)
    changed = {name for name in STAGES if fingerprint(name, config) != before[name]}
    assert changed == {"crops", "heatmaps"} | TRAINING | LAST


def test_shipped_weights_are_what_their_file_is(make_config: MakeConfig) -> None:
    """A copy of the file elsewhere is the same training; random weights are another."""
    of = [
        fingerprint("train_sequence", make_config(model={"rgb": None, "pose": None, "sequence": {"weights": weights}}))
        for weights in ("letters", {"path": str(SHIPPED_WEIGHTS["letters"].path)}, None)
    ]
    assert of[0] == of[1] != of[2]
