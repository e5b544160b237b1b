from typing import Any

import pytest
from made_training import MakeConfig

from camfuse.run.stages import STAGES, fingerprint

DATA = {"frames", "pose", "crops", "heatmaps"}
TRAINING = {"train_rgb", "train_pose", "train_fusion"}
LAST = {"evaluate", "report"}

CHANGES = {
    "jpeg quality": ({"frames": {"quality": 80}}, DATA | TRAINING | LAST),
    "estimator setting": ({"pose": {"mediapipe": {"detection_confidence": 0.3}}}, DATA - {"frames"} | TRAINING | LAST),
    "crop size": ({"crops": {"size": 128}}, {"crops", "heatmaps"} | TRAINING | LAST),
    "sigma": ({"heatmaps": {"sigma": 1.0}}, {"heatmaps", "train_pose", "train_fusion"} | LAST),
    "frames per clip": ({"sampling": {"rgb_frames": 4}}, TRAINING | LAST),
    "rgb depth": ({"model": {"rgb": {"depths": [1, 1, 1, 1]}}}, {"train_rgb", "train_fusion"} | LAST),
    "fusion mode": ({"model": {"fusion": {"mode": "time"}}}, {"train_fusion"} | LAST),
    "seed": ({"seed": 5}, TRAINING | LAST),
    "test clips": ({"evaluate": {"samplings": 1}}, LAST),
    "weights": ({"evaluate": {"weights": [1, 1, 0]}}, {"train_fusion"} | LAST),
    "weights tuned on val": ({"evaluate": {"weights": "tuned"}}, LAST),
    "no validation": ({"train": {"validation": False}}, TRAINING | LAST),
    "title": ({"report": {"title": "x"}}, {"report"}),
    "workers": ({"machine": {"workers": 4, "device": "cpu", "evaluate_batch": 1}}, set()),
    "output": ({"output": "elsewhere"}, set()),
    "policy for bad clips": ({"bad_clips": "skip"}, set()),
}


@pytest.mark.parametrize(("change", "reruns"), CHANGES.values(), ids=CHANGES)
def test_a_change_touches_its_stage_and_what_follows(
    make_config: MakeConfig, change: dict[str, Any], reruns: set[str]
) -> None:
    before, after = make_config(), make_config(**change)
    assert {name for name in STAGES if fingerprint(name, before) != fingerprint(name, after)} == reruns


def test_a_version_touches_its_stage_and_what_follows(make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config()
    before = {name: fingerprint(name, config) for name in STAGES}
    raised = STAGES["crops"].__class__("crops", 99, STAGES["crops"].reads, STAGES["crops"].upstream)
    monkeypatch.setitem(STAGES, "crops", raised)
    changed = {name for name in STAGES if fingerprint(name, config) != before[name]}
    assert changed == {"crops", "heatmaps"} | TRAINING | LAST
