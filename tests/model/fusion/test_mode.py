"""What every mode of the config promises the recogniser."""

from typing import get_args

import pytest
import torch

from camfuse.config import Fusion, FusionMode
from camfuse.model.fusion.base import Channels, FusionBlock
from camfuse.model.fusion.mode import fusion_type

RGB, POSE = (2, 32, 2, 3, 3), (2, 8, 4, 3, 3)


@pytest.mark.parametrize("mode", get_args(FusionMode))
def test_a_block_gives_the_channels_that_it_says(mode: FusionMode) -> None:
    way, channels = fusion_type(mode), Channels(RGB[1], POSE[1])
    if way is None:
        assert mode == "none"
        return
    block = way(channels, Fusion(mode=mode, width=8, heads=2)).eval()
    assert isinstance(block, FusionBlock)
    extra = way.extra_channels(channels)
    assert block.extra == extra
    rgb, pose = torch.randn(RGB), torch.randn(POSE)
    out_rgb, out_pose = block(rgb, pose, torch.ones(2, 4, dtype=torch.bool))
    assert out_rgb.shape == (2, RGB[1] + extra.rgb, *RGB[2:])
    assert out_pose.shape == (2, POSE[1] + extra.pose, *POSE[2:])
    assert torch.equal(out_rgb[:, : RGB[1]], rgb) and torch.equal(out_pose[:, : POSE[1]], pose)  # as nothing is learnt
