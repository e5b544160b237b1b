"""ST-CAF: starts as nothing, looks where it may, and treats tokens as a set."""

from typing import Any

import pytest
import torch
from torch import Tensor

from camfuse.config import Fusion, FusionMode
from camfuse.model.fusion.base import Channels
from camfuse.model.fusion.mode import fusion_type
from camfuse.model.fusion.st_caf import CrossModalFusion

MODES: tuple[FusionMode, ...] = ("time", "space", "divided", "joint", "temporal_gate")
RGB, POSE = (2, 6, 2, 3, 3), (2, 5, 4, 3, 3)  # (B, C, T, H, W)
ALL = torch.ones(2, 4, dtype=torch.bool)


def build(config: Fusion) -> CrossModalFusion:
    way = fusion_type(config.mode)
    assert way is not None and issubclass(way, CrossModalFusion)
    return way(Channels(RGB[1], POSE[1]), config)


def make(mode: FusionMode, **values: Any) -> CrossModalFusion:
    """An ST-CAF whose last projections are not zero any more, so that messages show."""
    torch.manual_seed(1)
    fusion = build(Fusion(mode=mode, **{"width": 8, "heads": 2, "dropout": 0, "modality_dropout": 0} | values))
    torch.nn.init.normal_(fusion.out_rgb.weight)
    torch.nn.init.normal_(fusion.out_pose.weight)
    return fusion


def inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(RGB, generator=generator), torch.randn(POSE, generator=generator)


@pytest.mark.parametrize("mode", MODES)
def test_step_zero_is_the_two_streams_bit_for_bit(mode: FusionMode) -> None:
    fusion = build(Fusion(mode=mode, width=8, heads=2))
    rgb, pose = inputs()
    out_rgb, out_pose = fusion(rgb, pose, ALL)
    assert torch.equal(out_rgb, rgb) and torch.equal(out_pose, pose)


@pytest.mark.parametrize("mode", MODES)
def test_both_streams_hear_each_other_and_shapes_stay(mode: FusionMode) -> None:
    fusion, (rgb, pose) = make(mode), inputs()
    out_rgb, out_pose = fusion(rgb, pose, ALL)
    assert out_rgb.shape == RGB and out_pose.shape == POSE
    assert not torch.equal(out_rgb, rgb) and not torch.equal(out_pose, pose)
    other_rgb, other_pose = fusion(rgb, pose + torch.randn_like(pose), ALL)
    assert not torch.allclose(out_rgb, other_rgb)
    assert other_pose.shape == POSE


@pytest.mark.parametrize("mode", MODES)
def test_rgb_does_not_see_pose_frames_without_anybody(mode: FusionMode) -> None:
    fusion, (rgb, pose) = make(mode), inputs()
    visible = ALL.clone()
    visible[0, 1] = False
    changed = pose.clone()
    changed[0, :, 1] = 99
    before, after = fusion(rgb, pose, visible)[0], fusion(rgb, changed, visible)[0]
    torch.testing.assert_close(before, after, rtol=0, atol=0)
    assert not torch.allclose(fusion(rgb, pose, ALL)[0], fusion(rgb, changed, ALL)[0])


@pytest.mark.parametrize("mode", MODES)
def test_nobody_in_any_frame_gives_the_rgb_stream_alone_and_finite_gradients(mode: FusionMode) -> None:
    fusion, (rgb, pose) = make(mode), inputs()
    pose.requires_grad_()
    visible = ALL.clone()
    visible[0] = False
    out_rgb, out_pose = fusion(rgb, pose, visible)
    assert torch.equal(out_rgb[0], rgb[0])
    assert not torch.equal(out_rgb[1], rgb[1])
    (out_rgb.sum() + out_pose.square().sum()).backward()
    gradients = [pose.grad, *(parameter.grad for parameter in fusion.parameters())]
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients)


def test_space_group_without_anybody_gets_nothing_and_the_other_groups_do() -> None:
    fusion, (rgb, pose) = make("space"), inputs()
    visible = ALL.clone()
    visible[:, :2] = False  # pose frames of RGB frame 0
    out = fusion(rgb, pose, visible)[0]
    assert torch.equal(out[:, :, 0], rgb[:, :, 0])
    assert not torch.equal(out[:, :, 1], rgb[:, :, 1])


def test_space_looks_at_the_same_time_only() -> None:
    fusion, (rgb, pose) = make("space"), inputs()
    changed = rgb.clone()
    changed[:, :, 1] += torch.randn(6, 3, 3)  # RGB frame 1 belongs to pose frames 2 and 3
    before, after = fusion(rgb, pose, ALL)[1], fusion(changed, pose, ALL)[1]
    torch.testing.assert_close(before[:, :, :2], after[:, :, :2])
    assert not torch.allclose(before[:, :, 2:], after[:, :, 2:])


