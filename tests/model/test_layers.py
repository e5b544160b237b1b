"""Convolution and batch norm give what torch's own give."""

import pytest
import torch
from torch import Tensor, nn

from camfuse.model.layers import BatchNorm3d, Conv3d


def both_ways(layer: nn.Module, x: Tensor) -> list[Tensor]:
    x = x.clone().requires_grad_()
    y = layer(x)
    y.backward(torch.linspace(-1, 1, y.numel()).view_as(y))
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
