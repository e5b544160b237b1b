"""Weights of MMAction2 and PYSKL, by the names that those projects give them; and how a training starts from them."""

import hashlib
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_training import MakeConfig
from torch import Tensor

from camfuse.config import Config, Model, Part
from camfuse.errors import WeightsError
from camfuse.model.importers import PREFIXES, import_weights
from camfuse.model.initial import load_initial, merge_streams
from camfuse.model.recogniser import Recogniser, build_recogniser
from camfuse.prep.requirements import needed_weights
from camfuse.run.stages import STAGES, fingerprint

SMALL: dict[str, Any] = {
    "rgb": {"depths": (1, 1, 1, 1), "channels": 4},
    "pose": {"depths": (1, 1, 1), "channels": 4, "stem": "7x7"},
    "fusion": {"mode": "concat", "stages": ("s2", "s3")},
}


def build(part: Part, *, classes: int = 3, seed: int = 0, **changes: Any) -> Recogniser:
    torch.manual_seed(seed)
    values = {name: {**section, **changes.get(name, {})} for name, section in SMALL.items()}
    return build_recogniser(Model.model_validate(values), num_classes=classes, part=part)


def theirs(recogniser: Recogniser) -> dict[str, Tensor]:
    """The recogniser's tensors under the names of MMAction2, which has no joint head."""
    state = {}
    for name, value in recogniser.state_dict().items():
        for there, here in PREFIXES[recogniser.part].items():
            if name.startswith(here):
                state[there + name.removeprefix(here)] = value
    return state


@pytest.mark.parametrize("part", ["rgb", "pose", "fusion"])
def test_every_tensor_finds_its_place(part: Part) -> None:
    source, target = build(part, seed=1), build(part, seed=2)
    report = import_weights(target, theirs(source), "file")
    new = {name for name in target.state_dict() if name.startswith("head_joint")}
    assert set(report.taken) == target.state_dict().keys() - new
    assert (set(report.kept), report.padded, report.unfit, report.unused) == (new, (), (), ())
    for name, value in source.state_dict().items():
        assert name in new or torch.equal(target.state_dict()[name], value)


def test_names_are_those_of_the_projects() -> None:
    """Written down by hand from MMAction2's and PYSKL's modules."""
    names = theirs(build("rgb")).keys()
    assert {"backbone.conv1.conv.weight", "backbone.layer1.0.downsample.bn.running_mean"} <= names
    assert {"backbone.layer4.0.conv3.conv.weight", "cls_head.fc_cls.bias"} <= names
    names = theirs(build("fusion")).keys()
    assert {"backbone.rgb_path.layer2_lateral.conv.weight", "backbone.rgb_path.layer3_lateral.conv.weight"} <= names
    assert {"backbone.pose_path.layer1_lateral.conv.weight", "backbone.pose_path.layer2_lateral.bn.weight"} <= names
    assert {"backbone.pose_path.conv1.conv.weight", "cls_head.fc_rgb.weight", "cls_head.fc_pose.bias"} <= names
    assert not [name for name in names if name.startswith(("backbone.fusion", "fusion", "rgb", "pose"))]


def test_other_classes_keep_our_head_and_are_told() -> None:
    source, target = build("rgb", classes=400, seed=1), build("rgb", seed=2)
    before = target.state_dict()["head_rgb.fc.weight"].clone()
    report = import_weights(target, theirs(source), "k400.pth")
    assert torch.equal(target.state_dict()["head_rgb.fc.weight"], before)
    assert report.unfit == (
        "head_rgb.fc.weight (expected (3, 128), found (400, 128))",
        "head_rgb.fc.bias (expected (3,), found (400,))",
    )
    assert "  head_rgb.fc.bias (expected (3,), found (400,)): of another shape, stays random" in report.text()
    assert f"k400.pth: {len(report.taken)} of its tensors fit" in report.text()


def test_a_stem_of_17_keypoints_is_padded_with_zeros_and_sees_what_it_saw() -> None:
    body = tuple(range(17))
    source, target = build("pose", seed=1, pose={"keypoints": body}).eval(), build("pose", seed=2).eval()
    report = import_weights(target, theirs(source), "file")
    assert report.padded == ("pose.conv1.conv.weight (17 of 133 keypoints)",)
    assert report.kept == report.unfit == ()
    heatmaps = torch.randint(0, 256, (2, 133, 4, 16, 16), dtype=torch.uint8)
    torch.testing.assert_close(target(None, heatmaps), source(None, heatmaps))