def test_time_looks_at_the_same_place_only() -> None:
    fusion, (rgb, pose) = make("time"), inputs()
    changed = pose.clone()
    changed[..., 0, 0] += torch.randn(5, 4)
    difference = (fusion(rgb, pose, ALL)[0] - fusion(rgb, changed, ALL)[0]).abs().amax((0, 1, 2))
    assert difference[0, 0] > 1e-4
    difference[0, 0] = 0
    assert difference.max() < 1e-6


@pytest.mark.parametrize("mode", MODES)
def test_clips_of_a_batch_do_not_see_each_other(mode: FusionMode) -> None:
    fusion, (rgb, pose) = make(mode), inputs()
    order = torch.tensor([1, 0])
    visible = torch.tensor([[True] * 4, [True, False, True, True]])
    expected = [out[order] for out in fusion(rgb, pose, visible)]
    torch.testing.assert_close(fusion(rgb[order], pose[order], visible[order]), tuple(expected))


@pytest.mark.parametrize("mode", MODES)
def test_order_of_keys_counts_only_by_their_positions(mode: FusionMode) -> None:
    """Without position tables, what RGB hears is the same for any order of the pose frames of one group."""
    fusion, (rgb, pose) = make(mode), inputs()
    swapped = pose[:, :, [1, 0, 3, 2]]
    assert mode == "space" or not torch.allclose(fusion(rgb, pose, ALL)[0], fusion(rgb, swapped, ALL)[0])
    with torch.no_grad():
        fusion.position.time.zero_()
    torch.testing.assert_close(fusion(rgb, pose, ALL)[0], fusion(rgb, swapped, ALL)[0])


def test_messages_come_from_the_same_inputs_whichever_direction() -> None:
    """RGB's message does not know what pose has just been told: it is the same when pose is told nothing."""
    fusion, (rgb, pose) = make("time"), inputs()
    before = fusion(rgb, pose, ALL)[0]
    torch.nn.init.zeros_(fusion.get_submodule("steps.0.to_pose.out").weight)
    torch.testing.assert_close(fusion(rgb, pose, ALL)[0], before, rtol=0, atol=0)


@pytest.mark.parametrize("mode", MODES)
def test_modality_dropout_leaves_whole_samples_to_themselves(mode: FusionMode) -> None:
    fusion, (rgb, pose) = make(mode, modality_dropout=1.0), inputs()
    out_rgb, out_pose = fusion.train()(rgb, pose, ALL)
    assert torch.equal(out_rgb, rgb) and torch.equal(out_pose, pose)
    assert not torch.equal(fusion.eval()(rgb, pose, ALL)[0], rgb)


def test_modality_dropout_is_drawn_per_sample_and_direction() -> None:
    fusion = make("time", modality_dropout=0.5).train()
    rgb, pose = torch.randn(64, 6, 2, 3, 3), torch.randn(64, 5, 4, 3, 3)
    out_rgb, out_pose = fusion(rgb, pose, torch.ones(64, 4, dtype=torch.bool))
    heard = [(out != x).flatten(1).any(1) for out, x in ((out_rgb, rgb), (out_pose, pose))]
    assert all(12 < int(h.sum()) < 52 for h in heard)
    assert not torch.equal(*heard)


@pytest.mark.parametrize("mode", MODES)
def test_stream_dropout_leaves_a_sample_the_messages_alone_in_training(mode: FusionMode) -> None:
    fusion, (rgb, pose) = make(mode, stream_dropout=1.0), inputs()
    whole_rgb, whole_pose = fusion.eval()(rgb, pose, ALL)
    out_rgb, out_pose = fusion.train()(rgb, pose, ALL)
    own = 0 if mode == "temporal_gate" else 1  # its messages are factors of the stream's own features
    torch.testing.assert_close(out_rgb, whole_rgb - own * rgb)
    torch.testing.assert_close(out_pose, whole_pose - own * pose)
    assert out_rgb.any() and out_pose.any()


def test_grids_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one grid"):
        make("time")(torch.randn(1, 6, 2, 3, 3), torch.randn(1, 5, 3, 3, 3), ALL)


def test_a_mode_without_its_attention_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a mode of ST-CAF, found concat"):
        CrossModalFusion(Channels(RGB[1], POSE[1]), Fusion(mode="concat"))
