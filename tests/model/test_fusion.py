"""ST-CAF: starts as nothing, looks where it may, and treats tokens as a set."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from camfuse.config import Fusion
from camfuse.model.fusion import CrossAttention, CrossModalFusion, PositionEmbedding

MODES = ("time", "space", "divided", "joint", "temporal_gate")
RGB, POSE = (2, 6, 2, 3, 3), (2, 5, 4, 3, 3)  # (B, C, T, H, W)
ALL = torch.ones(2, 4, dtype=torch.bool)


def make(mode: str, **values: Any) -> CrossModalFusion:
    """An ST-CAF whose last projections are not zero any more, so that messages show."""
    torch.manual_seed(1)
    config = Fusion.model_validate({"mode": mode, "width": 8, "heads": 2, "dropout": 0, "modality_dropout": 0} | values)
    fusion = CrossModalFusion(RGB[1], POSE[1], config)
    torch.nn.init.normal_(fusion.out_rgb.weight)
    torch.nn.init.normal_(fusion.out_pose.weight)
    return fusion


def inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(RGB, generator=generator), torch.randn(POSE, generator=generator)


@pytest.mark.parametrize("mode", MODES)
def test_step_zero_is_the_two_streams_bit_for_bit(mode: str) -> None:
    fusion = CrossModalFusion(RGB[1], POSE[1], Fusion(mode=mode, width=8, heads=2))  # type: ignore[arg-type]
    rgb, pose = inputs()
    out_rgb, out_pose = fusion(rgb, pose, ALL)
    assert torch.equal(out_rgb, rgb) and torch.equal(out_pose, pose)


@pytest.mark.parametrize("mode", MODES)
def test_both_streams_hear_each_other_and_shapes_stay(mode: str) -> None:
    fusion, (rgb, pose) = make(mode), inputs()
    out_rgb, out_pose = fusion(rgb, pose, ALL)
    assert out_rgb.shape == RGB and out_pose.shape == POSE
    assert not torch.equal(out_rgb, rgb) and not torch.equal(out_pose, pose)
    other_rgb, other_pose = fusion(rgb, pose + torch.randn_like(pose), ALL)
    assert not torch.allclose(out_rgb, other_rgb)
    assert other_pose.shape == POSE


@pytest.mark.parametrize("mode", MODES)
def test_rgb_does_not_see_pose_frames_without_anybody(mode: str) -> None:
    fusion, (rgb, pose) = make(mode), inputs()
    visible = ALL.clone()
    visible[0, 1] = False
    changed = pose.clone()
    changed[0, :, 1] = 99
    before, after = fusion(rgb, pose, visible)[0], fusion(rgb, changed, visible)[0]
    torch.testing.assert_close(before, after, rtol=0, atol=0)
    assert not torch.allclose(fusion(rgb, pose, ALL)[0], fusion(rgb, changed, ALL)[0])


@pytest.mark.parametrize("mode", MODES)
def test_nobody_in_any_frame_gives_the_rgb_stream_alone_and_finite_gradients(mode: str) -> None:
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


def test_gate_scales_all_places_of_a_frame_alike_by_what_the_maxima_say() -> None:
    fusion, (rgb, pose) = make("temporal_gate"), inputs()
    gate = fusion(rgb, pose, ALL)[0] / rgb - 1
    torch.testing.assert_close(gate, gate[..., :1, :1].expand_as(gate), rtol=1e-3, atol=1e-4)
    assert not torch.allclose(gate[:, :, 0], gate[:, :, 1])
    turned = torch.rot90(pose, 1, (3, 4))  # every place moves, the maxima of the tokens stay
    torch.testing.assert_close(fusion(rgb, turned, ALL)[0], fusion(rgb, pose, ALL)[0])


@pytest.mark.parametrize("mode", MODES)
def test_clips_of_a_batch_do_not_see_each_other(mode: str) -> None:
    fusion, (rgb, pose) = make(mode), inputs()
    order = torch.tensor([1, 0])
    visible = torch.tensor([[True] * 4, [True, False, True, True]])
    expected = [out[order] for out in fusion(rgb, pose, visible)]
    torch.testing.assert_close(fusion(rgb[order], pose[order], visible[order]), tuple(expected))


@pytest.mark.parametrize("mode", MODES)
def test_order_of_keys_counts_only_by_their_positions(mode: str) -> None:
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
def test_modality_dropout_leaves_whole_samples_to_themselves(mode: str) -> None:
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


def attention() -> Callable[..., Tensor]:
    torch.manual_seed(0)
    return CrossAttention(8, 2, 0.0)


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(5)), queries=st.permutations(range(3)))
def test_attention_does_not_depend_on_the_order_of_keys_and_follows_that_of_queries(
    order: list[int], queries: list[int]
) -> None:
    generator = torch.Generator().manual_seed(3)
    query, key, value = (torch.randn(2, n, 8, generator=generator) for n in (3, 5, 5))
    visible = torch.tensor([[True, False, True, True, False], [True] * 5])
    attend = attention()
    expected = attend(query, key, value, visible)[:, queries]
    found = attend(query[:, queries], key[:, order], value[:, order], visible[:, order])
    torch.testing.assert_close(found, expected)


def test_attention_equals_its_formula() -> None:
    attend = attention()
    assert isinstance(attend, CrossAttention)
    query, key, value = torch.randn(1, 2, 8), torch.randn(1, 3, 8), torch.randn(1, 3, 8)
    q, k, v = attend.query(query)[0], attend.key(key)[0], attend.value(value)[0]
    heads = [
        torch.softmax(q[:, half] @ k[:, half].T / 2, -1) @ v[:, half] for half in (slice(0, 4), slice(4, 8))
    ]  # 4 channels a head: scale 1 / sqrt(4)
    torch.testing.assert_close(attend(query, key, value, None)[0], attend.out(torch.cat(heads, -1)))


def test_positions_of_rgb_lie_in_the_middle_of_their_pose_group() -> None:
    position = PositionEmbedding(4)
    with torch.no_grad():
        position.time.copy_(torch.arange(32.0)[:, None].expand(-1, 4))
        position.row.zero_(), position.column.zero_()
    assert position(8, 1, 1)[:, 0, 0, 0].tolist() == [1.5 + 4 * t for t in range(8)]
    assert position(32, 1, 1)[:, 0, 0, 0].tolist() == list(range(32))


def test_grids_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one grid"):
        make("time")(torch.randn(1, 6, 2, 3, 3), torch.randn(1, 5, 3, 3, 3), ALL)