def test_a_factorised_stem_stays_and_both_sides_are_told() -> None:
    source, target = build("pose", seed=1), build("pose", seed=2, pose={"stem": "factorised"})
    report = import_weights(target, theirs(source), "file")
    assert "pose.conv1.conv.weight" in report.unused
    assert "pose.conv1.reduce.conv.weight" in report.kept
    assert torch.equal(
        target.state_dict()["pose.layer1.0.conv1.conv.weight"], theirs(source)["backbone.layer1.0.conv1.conv.weight"]
    )


def test_a_merged_checkpoint_without_lateral_convolutions_fits() -> None:
    """As the merge of RGBPoseConv3D leaves it: zeros for the new channels, no lateral convolutions."""
    rgb, pose, merged, target = build("rgb", seed=1), build("pose", seed=2), build("fusion", seed=3), build("fusion")
    merge_streams(merged, {"rgb": rgb.state_dict(), "pose": pose.state_dict()})
    state = {name: value for name, value in theirs(merged).items() if "lateral" not in name}
    report = import_weights(target, state, "merged.pth")
    assert {name.split(".")[0] for name in report.kept} == {"fusion", "head_joint"}
    for name in report.taken:
        assert torch.equal(target.state_dict()[name], merged.state_dict()[name])


def test_prefixes_of_other_ways_to_save_are_understood() -> None:
    state = theirs(build("rgb", seed=1))
    expected = import_weights(build("rgb"), state, "file").taken
    assert import_weights(build("rgb"), {f"module.{k}": v for k, v in state.items()}, "file").taken == expected
    bare = {k.removeprefix("backbone."): v for k, v in state.items() if k.startswith("backbone.")}
    report = import_weights(build("rgb"), bare, "file")
    assert report.taken == tuple(name for name in expected if not name.startswith("head"))
    assert set(report.kept) == {"head_rgb.fc.weight", "head_rgb.fc.bias"}


@pytest.mark.parametrize(
    ("part", "source", "message"),
    [
        ("rgb", build("rgb", rgb={"depths": (1, 2, 1, 1)}), r"rgb\.layer2\.1\.conv1\.conv\.weight: one too many"),
        ("rgb", build("rgb", rgb={"channels": 8}), r"rgb\.conv1\.conv\.weight \(expected \(4, 3.*of another shape"),
        ("rgb", build("rgb", rgb={"inflate": (True,) * 4}), r"rgb\.layer1\.0\.conv1\.conv\.weight .*of another shape"),
        ("rgb", build("fusion"), r"expected a SlowOnly.*rgb\.conv1\.conv\.weight: missing"),
        ("pose", build("rgb"), r"pose\.layer2\.0\.conv1\.conv\.weight .*of another shape"),
        ("fusion", build("rgb"), r"expected an RGBPoseConv3D.*rgb\.conv1\.conv\.weight: missing"),
    ],
    ids=["deeper", "wider", "inflated", "fused for rgb", "rgb for pose", "rgb for fused"],
)  # fmt: skip
def test_streams_of_another_kind_are_refused_and_nothing_is_changed(
    part: Part, source: Recogniser, message: str
) -> None:
    target = build(part)
    before = {name: value.clone() for name, value in target.state_dict().items()}
    with pytest.raises(WeightsError, match=f"(?s){message}"):
        import_weights(target, theirs(source), "file")
    assert all(torch.equal(value, before[name]) for name, value in target.state_dict().items())


def test_lateral_layers_do_not_fit_a_model_without_them() -> None:
    target = build("fusion", fusion={"mode": "divided", "width": 8, "heads": 2})
    with pytest.raises(
        WeightsError, match=r"(?s)mode: concat.*rgb\.layer3\.0\.conv1\.conv\.weight \(expected \(16, 32"
    ):
        import_weights(target, theirs(build("fusion")), "file")


# ------------------------------------------------------------------------------------------- a training's start


