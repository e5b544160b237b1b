"""Reading out attention: it is the attention that the messages are made of, and reading changes nothing."""

from typing import Any

import pytest
import torch
from torch import Tensor

from camfuse.config import Model
from camfuse.model.attention import LAST, AttentionMap, read_attention
from camfuse.model.fusion.cross_attention import CrossAttention
from camfuse.model.recogniser import Recogniser, build_recogniser
from camfuse.model.sequence import IN_CHANNELS

MODES = ("temporal_gate", "time", "space", "divided", "joint")
B, R, P = 2, 2, 4
GRIDS = {"s3": (4, 4), "s4": (2, 2)}


def build(mode: str, **sections: Any) -> Recogniser:
    torch.manual_seed(0)
    config: dict[str, Any] = {
        "rgb": {"depths": (1, 1, 1, 1), "channels": 4},
        "pose": {"depths": (1, 1, 1), "channels": 4},
        "fusion": {"mode": mode, "width": 8, "heads": 2},
    }
    config |= sections
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
    return tuple(range(one.first_key_axis, one.weights.dim()))


@pytest.mark.parametrize("mode", MODES)
def test_each_querys_weights_sum_to_one_and_axes_are_those_of_the_table(mode: str) -> None:
    maps = read(build(mode), *batch())
    kinds = {"divided": ["time", "space"], "temporal_gate": ["time"]}.get(mode, [mode])
    named = [(one.stage, one.kind, one.queries, one.keys) for one in maps]
    pairs = (("rgb", "pose"), ("pose", "rgb"))
    assert named == [(stage, kind, *pair) for stage in GRIDS for kind in kinds for pair in pairs]
    for one in maps:
        height, width = (1, 1) if mode == "temporal_gate" else GRIDS[one.stage]
        queries, keys = (R, P) if one.queries == "rgb" else (P, R)
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
        if one.queries == "rgb":
            expected[1] = 0
            if one.kind != "space":  # there the keys are the mean of the visible frames
                assert (one.weights[0, ..., 0] if one.kind == "time" else one.weights[0, :, :, :, 0]).max() == 0
        torch.testing.assert_close(sums, expected)


@pytest.mark.parametrize("kind", ["time", "space", "joint"])
def test_queries_and_keys_stand_where_they_are(kind: str) -> None:
    """What one token's change moves, found by its place in frames and grid, not by its number in a group."""
    recogniser = build(kind, fusion={"mode": kind, "width": 8, "heads": 2, "stages": ("s4",)})
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


L = 12


def with_sequence(streams: tuple[str, ...]) -> tuple[Recogniser, dict[str, Tensor]]:
    """Return a recogniser of the sequence and these streams, and a batch for it."""
    others: dict[str, Any] = {stream: None for stream in ("rgb", "pose") if stream not in streams}
    recogniser = build("divided", sequence={"frames": L, "width": 8}, **others)
    rgb, heatmaps = batch()
    sequence = torch.randn(B, IN_CHANNELS, L, generator=torch.Generator().manual_seed(2))
    given = {"rgb": rgb, "pose": heatmaps}
    return recogniser, {"sequence": sequence} | {
        {"pose": "heatmaps"}.get(stream, stream): given[stream] for stream in streams
    }


@pytest.mark.parametrize("streams", [("pose",), ("rgb", "pose")])
def test_the_sequence_and_the_streams_on_grids_look_at_each_other(streams: tuple[str, ...]) -> None:
    recogniser, inputs = with_sequence(streams)
    inputs["heatmaps"][0, :, 0] = 0  # pose frame 0 of clip 0 shows nobody
    before = recogniser(**inputs)
    with torch.no_grad(), read_attention(recogniser) as maps:
        during = recogniser(**inputs)
    assert all(torch.equal(before[head], during[head]) for head in before)
    last = [one for one in maps if one.stage == LAST]
    assert [(one.queries, one.keys) for one in last] == [
        pair for grid in streams for pair in (("sequence", grid), (grid, "sequence"))
    ]
    for one in last:
        frames = {"rgb": R, "pose": P}[one.keys if one.queries == "sequence" else one.queries]
        grid = (frames, 2, 2)
        assert one.weights.shape == ((B, L, *grid) if one.queries == "sequence" else (B, *grid, L))
        sums = one.weights.sum(key_axes(one))
        torch.testing.assert_close(sums, torch.ones_like(sums))
        if one.keys == "pose":
            assert one.weights[0, :, 0].max() == 0 and one.weights[1, :, 0].min() > 0
    assert not [module for module in recogniser.modules() if module._forward_hooks or module._forward_pre_hooks]
