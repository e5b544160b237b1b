"""A folded recogniser answers as the one that it was made of."""

import copy

import pytest
import torch
from torch import Tensor, nn

from camfuse.config import Model, Part
from camfuse.model.device import channels_last
from camfuse.model.folded import FoldedBottleneck, FoldedConv, affine_of, fold, folds
from camfuse.model.frames import begin_frames, clips_of
from camfuse.model.recogniser import Recogniser, build_recogniser
from camfuse.model.resnet3d import Bottleneck, ConvNorm

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
SMALL = {
    "rgb": {"depths": (1, 2, 1, 1), "channels": 8},
    "pose": {"depths": (1, 1, 1), "channels": 8},
    "fusion": {"width": 8, "heads": 2},
}


def trained(part: Part, **values: object) -> Recogniser:
    """Return a recogniser whose batch norms are not the identity."""
    torch.manual_seed(0)
    model = build_recogniser(Model.model_validate({**SMALL, **values}), num_classes=3, part=part)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm3d):
                assert module.running_mean is not None and module.running_var is not None
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 2)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.2)
    return model.eval()


def shown() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    rgb = torch.randint(0, 256, (2, 3, 2, 32, 32), generator=generator, dtype=torch.uint8)
    return rgb, torch.randint(0, 256, (2, 133, 4, 8, 8), generator=generator, dtype=torch.uint8)


