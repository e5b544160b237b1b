"""Lateral convolutions: RGBPoseConv3D's shapes, both directions, and zeros where the other stream is missing."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from camfuse.config import Fusion, Model, Part
from camfuse.model.fusion.base import Channels
from camfuse.model.fusion.lateral import LateralConcat, PoseToRgb, RgbToPose
from camfuse.model.initial import merge_streams
from camfuse.model.layers import zeros_behind
from camfuse.model.recogniser import Recogniser, build_recogniser

ALL = torch.ones(2, 4, dtype=torch.bool)


def make(modality_dropout: float = 0.0) -> LateralConcat:
    return LateralConcat(Channels(32, 6), Fusion(mode="concat", modality_dropout=modality_dropout))


def build(part: Part, stages: tuple[str, ...] = ("s2", "s3"), **fusion: object) -> Recogniser:
    torch.manual_seed(0)
    config = {
        "rgb": {"depths": (1, 1, 1, 1), "channels": 4, "dropout": 0.0},
        "pose": {"depths": (1, 1, 1), "channels": 4, "dropout": 0.0},
        "fusion": {"mode": "concat", "stages": stages, "modality_dropout": 0.0} | fusion,
    }
    return build_recogniser(Model.model_validate(config), num_classes=3, part=part)


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    rgb = torch.randint(0, 256, (2, 3, 2, 64, 64), generator=generator, dtype=torch.uint8)
    return rgb, torch.randint(0, 256, (2, 133, 8, 16, 16), generator=generator, dtype=torch.uint8)


def wake(recogniser: Recogniser) -> Recogniser:
    """Give zero-initialised parameters a value, and batch norms statistics of their own, as training would."""
    with torch.no_grad():
        for parameter in recogniser.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
        for module in recogniser.modules():
            if isinstance(module, nn.BatchNorm3d) and module.running_var is not None:
                module.running_var.mul_(torch.rand_like(module.running_var) + 0.5)
    return recogniser


def test_full_size_has_the_channels_and_the_parameters_of_rgbposeconv3d() -> None:
    # shared notes on RGBPoseConv3D, K = 133, without classifier: RGB 32.78 M, pose 2.25 M, lateral 1.15 M
    config = {"pose": {"stem": "7x7"}, "fusion": {"mode": "concat", "stages": ("s2", "s3")}}
    with torch.device("meta"):
        model = build_recogniser(Model.model_validate(config), num_classes=2000, part="fusion")
    millions = {
        name: sum(p.numel() for p in model.get_submodule(name).parameters()) / 1e6 for name in ("rgb", "pose", "fusion")
    }
    assert millions == pytest.approx({"rgb": 32.78, "pose": 2.25, "fusion": 1.15}, abs=0.005)
    inputs = {name: model.get_parameter(name).shape[1] for name in model.wider_inputs()}
    assert inputs == {
        f"{layer}.0.{part}.conv.weight": width
        for layer, width in (("rgb.layer3", 640), ("rgb.layer4", 1280), ("pose.layer2", 160), ("pose.layer3", 320))
        for part in ("conv1", "downsample")
    }


def test_full_size_costs_what_rgbposeconv3d_does() -> None:
    # shared notes: 224 px, 8 / 32 frames, K = 133: 76 G multiply-adds with laterals; the 7x7 stem is 27 % of them
    gigas = {}
    for stem in ("7x7", "factorised"):
        config = {"pose": {"stem": stem}, "fusion": {"mode": "concat", "stages": ("s2", "s3")}}
        with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
            model = build_recogniser(Model.model_validate(config), num_classes=2000, part="fusion").eval()
            crops = torch.empty(1, 3, 8, 224, 224, dtype=torch.uint8)
            model(crops, torch.empty(1, 133, 32, 56, 56, dtype=torch.uint8))
        gigas[stem] = counter.get_total_flops() / 2e9
    assert gigas["7x7"] == pytest.approx(76, abs=0.5)
    assert 1 - gigas["factorised"] / gigas["7x7"] == pytest.approx(0.27 * 0.94, abs=0.01)


@pytest.mark.parametrize("ratio", [1, 2, 4])
def test_lateral_convolutions_map_between_the_frame_rates(ratio: int) -> None:
    pose, rgb = torch.randn(2, 3, 6 * ratio, 2, 2), torch.randn(2, 5, 6, 2, 2)
    assert PoseToRgb(3, 4)(pose, ratio).shape == (2, 4, 6, 2, 2)
    assert RgbToPose(5, 2)(rgb, ratio).shape == (2, 2, 6 * ratio, 2, 2)


def test_frame_of_one_stream_reaches_its_own_group_of_the_other_and_two_around() -> None:
    """By hand: kernel 7, stride 4, padding 3: RGB frame t sees pose frames 4t - 3 .. 4t + 3, and the other way too."""
    to_rgb, to_pose = PoseToRgb(1, 1), RgbToPose(1, 1).eval()
    nn.init.ones_(to_rgb.conv.weight), nn.init.ones_(to_pose.conv.weight)
    pose = torch.zeros(1, 1, 16, 1, 1)
    pose[0, 0, 5] = 1
    assert to_rgb(pose, 4).flatten().tolist() == [0, 1, 1, 0]
    rgb = torch.zeros(1, 1, 4, 1, 1)
    rgb[0, 0, 1] = 1
    assert (to_pose(rgb, 4).flatten() > 0).nonzero().flatten().tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_each_stream_gets_the_other_behind_its_own_channels_from_the_same_inputs() -> None:
    lateral = make()
    rgb, pose = torch.randn(2, 32, 2, 3, 3), torch.randn(2, 6, 4, 3, 3)
    out_rgb, out_pose = lateral(rgb, pose, ALL)
    assert out_rgb.shape == (2, 32 + 6, 2, 3, 3) and out_pose.shape == (2, 6 + 2, 4, 3, 3)
    assert torch.equal(out_rgb[:, :32], rgb) and torch.equal(out_pose[:, :6], pose)
    expected = F.conv3d(pose, lateral.to_rgb.conv.weight, stride=(2, 1, 1), padding=(3, 0, 0))
    torch.testing.assert_close(out_rgb[:, 32:], expected)
    assert torch.equal(out_pose[:, 6:], lateral.to_pose(rgb, 2))


@pytest.mark.parametrize("stages", [("s2", "s3"), ("s3", "s4"), ("s2", "s3", "s4")])
def test_merged_streams_begin_as_the_single_ones(stages: tuple[str, ...]) -> None:
    rgb, pose, fused = wake(build("rgb")).eval(), wake(build("pose")).eval(), wake(build("fusion", stages)).eval()
    x, y = batch()
    alone = rgb(x, None)["rgb"], pose(None, y)["pose"]
    assert not torch.allclose(fused(x, y)["rgb"], alone[0], rtol=1e-2, atol=1e-2)
    merge_streams(fused, {"rgb": rgb.state_dict(), "pose": pose.state_dict()})
    found = fused(x, y)
    torch.testing.assert_close((found["rgb"], found["pose"]), alone)
    for key, extra in fused.wider_inputs().items():
        weight = fused.state_dict()[key]
        assert not weight[:, -extra:].any() and weight[:, :-extra].any()


def test_after_the_merge_training_can_wake_the_lateral_weights() -> None:
    rgb, pose, fused = wake(build("rgb")), wake(build("pose")), build("fusion")
    merge_streams(fused, {"rgb": rgb.state_dict(), "pose": pose.state_dict()})
    logits = fused(*batch())
    (logits["rgb"].square().sum() + logits["pose"].square().sum()).backward()
    for key, extra in fused.wider_inputs().items():
        gradient = fused.get_parameter(key).grad
        assert gradient is not None and gradient[:, -extra:].abs().max() > 0


@pytest.mark.parametrize("stages", [("s2", "s3"), ("s3", "s4")])
def test_one_modality_is_enough_and_equals_lateral_features_of_zero(stages: tuple[str, ...]) -> None:
    fused = wake(build("fusion", stages)).eval()
    x, y = batch()
    both, only_rgb, only_pose = fused(x, y), fused(x, None), fused(None, y)
    assert (list(only_rgb), list(only_pose)) == (["rgb"], ["pose"])
    assert not torch.allclose(both["rgb"], only_rgb["rgb"])
    assert not torch.allclose(both["pose"], only_pose["pose"])
    for stage in fused.fusion.values():
        nn.init.zeros_(stage.get_submodule("to_rgb.conv").weight)  # type: ignore[arg-type]
        nn.init.zeros_(stage.get_submodule("to_pose.bn").weight)  # type: ignore[arg-type]
        nn.init.zeros_(stage.get_submodule("to_pose.bn").bias)  # type: ignore[arg-type]
    silent = fused(x, y)
    assert torch.equal(silent["rgb"], only_rgb["rgb"]) and torch.equal(silent["pose"], only_pose["pose"])


def test_modality_dropout_is_a_missing_modality() -> None:
    lateral = make(0.5).train()
    rgb, pose = torch.randn(64, 32, 2, 3, 3), torch.randn(64, 6, 4, 3, 3)
    out_rgb, out_pose = lateral(rgb, pose, torch.ones(64, 4, dtype=torch.bool))
    silent = [~out.flatten(1).any(1) for out in (out_rgb[:, 32:], out_pose[:, 6:])]
    assert all(12 < int(s.sum()) < 52 for s in silent)
    assert not torch.equal(*silent)
    assert torch.equal(out_rgb[silent[0]], zeros_behind(rgb[silent[0]], 6))


def test_grids_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one grid"):
        make()(torch.randn(1, 32, 2, 3, 3), torch.randn(1, 6, 3, 3, 3), ALL[:1, :3])
