"""The convolution gives what torch's own gives."""

import pytest
import torch
from torch import Tensor, nn

from camfuse.model.layers import Conv3d


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