def test_batch_norm_is_a_factor_and_a_number() -> None:
    layers = ConvNorm(1, 2, (1, 1, 1)).eval()
    with torch.no_grad():
        layers.conv.weight.copy_(torch.tensor([2.0, 3.0]).view(2, 1, 1, 1, 1))
        for tensor, values in (
            (layers.bn.running_mean, [1.0, 0.0]),
            (layers.bn.running_var, [4.0, 1.0]),
            (layers.bn.weight, [3.0, 1.0]),
            (layers.bn.bias, [0.5, -4.0]),
        ):
            assert tensor is not None
            tensor.copy_(torch.tensor(values))
        layers.bn.eps = 0.0
    factor, added = affine_of(layers)
    assert factor.tolist() == [1.5, 1.0] and added.tolist() == [-1.0, -4.0]  # 3 / 2, 0.5 - 1 * 1.5
    found = FoldedConv(layers, torch.float32)(torch.full((1, 1, 1, 1, 1), 1.0))
    assert found.flatten().tolist() == [2.0, 0.0]  # 2 * 1.5 - 1, and 3 - 4 cut at zero


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("inflate", [False, True])
@torch.inference_mode()
def test_a_folded_block_is_the_block(inflate: bool, stride: int) -> None:
    torch.manual_seed(2)
    block = Bottleneck(16, 4, stride=stride, inflate=inflate).eval()
    for layers in (block.conv1, block.conv2, block.conv3, block.downsample):
        if layers is not None:
            assert layers.bn.running_mean is not None
            layers.bn.running_mean.normal_()
            layers.bn.weight.normal_()
            layers.bn.bias.normal_()
    x = torch.randn(2, 16, 4, 6, 6).relu()
    torch.testing.assert_close(FoldedBottleneck(block, torch.float32)(x), block(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("part", ["rgb", "pose", "fusion"])
@pytest.mark.parametrize("stem", ["factorised", "7x7"])
@torch.inference_mode()
def test_the_logits_stay(part: Part, stem: str) -> None:
    model = trained(part, pose={**SMALL["pose"], "stem": stem})
    rgb, heatmaps = shown()
    given = (("rgb", "rgb", rgb), ("pose", "heatmaps", heatmaps))
    there = {name: x for stream, name, x in given if part in ("fusion", stream)}
    expected = model(**there)
    found = fold(copy.deepcopy(model), torch.float32)(**there)
    assert found.keys() == expected.keys()
    for head, logits in expected.items():
        torch.testing.assert_close(found[head], logits, rtol=1e-4, atol=1e-5)


def test_what_ends_in_relu_with_channels_by_eights_is_one_kernel_on_a_gpu() -> None:
    found = {
        (outputs, activate): FoldedConv(ConvNorm(8, outputs, (1, 1, 1), activate=activate), torch.bfloat16).fused
        for outputs in (16, 12)
        for activate in (True, False)
    }
    assert found == {(16, True): True, (16, False): False, (12, True): False, (12, False): False}
    model = fold(trained("fusion"), torch.bfloat16)
    layers = [module for module in model.modules() if isinstance(module, FoldedConv)]
    assert sum(not layer.fused for layer in layers) == 7  # the shortcuts of seven first blocks, added elsewhere


def test_every_batch_norm_of_the_streams_is_folded() -> None:
    model = fold(trained("fusion"), torch.float32)
    assert not any(isinstance(module, nn.BatchNorm3d) for module in model.modules())


@pytest.mark.parametrize(
    ("device", "cuda", "capability", "expected"),
    [
        ("cuda", "13.0", (9, 0), True),
        ("cuda", "13.0", (8, 0), True),
        ("cuda", "13.0", (7, 5), False),  # bf16 is emulated there, and cuDNN's fused convolutions refuse it
        ("cuda", None, (9, 4), False),  # AMD's
        ("cpu", "13.0", (9, 0), False),
    ],
)
def test_only_gpus_whose_cudnn_has_the_fused_convolutions_fold(
    monkeypatch: pytest.MonkeyPatch, device: str, cuda: str | None, capability: tuple[int, int], expected: bool
) -> None:
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
    assert folds(torch.device(device)) is expected


@CUDA
@torch.inference_mode()
def test_a_gpu_gives_the_same_in_16_bits() -> None:
    model = channels_last(trained("fusion"), torch.bfloat16).cuda()
    rgb, heatmaps = (x.cuda() for x in shown())
    with torch.autocast("cuda", torch.bfloat16):
        expected = model(rgb, heatmaps)
        found = fold(copy.deepcopy(model), torch.bfloat16)(rgb, heatmaps)
    for head, logits in expected.items():
        torch.testing.assert_close(found[head].float(), logits.float(), rtol=0.02, atol=0.02)


@pytest.mark.parametrize(
    ("device", "dtype", "most"),
    [("cpu", torch.float32, 1e-5), pytest.param("cuda", torch.bfloat16, 0.02, marks=CUDA)],
)
@torch.inference_mode()
def test_a_folded_recogniser_looks_once_at_each_frame_too(device: str, dtype: torch.dtype, most: float) -> None:
    """As a GPU's test runs: frames by themselves, then clips of them, in the layout of 16 bits."""
    model = channels_last(trained("fusion"), torch.bfloat16).to(device)
    generator = torch.Generator().manual_seed(4)
    images = torch.randint(0, 256, (5, 32, 32, 3), generator=generator, dtype=torch.uint8)
    maps = torch.randint(0, 256, (6, 133, 8, 8), generator=generator, dtype=torch.uint8)
    rgb_frames = torch.randint(0, 5, (3, 2), generator=generator)
    pose_frames = torch.randint(0, 6, (3, 4), generator=generator)
    images, maps, rgb_frames, pose_frames = (x.to(device) for x in (images, maps, rgb_frames, pose_frames))
    with torch.autocast(device, dtype, enabled=dtype != torch.float32):
        expected = model(images[rgb_frames].permute(0, 4, 1, 2, 3), maps[pose_frames].transpose(1, 2).contiguous())
        folded = fold(copy.deepcopy(model), dtype)
        found = folded.read(folded.finish(clips_of(begin_frames(folded, images, maps), rgb_frames, pose_frames)))
    for head, logits in expected.items():
        torch.testing.assert_close(found[head].float(), logits.float(), rtol=max(most, 1e-4), atol=most)
