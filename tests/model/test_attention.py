"""Reading out attention: it is the attention that the messages are made of, and reading changes nothing."""

from typing import Any

import pytest
import torch
from torch import Tensor

from camfuse.config import Model
from camfuse.model.attention import AttentionMap, read_attention
from camfuse.model.fusion.cross_attention import CrossAttention
from camfuse.model.recogniser import Recogniser, build_recogniser

MODES = ("temporal_gate", "time", "space", "divided", "joint")
B, R, P = 2, 2, 4
GRIDS = {"s3": (4, 4), "s4": (2, 2)}


def build(mode: str, **fusion: Any) -> Recogniser:
    torch.manual_seed(0)
    config = {
        "rgb": {"depths": (1, 1, 1, 1), "channels": 4},
        "pose": {"depths": (1, 1, 1), "channels": 4},
        "fusion": {"mode": mode, "width": 8, "heads": 2, **fusion},
    }
    recogniser = build_recogniser(Model.model_validate(config), num_classes=3, part="fusion")
    with torch.no_grad():
        for parameter in recogniser.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return recogniser.eval()


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    rgb = torch.randint(0, 256, (B, 3, R, 64, 64), generator=generator, dtype=torch.uint8)
    return rgb, torch.randint(0, 256, (B, 133, P, 16, 16), generator=generator, dtype=torch.uint8)


def read(recogniser: Recogniser, rgb: Tensor | None, heatmaps: Tensor | None) -> list[AttentionMap]:
    with torch.no_grad(), read_attention(recogniser) as maps:
        recogniser(rgb, heatmaps)
    return maps


def key_axes(one: AttentionMap) -> tuple[int, ...]:
    return tuple(range(4, one.weights.dim()))


@pytest.mark.parametrize("mode", MODES)
def test_each_querys_weights_sum_to_one_and_axes_are_those_of_the_table(mode: str) -> None:
    maps = read(build(mode), *batch())
    kinds = {"divided": ["time", "space"], "temporal_gate": ["time"]}.get(mode, [mode])
    named = [(one.stage, one.kind, one.direction) for one in maps]
    assert named == [(s, kind, d) for s in GRIDS for kind in kinds for d in ("to_rgb", "to_pose")]
    for one in maps:
        height, width = (1, 1) if mode == "temporal_gate" else GRIDS[one.stage]
        queries, keys = (R, P) if one.direction == "to_rgb" else (P, R)
        axes = {"time": (keys,), "space": (height, width), "joint": (keys, height, width)}[one.kind]
        assert one.weights.shape == (B, queries, height, width, *axes)
        assert one.weights.dtype == torch.float32 and one.weights.min() >= 0
        sums = one.weights.sum(key_axes(one))
        torch.testing.assert_close(sums, torch.ones_like(sums))
        assert one.weights.std() > 1e-4  # not all alike


@pytest.mark.parametrize("mode", [*MODES, "none", "concat"])
def test_the_output_is_equal_with_and_without_reading(mode: str) -> None:
    recogniser, (rgb, heatmaps) = build(mode), batch()
    before = recogniser(rgb, heatmaps)
    with read_attention(recogniser) as maps:
        during = recogniser(rgb, heatmaps)
    count = len(maps)
    after = recogniser(rgb, heatmaps)
    assert len(maps) == count  # nothing is collected outside
    for head, value in before.items():
        assert torch.equal(value, during[head]) and torch.equal(value, after[head])
    assert (count == 0) == (mode in ("none", "concat"))


def test_the_weights_are_those_of_the_messages() -> None:
    """Values that are one key's own channel each come out as that key's weight."""
    torch.manual_seed(0)
    attention = CrossAttention(4, 2, 0.0)
    with torch.no_grad():
        for linear in (attention.value, attention.out):
            linear.weight.copy_(torch.eye(4)), linear.bias.zero_()
    query, key = torch.randn(3, 5, 4), torch.randn(3, 2, 4)
    visible = torch.tensor([[True, True], [False, True], [False, False]])
    # keys 0 and 1 show themselves to head 0 in channels 0 and 1, and to head 1 in channels 2 and 3
    value = torch.tensor([[1.0, 0, 1, 0], [0, 1, 0, 1]]).expand(3, -1, -1)
    message = attention(query, key, value, visible)
    expected = (message[..., :2] + message[..., 2:]) / 2
    weights = attention.weights(query, key, visible)
    torch.testing.assert_close(weights, expected)
    assert (weights[1, :, 0] == 0).all() and (weights[2] == 0).all()


@pytest.mark.parametrize("mode", MODES)
def test_frames_without_anybody_get_no_weight_from_rgb(mode: str) -> None:
    rgb, heatmaps = batch()
    heatmaps[0, :, 0] = 0  # one of RGB frame 0's two pose frames
    heatmaps[1] = 0
    for one in read(build(mode), rgb, heatmaps):
        sums = one.weights.sum(key_axes(one))
        expected = torch.ones_like(sums)
        if one.direction == "to_rgb":
            expected[1] = 0
            if one.kind != "space":  # there the keys are the mean of the visible frames
                assert (one.weights[0, ..., 0] if one.kind == "time" else one.weights[0, :, :, :, 0]).max() == 0
        torch.testing.assert_close(sums, expected)


@pytest.mark.parametrize("kind", ["time", "space", "joint"])
def test_queries_and_keys_stand_where_they_are(kind: str) -> None:
    """What one token's change moves, found by its place in frames and grid, not by its number in a group."""
    recogniser = build(kind, stages=("s4",))
    step = recogniser.fusion.get_submodule("s4.steps.0")
    torch.manual_seed(2)
    rgb, pose = torch.randn(B, R, 2, 3, 8), torch.randn(B, P, 2, 3, 8)
    positions = torch.zeros(R, 2, 3, 8), torch.zeros(P, 2, 3, 8)
    visible = torch.ones(B, P, dtype=torch.bool)

    def weights() -> Tensor:
        with torch.no_grad(), read_attention(recogniser) as maps:
            step(rgb, pose, *positions, visible)
        return maps[0].weights  # to RGB

    before = weights()
    assert before.shape == {"time": (B, R, 2, 3, P), "space": (B, R, 2, 3, 2, 3), "joint": (B, R, 2, 3, P, 2, 3)}[kind]
    rgb[1, 1, 0, 2] = torch.randn(8)  # one query
    moved = (weights() - before).abs().flatten(4).amax(-1)
    assert moved.nonzero().tolist() == [[1, 1, 0, 2]]
    before = weights()
    pose[0, 3, 1, 0] += 50 * torch.randn(8)  # one key: time 3 belongs to RGB frame 1
    change = (weights() - before).abs()
    where = change.flatten(4).amax(-1)[0] > 1e-6
    others = torch.zeros_like(where)
    others[(slice(None), 1, 0) if kind == "time" else (1,) if kind == "space" else ...] = True
    assert where.any() and not (where & ~others).any() and not change[1].any()
    biggest = change[0].flatten(0, 2).amax(0)
    assert biggest.argmax() == {"time": 3, "space": 1 * 3 + 0, "joint": (3 * 2 + 1) * 3}[kind]


def test_one_modality_has_no_attention_and_hooks_go_even_after_an_error() -> None:
    recogniser, (rgb, heatmaps) = build("divided"), batch()
    assert read(recogniser, rgb, None) == [] == read(recogniser, None, heatmaps)
    with pytest.raises(RuntimeError, match="stop"), read_attention(recogniser):
        raise RuntimeError("stop")
    assert not [module for module in recogniser.modules() if module._forward_hooks or module._forward_pre_hooks]
