"""Streams merged into a fused recogniser."""

import logging

import pytest
import torch
from made_training import MakeConfig
from pytest import LogCaptureFixture

from camfuse.config import Model, Part
from camfuse.config.model import SHIPPED_WEIGHTS
from camfuse.errors import WeightsError
from camfuse.model.initial import clips_before, load_initial, merge_streams
from camfuse.model.recogniser import Recogniser, build_recogniser

CONFIG = Model.model_validate(
    {
        "rgb": {"depths": (1, 1, 1, 1), "channels": 2},
        "pose": {"depths": (1, 1, 1), "channels": 2},
        "fusion": {"width": 4, "heads": 2},
    }
)


def build(part: Part, classes: int = 3) -> Recogniser:
    return build_recogniser(CONFIG, num_classes=classes, part=part)


def test_merge_takes_every_weight_of_both_streams_and_leaves_the_new_ones() -> None:
    rgb, pose, fused = build("rgb"), build("pose"), build("fusion")
    before = {key: value.clone() for key, value in fused.state_dict().items()}
    merge_streams(fused, {"rgb": rgb.state_dict(), "pose": pose.state_dict()})
    after = fused.state_dict()
    old = rgb.state_dict() | pose.state_dict()
    assert all(torch.equal(after[key], value) for key, value in old.items())
    new = [key for key in after if key not in old]
    assert new and all(torch.equal(after[key], before[key]) for key in new)
    assert {key.split(".")[0] for key in new} == {"fusion", "head_joint"}


def test_merge_names_every_key_that_does_not_fit_and_changes_nothing() -> None:
    fused = build("fusion")
    before = {key: value.clone() for key, value in fused.state_dict().items()}
    rgb, pose = build("rgb").state_dict(), build("pose", classes=5).state_dict()
    del rgb["rgb.conv1.bn.bias"]
    rgb["ema.step"] = torch.tensor(1)
    with pytest.raises(WeightsError) as caught:
        merge_streams(fused, {"rgb": rgb, "pose": pose})
    text = str(caught.value)
    assert "4 key(s)" in text
    assert "rgb: rgb.conv1.bn.bias: missing" in text
    assert "rgb: ema.step: unknown to the fused model" in text
    assert "pose: head_pose.fc.weight: expected shape (3, 32), found (5, 32)" in text
    assert "pose: head_pose.fc.bias: expected shape (3,), found (5,)" in text
    assert all(torch.equal(value, before[key]) for key, value in fused.state_dict().items())


def test_swapped_checkpoints_are_noticed() -> None:
    with pytest.raises(WeightsError, match=r"rgb: rgb.conv1.conv.weight: missing"):
        merge_streams(build("fusion"), {"rgb": build("pose").state_dict(), "pose": build("rgb").state_dict()})


def test_the_shipped_letters_fill_the_whole_sequence_stream(make_config: MakeConfig, caplog: LogCaptureFixture) -> None:
    """Of 410 recordings of 26 letters; only the head, which is of other words, stays random."""
    config = make_config(model={"rgb": None, "pose": None, "sequence": {"weights": "letters"}})
    model = build_recogniser(config.model, num_classes=5, part="sequence")
    before = {key: value.clone() for key, value in model.state_dict().items()}
    report = load_initial(model, config)
    assert report is not None and not report.unfit and {key.split(".")[0] for key in report.kept} == {"head_sequence"}
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]  # none stays random
    path = SHIPPED_WEIGHTS["letters"].path
    stored = torch.load(path, weights_only=True)
    assert [(one["clips"], one["words"], one["run"]) for one in stored["made_of"]] == [(410, 26, "results/letters")]
    assert clips_before(config, "sequence") == {str(path): frozenset(stored["clips"])} and len(stored["clips"]) == 410
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key] if key.startswith("head_") else stored["state"][key])