def save(path: Path, recogniser: Recogniser, **others: Any) -> str:
    """Save what MMEngine's runner saves, and return the file's hash."""
    meta = {"epoch": 150, "cfg": "model = ...", "best_score": np.float64(0.76), "sizes": np.ones(3, np.float32)}
    torch.save({"meta": meta, "state_dict": theirs(recogniser), **others}, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def settings(make_config: MakeConfig, part: str, **weights: Any) -> Config:
    model = {name: dict(section) for name, section in SMALL.items()}
    model[part]["weights"] = weights
    config: Config = make_config(model=model)
    return config


@pytest.mark.parametrize("part", ["rgb", "pose", "fusion"])
def test_a_training_starts_from_the_weights_of_its_part(
    part: Part, tmp_path: Path, make_config: MakeConfig, caplog: pytest.LogCaptureFixture
) -> None:
    source, path = build(part, seed=1, classes=7), tmp_path / "theirs.pth"
    save(path, source)
    config = settings(make_config, part, path=str(path))
    target = build(part, seed=2)
    with caplog.at_level(logging.INFO):
        report = load_initial(target, config)
    assert report is not None and report.source == f"model.{part}.weights: {path}"
    assert report.text() in caplog.text and "head_" in caplog.text
    assert all(torch.equal(target.state_dict()[name], source.state_dict()[name]) for name in report.taken)
    other: Part = "pose" if part == "rgb" else "rgb"
    assert load_initial(build(other), config) is None


def test_a_checkpoint_of_ours_is_a_start_too(tmp_path: Path, make_config: MakeConfig) -> None:
    source, path = build("pose", seed=1, classes=7), tmp_path / "best.ckpt"
    torch.save({"part": "pose", "epoch": 3, "state": source.state_dict()}, path)
    target = build("pose", seed=2)
    report = load_initial(target, settings(make_config, "pose", path=str(path)))
    assert report is not None and len(report.unfit) == 2
    assert torch.equal(target.state_dict()["pose.conv1.conv.weight"], source.state_dict()["pose.conv1.conv.weight"])


def test_another_file_than_the_config_says_is_refused(tmp_path: Path, make_config: MakeConfig) -> None:
    path = tmp_path / "theirs.pth"
    digest = save(path, build("rgb"))
    config = settings(make_config, "rgb", path=str(path), sha256=digest)
    assert load_initial(build("rgb"), config) is not None
    save(path, build("rgb", seed=5))
    with pytest.raises(WeightsError, match="expected sha256"):
        load_initial(build("rgb"), config)


def test_weights_belong_to_what_camfuse_weights_lists(make_config: MakeConfig) -> None:
    address = "https://example.org/slowonly-0123abcd.pth"
    config = settings(make_config, "rgb", url=address, sha256="0123abcd")
    assert [(one.key, one.path.name) for one in needed_weights(config)] == [("model.rgb.weights", Path(address).name)]


# ------------------------------------------------------------------------------------------- fingerprints


def trainings(config: Config) -> dict[str, str]:
    return {name: fingerprint(name, config) for name in STAGES}


@pytest.mark.parametrize(
    ("part", "reruns"),
    [
        ("rgb", {"train_rgb", "train_fusion", "evaluate", "report"}),
        ("pose", {"train_pose", "train_fusion", "evaluate", "report"}),
        ("fusion", {"train_fusion", "evaluate", "report"}),
    ],
)
def test_weights_enter_their_trainings_fingerprint_by_hash_and_not_by_place(
    part: str, reruns: set[str], tmp_path: Path, make_config: MakeConfig
) -> None:
    one, two = tmp_path / "one.pth", tmp_path / "two.pth"
    one.write_bytes(b"weights"), two.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    without = trainings(make_config(model=SMALL))
    expected = trainings(settings(make_config, part, path=str(one)))
    assert {name for name in STAGES if expected[name] != without[name]} == reruns
    assert trainings(settings(make_config, part, path=str(two))) == expected
    assert trainings(settings(make_config, part, path="gone.pth", sha256=digest)) == expected
    assert trainings(settings(make_config, part, url="https://example.org/x.pth", sha256=digest)) == expected
    two.write_bytes(b"others!")
    changed = trainings(settings(make_config, part, path=str(two)))
    assert {name for name in STAGES if changed[name] != expected[name]} == reruns


def test_a_place_without_a_file_and_without_a_hash_is_told(make_config: MakeConfig) -> None:
    with pytest.raises(WeightsError, match=r"gone\.pth: expected the weights.*or give their `sha256`"):
        trainings(settings(make_config, "rgb", path="gone.pth"))
