"""The gate's own; what it has in common with ST-CAF is tested there."""

import torch
from torch import Tensor

from camfuse.config import Fusion
from camfuse.model.fusion.base import Channels
from camfuse.model.fusion.temporal_gate import TemporalGate

ALL = torch.ones(2, 4, dtype=torch.bool)


def make() -> TemporalGate:
    torch.manual_seed(1)
    fusion = TemporalGate(Channels(6, 5), Fusion(mode="temporal_gate", width=8, heads=2, dropout=0))
    torch.nn.init.normal_(fusion.out_rgb.weight)
    torch.nn.init.normal_(fusion.out_pose.weight)
    return fusion.eval()


def inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(2, 6, 2, 3, 3, generator=generator), torch.randn(2, 5, 4, 3, 3, generator=generator)


def test_gate_scales_all_places_of_a_frame_alike_by_what_the_maxima_say() -> None:
    fusion, (rgb, pose) = make(), inputs()
    gate = fusion(rgb, pose, ALL)[0] / rgb - 1
    torch.testing.assert_close(gate, gate[..., :1, :1].expand_as(gate), rtol=1e-3, atol=1e-4)
    assert not torch.allclose(gate[:, :, 0], gate[:, :, 1])
    turned = torch.rot90(pose, 1, (3, 4))  # every place moves, the maxima of the tokens stay
    torch.testing.assert_close(fusion(rgb, turned, ALL)[0], fusion(rgb, pose, ALL)[0])
