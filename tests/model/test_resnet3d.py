"""The streams: sizes of RGBPoseConv3D, shapes, the identity at the start."""

import pytest
import torch
from torch import nn

from camfuse.config import PoseStream, RgbStream
from camfuse.model.resnet3d import Bottleneck, pose_stream, rgb_stream


def millions(module: nn.Module) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def test_full_size_has_the_parameters_of_rgbposeconv3d() -> None:
    # shared notes on RGBPoseConv3D, no laterals, K = 133, without classifier: 31.63 M and 2.18 M
    with torch.device("meta"):
        rgb, pose = rgb_stream(RgbStream()), pose_stream(PoseStream(stem="7x7"))
    assert millions(rgb) == pytest.approx(31.63, abs=0.005)
    assert millions(pose) == pytest.approx(2.18, abs=0.005)


def test_factorised_stem_saves_what_its_two_kernels_say() -> None:
    with torch.device("meta"):
        seven, factorised = pose_stream(PoseStream(stem="7x7")), pose_stream(PoseStream())
    saved = 133 * 32 * 49 - (133 * 32 + 32 * 32 * 9 + 2 * 32)  # one more batch norm
    assert millions(seven) - millions(factorised) == pytest.approx(saved / 1e6, abs=1e-9)


def test_feature_shapes_at_full_size() -> None:
    # 224 px, 8 / 32 frames: A 512x8x28x28 and 128x32x28x28, C 2048x8x7x7 and 512x32x7x7
    with torch.device("meta"):
        rgb, pose = rgb_stream(RgbStream()), pose_stream(PoseStream(stem="7x7"))
        x, y = torch.empty(1, 3, 8, 224, 224), torch.empty(1, 133, 32, 56, 56)
        x, y = rgb.stem(x), pose.stem(y)
        assert x.shape == (1, 64, 8, 56, 56) and y.shape == (1, 32, 32, 56, 56)
        x = rgb.layer(1, x)
        assert x.shape == (1, 256, 8, 56, 56)
        found = []
        for level in (1, 2, 3):
            x, y = rgb.layer(level + 1, x), pose.layer(level, y)
            found.append((tuple(x.shape[1:]), tuple(y.shape[1:])))
    assert found == [
        ((512, 8, 28, 28), (128, 32, 28, 28)),
        ((1024, 8, 14, 14), (256, 32, 14, 14)),
        ((2048, 8, 7, 7), (512, 32, 7, 7)),
    ]


def test_key_names_are_those_of_mmaction2() -> None:
    keys = set(rgb_stream(RgbStream(depths=(1, 1, 1, 1), channels=2)).state_dict())
    expected = {"conv1.conv.weight", "conv1.bn.running_var", "layer1.0.conv1.conv.weight", "layer4.0.conv3.bn.bias"}
    assert expected | {"layer1.0.downsample.conv.weight", "layer1.0.downsample.bn.weight"} <= keys


def test_inflated_layers_span_three_frames_and_others_one() -> None:
    stream = rgb_stream(RgbStream(depths=(2, 2, 2, 2), channels=2))
    spans = [stream.get_submodule(f"layer{n}.{b}.conv1.conv").weight.shape[2:] for n in (1, 2, 3, 4) for b in (0, 1)]
    assert [tuple(span) for span in spans] == [(1, 1, 1)] * 4 + [(3, 1, 1)] * 4


def test_a_new_block_is_the_identity_on_what_a_relu_left() -> None:
    x = torch.rand(2, 8, 3, 4, 4)
    assert torch.equal(Bottleneck(8, 2, stride=1, inflate=True)(x), x)


def test_a_stream_that_is_not_inflated_does_not_mix_frames() -> None:
    torch.manual_seed(0)
    stream = pose_stream(
        PoseStream(depths=(1, 1, 1), channels=4, inflate=(False,) * 3, keypoints=(0, 1, 2, 3, 4))
    ).eval()
    x = torch.rand(1, 5, 6, 8, 8)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    with torch.no_grad():
        torch.testing.assert_close(stream(x[:, :, order]), stream(x)[:, :, order])
