"""The face of a fusion, seen on the smallest one."""

import pytest
import torch
from torch import Tensor

from camfuse.config import Fusion
from camfuse.model.fusion.base import Channels, FusionBlock, check_grids

VISIBLE = torch.ones(2, 4, dtype=torch.bool)


class Swap(FusionBlock):
    """Each stream gets one channel: the other's mean."""

    @classmethod
    def extra_channels(cls, channels: Channels) -> Channels:
        return Channels(1, 1)

    def join(self, rgb: Tensor, pose: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        to_rgb = self.drop_messages(pose.mean((1, 2), keepdim=True).expand(-1, 1, rgb.shape[2], -1, -1))
        to_pose = self.drop_messages(rgb.mean((1, 2), keepdim=True).expand(-1, 1, pose.shape[2], -1, -1))
        return torch.cat((rgb, to_rgb), 1), torch.cat((pose, to_pose), 1)


class Nothing(FusionBlock):
    """Streams that tell each other nothing."""

    def join(self, rgb: Tensor, pose: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        return rgb, pose


def inputs() -> tuple[Tensor, Tensor]:
    return torch.randn(2, 3, 2, 2, 2), torch.randn(2, 5, 4, 2, 2)


def test_both_streams_are_joined_and_one_alone_has_zeros_for_the_other() -> None:
    swap, (rgb, pose) = Swap(Channels(3, 5), Fusion()).eval(), inputs()
    out_rgb, out_pose = swap(rgb, pose, VISIBLE)
    assert swap.extra == (1, 1) and out_rgb.shape == (2, 4, 2, 2, 2) and out_pose.shape == (2, 6, 4, 2, 2)
    assert out_rgb[:, 3].any()
    for (found_rgb, found_pose), given in ((swap(rgb, None, None), rgb), (swap(None, pose, VISIBLE), pose)):
        found, other = (found_pose, found_rgb) if found_rgb is None else (found_rgb, found_pose)
        assert other is None
        assert torch.equal(found[:, :-1], given) and not found[:, -1].any()


def test_a_block_without_channels_of_its_own_leaves_a_stream_alone_as_it_is() -> None:
    block, (rgb, pose) = Nothing(Channels(3, 5), Fusion()), inputs()
    assert block.extra == (0, 0)
    assert block(rgb, None, None)[0] is rgb and block(None, pose, VISIBLE)[1] is pose


def test_messages_are_dropped_in_training_only_and_leave_a_stream_alone() -> None:
    swap, (rgb, pose) = Swap(Channels(3, 5), Fusion(modality_dropout=1.0)), inputs()
    assert torch.equal(swap.train()(rgb, pose, VISIBLE)[0], swap(rgb, None, None)[0])
    assert not torch.equal(swap.eval()(rgb, pose, VISIBLE)[0], swap(rgb, None, None)[0])


def test_grids_and_groups_that_do_not_fit_are_refused() -> None:
    rgb, pose = inputs()
    check_grids(rgb, pose)
    for other in (pose[..., :1], pose[:, :, :3]):
        with pytest.raises(ValueError, match=r"expected one grid and .* found RGB \(2, 2, 2\), pose"):
            check_grids(rgb, other)
