"""Convolution and batch norm give what torch's own give."""

import pytest
import torch
from torch import Tensor, nn

from camfuse.model.layers import (
    BatchNorm3d,
    Conv3d,
    ImagePool,
    folded_conv,
    folded_pool,
    group_mean,
    with_even_channels,
)


def both_ways(layer: nn.Module, x: Tensor) -> list[Tensor]:
    x = x.clone().requires_grad_()
    y = layer(x)
    y.backward(torch.linspace(-1, 1, y.numel(), device=y.device, dtype=y.dtype).view_as(y))
    assert x.grad is not None
    return [y.detach(), x.grad, *(p.grad for p in layer.parameters() if p.grad is not None)]


@pytest.mark.parametrize("kernel", [(3, 1, 1), (1, 1, 1), (1, 3, 3), (5, 1, 1)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [False, True])
def test_convolution(kernel: tuple[int, int, int], stride: int, bias: bool) -> None:
    arguments = {"stride": (1, stride, stride), "padding": tuple(k // 2 for k in kernel), "bias": bias}
    torch.manual_seed(0)
    ours, theirs = Conv3d(6, 4, kernel, **arguments).double(), nn.Conv3d(6, 4, kernel, **arguments).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 6, 5, 8, 7, dtype=torch.float64)
    for one, other in zip(both_ways(ours, x), both_ways(theirs, x), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=CUDA)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm(device: str, layout: torch.memory_format, training: bool) -> None:
    torch.manual_seed(0)
    ours, theirs = BatchNorm3d(6).to(device).train(training), nn.BatchNorm3d(6).to(device).train(training)
    x = (3 * torch.randn(2, 6, 5, 8, 7, device=device) + 1).to(memory_format=layout)
    for one, other in zip(both_ways(ours, x), both_ways(theirs, x), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())
    with pytest.raises(ValueError, match=r"expected \(B, C, T, H, W\), found \(2, 6\)"):
        ours(torch.zeros(2, 6, device=device))


@pytest.mark.parametrize("kernel", [(3, 1, 1), (1, 1, 1), (1, 3, 3), (5, 1, 1), (1, 7, 7)])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_of_images_is_that_of_clips(kernel: tuple[int, int, int], stride: int) -> None:
    stride = 1 if kernel[0] > 1 else stride
    torch.manual_seed(0)
    theirs = nn.Conv3d(6, 4, kernel, (1, stride, stride), tuple(k // 2 for k in kernel)).double()
    x = torch.randn(2, 6, 5, 8, 7, dtype=torch.float64).to(memory_format=torch.channels_last_3d)
    y = folded_conv(x, theirs.weight, theirs.bias, stride=stride)
    torch.testing.assert_close(y, theirs(x), rtol=0, atol=1e-12)
    assert y.is_contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize(("channels", "filled"), [(3, 3), (8, 8), (9, 16), (133, 136), (136, 136)])
def test_channels_are_filled_up_by_eights_which_changes_no_convolution(channels: int, filled: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, channels, 3, 4, 5, dtype=torch.float64).to(memory_format=torch.channels_last_3d)
    weight = torch.randn(4, channels, 1, 3, 3, dtype=torch.float64)
    more, heavier = with_even_channels(x), with_even_channels(weight)
    assert more.shape[1] == heavier.shape[1] == filled
    assert torch.equal(more[:, :channels], x) and not more[:, channels:].any()
    assert more.is_contiguous(memory_format=torch.channels_last_3d)  # no copy behind it
    found, expected = (folded_conv(*pair, None) for pair in ((more, heavier), (x, weight)))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_pooling_of_images_is_that_of_clips(stride: int) -> None:
    x = torch.randn(2, 6, 5, 8, 7).to(memory_format=torch.channels_last_3d)
    assert torch.equal(folded_pool(x, stride), ImagePool(stride)(x))
    assert torch.equal(ImagePool(stride)(x), nn.MaxPool3d((1, 3, 3), (1, stride, stride), (0, 1, 1))(x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("stride", [1, 2])
def test_pooling_is_torchs_own_to_the_bit_also_where_pixels_are_equal(
    dtype: torch.dtype, layout: torch.memory_format, stride: int
) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 6, 5, 8, 7).relu().round(decimals=1).to(dtype).to(memory_format=layout)
    theirs = nn.MaxPool3d((1, 3, 3), (1, stride, stride), (0, 1, 1))
    for one, other in zip(both_ways(ImagePool(stride), x), both_ways(theirs, x), strict=True):
        assert torch.equal(one, other) and one.stride() == other.stride()


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=CUDA)])
def test_the_mean_of_a_group_counts_what_is_seen(device: str) -> None:
    torch.manual_seed(0)
    x, share = torch.randn(2, 3, 4, 5, 6, 8, device=device), torch.rand(2, 3, 4, device=device)
    expected = sum(x[:, :, a] * share[:, :, a, None, None, None] for a in range(4))
    torch.testing.assert_close(group_mean(x, share), expected, rtol=1e-5, atol=1e-5)


@CUDA
def test_a_gpu_gives_what_a_cpu_gives_in_either_layout() -> None:
    torch.manual_seed(0)
    block = nn.Sequential(Conv3d(6, 8, (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)), ImagePool(2), BatchNorm3d(8))
    block = block.append(Conv3d(8, 4, (3, 1, 1), padding=(1, 0, 0))).double()
    x = torch.randn(2, 6, 5, 16, 14, dtype=torch.float64)
    expected = block(x)
    for layout in (torch.contiguous_format, torch.channels_last_3d):
        there = block.to("cuda", memory_format=layout)  # type: ignore[call-overload]
        torch.testing.assert_close(there(x.to("cuda", memory_format=layout)).cpu(), expected)
