"""The recogniser: heads, one or both modalities, gradients, normalisation."""

from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from camfuse.config import FusionMode, Model, Part, Stream
from camfuse.model.fusion.base import Channels
from camfuse.model.fusion.mode import fusion_type
from camfuse.model.initial import merge_streams
from camfuse.model.recogniser import Recogniser, build_recogniser, heads_of, seen_frames
from camfuse.model.sequence import IN_CHANNELS
from camfuse.skeleton import NUM_KEYPOINTS

NARROW = {
    "rgb": {"depths": (1, 1, 1, 1), "channels": 4, "dropout": 0.0},
    "pose": {"depths": (1, 1, 1), "channels": 4, "dropout": 0.0},
    "fusion": {"width": 8, "heads": 2, "dropout": 0.0, "modality_dropout": 0.0},
}
MODES: tuple[FusionMode, ...] = get_args(FusionMode)
FUSING = tuple(mode for mode in MODES if fusion_type(mode))
SAME_WIDTH = tuple(
    mode for mode in FUSING if (way := fusion_type(mode)) and not any(way.extra_channels(Channels(8, 8)))
)
"""Of these, the modes that add no channels: they begin as the two streams."""


def build(part: Part, mode: str = "divided", **values: dict[str, object]) -> Recogniser:
    torch.manual_seed(0)
    config = Model.model_validate({**NARROW, "fusion": {**NARROW["fusion"], "mode": mode}, **values})
    return build_recogniser(config, num_classes=3, part=part)


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    rgb = torch.randint(0, 256, (2, 3, 2, 64, 64), generator=generator, dtype=torch.uint8)
    return rgb, torch.randint(0, 256, (2, 133, 4, 16, 16), generator=generator, dtype=torch.uint8)


def wake(recogniser: Recogniser) -> Recogniser:
    """Give zero-initialised parameters a value, as training would."""
    with torch.no_grad():
        for parameter in recogniser.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return recogniser


@pytest.mark.parametrize(
    ("part", "heads"), [("rgb", ["rgb"]), ("pose", ["pose"]), ("fusion", ["rgb", "pose", "joint"])]
)
def test_heads_of_each_part(part: Part, heads: list[str]) -> None:
    rgb, heatmaps = batch()
    logits = build(part)(None if part == "pose" else rgb, None if part == "rgb" else heatmaps)
    assert list(logits) == heads
    assert all(value.shape == (2, 3) for value in logits.values())


@pytest.mark.parametrize("mode", ["none", *SAME_WIDTH])
def test_at_step_zero_fusion_equals_its_two_streams_bit_for_bit(mode: str) -> None:
    fused = build("fusion", mode, **{}).eval()
    single = {part: build(part).eval() for part in ("rgb", "pose")}
    state = fused.state_dict()
    for recogniser in single.values():
        recogniser.load_state_dict({key: state[key] for key in recogniser.state_dict()})
    rgb, heatmaps = batch()
    logits = fused(rgb, heatmaps)
    assert torch.equal(logits["rgb"], single["rgb"](rgb, None)["rgb"])
    assert torch.equal(logits["pose"], single["pose"](None, heatmaps)["pose"])


@pytest.mark.parametrize("mode", SAME_WIDTH)
def test_one_modality_is_enough_and_equals_the_stream_alone(mode: str) -> None:
    fused = wake(build("fusion", mode)).eval()
    rgb, heatmaps = batch()
    only_rgb, only_pose, both = fused(rgb, None), fused(None, heatmaps), fused(rgb, heatmaps)
    assert (list(only_rgb), list(only_pose)) == (["rgb"], ["pose"])
    assert not torch.allclose(both["rgb"], only_rgb["rgb"])
    # a clip in which nobody was found is the same as no heatmaps at all, for the RGB head
    assert torch.equal(fused(rgb, torch.zeros_like(heatmaps))["rgb"], only_rgb["rgb"])


@pytest.mark.parametrize("mode", FUSING)
def test_a_sample_that_dropout_takes_the_other_modality_from_is_one_without_it(mode: str) -> None:
    """So training with modality dropout trains the very function that a clip of one modality meets."""
    fused = wake(build("fusion", mode, fusion={**NARROW["fusion"], "mode": mode, "modality_dropout": 1.0})).train()
    for module in fused.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.eval()
    rgb, heatmaps = batch()
    both = fused(rgb, heatmaps)
    torch.testing.assert_close(both["rgb"], fused(rgb, None)["rgb"], rtol=0, atol=0)
    torch.testing.assert_close(both["pose"], fused(None, heatmaps)["pose"], rtol=0, atol=0)
    assert not torch.allclose(fused.eval()(rgb, heatmaps)["rgb"], both["rgb"])


@pytest.mark.parametrize("mode", MODES)
def test_a_step_in_bf16_is_finite_and_near_one_in_f32(mode: str) -> None:
    fused, (rgb, heatmaps) = wake(build("fusion", mode)), batch()
    for module in fused.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.eval()  # statistics of one batch of noise would blow the rounding up
    exact = fused(rgb, heatmaps)["joint"].softmax(1)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = fused(rgb, heatmaps)["joint"]
    torch.testing.assert_close(rounded.float().softmax(1), exact, atol=0.02, rtol=0)
    rounded.float().square().sum().backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in fused.parameters())
    assert all(p.grad is not None for p in fused.fusion.parameters())


def test_a_stream_of_some_keypoints_sees_no_others() -> None:
    chosen = (5, 6, 91)
    recogniser = wake(build("fusion", pose={**NARROW["pose"], "keypoints": chosen})).eval()
    assert recogniser.pose is not None
    assert recogniser.pose.get_submodule("conv1.reduce.conv").weight.shape[1] == 3
    rgb, heatmaps = batch()
    others = heatmaps.clone()
    others[:, [k for k in range(133) if k not in chosen]] = 0
    assert torch.equal(recogniser(rgb, heatmaps)["joint"], recogniser(rgb, others)["joint"])
    others[:, 91] = 0
    assert not torch.equal(recogniser(rgb, heatmaps)["joint"], recogniser(rgb, others)["joint"])
    others[:, list(chosen)] = 0  # nobody, as far as this stream can see
    assert torch.equal(recogniser(rgb, others)["rgb"], recogniser(rgb, None)["rgb"])


def test_no_input_is_refused() -> None:
    with pytest.raises(ValueError, match="input of a recogniser for rgb"):
        build("rgb")(None, batch()[1])


@pytest.mark.parametrize("head", ["rgb", "pose", "joint"])
def test_gradient_of_each_head_reaches_both_streams(head: str) -> None:
    fused = wake(build("fusion"))
    fused(*batch())[head].square().sum().backward()
    for stream in (fused.rgb, fused.pose):
        assert stream is not None
        # layers 3 (rgb) and 2 (pose) come before s3, so both heads' gradients pass through them
        assert max(p.grad.abs().max() for p in stream.parameters() if p.grad is not None) > 0
        stem = stream.get_submodule("conv1")
        assert all(p.grad is not None and p.grad.abs().max() > 0 for p in stem.parameters())


def test_rgb_is_normalised_as_imagenet_and_heatmaps_to_one() -> None:
    recogniser = build("fusion")
    seen: list[Tensor] = []
    for stream in (recogniser.rgb, recogniser.pose):
        assert stream is not None
        stream.register_forward_pre_hook(lambda _m, x: seen.append(x[0]))
        stream.conv1.register_forward_pre_hook(lambda _m, x: seen.append(x[0]))
    rgb, heatmaps = batch()
    rgb[:, :, 0, 0, 0] = torch.tensor([123, 116, 104], dtype=torch.uint8)
    recogniser(rgb, heatmaps)
    expected = [(123 - 123.675) / 58.395, (116 - 116.28) / 57.12, (104 - 103.53) / 57.375]
    assert seen[0][0, :, 0, 0, 0].tolist() == pytest.approx(expected, abs=1e-6)
    torch.testing.assert_close(seen[1], heatmaps.double().div(255).float())


def test_new_parameters_are_those_without_a_stream() -> None:
    fused = build("fusion")
    new = {id(parameter) for parameter in fused.new_parameters()}
    names = {name.split(".")[0] for name, parameter in fused.named_parameters() if id(parameter) in new}
    old = {name.split(".")[0] for name, parameter in fused.named_parameters() if id(parameter) not in new}
    assert names == {"fusion", "head_joint"}
    assert old == {"rgb", "pose", "head_rgb", "head_pose"}
    assert build("rgb").new_parameters() == []


def test_the_modes_are_told_apart_by_their_channels() -> None:
    assert set(SAME_WIDTH) >= {"temporal_gate", "time", "space", "divided", "joint"}
    assert set(FUSING) == set(MODES) - {"none"}
    assert "concat" not in SAME_WIDTH


def test_mode_none_has_no_attention_but_a_joint_head() -> None:
    late = build("fusion", "none")
    assert len(late.fusion) == 0
    assert late.head_joint is not None


def test_seen_frames_counts_the_faintest_pixel() -> None:
    heatmaps = torch.zeros(2, 133, 3, 4, 4, dtype=torch.uint8)
    heatmaps[0, 132, 1, 3, 3] = 1
    assert seen_frames(heatmaps).tolist() == [[False, True, False], [False] * 3]


def test_heads_start_near_uniform() -> None:
    head = build("rgb").head_rgb
    assert head is not None and isinstance(head.fc, nn.Linear)
    assert head.fc.weight.std().item() == pytest.approx(0.01, rel=0.2)
    assert head.fc.bias.abs().max() == 0


def test_fusion_at_full_size_adds_four_million_parameters() -> None:
    with torch.device("meta"):
        fused = build_recogniser(Model(), num_classes=2000, part="fusion")
    added = sum(parameter.numel() for parameter in fused.fusion.parameters()) / 1e6
    assert added == pytest.approx(1.70 + 2.36, abs=0.1)  # shared notes: s3 and s4 at width 256, without norms


# ------------------------------------------------------------------------------------------- three streams

THREE = Model.model_validate(
    {
        "rgb": {"depths": (1, 1, 1, 1), "channels": 2},
        "pose": {"depths": (1, 1, 1), "channels": 2},
        "sequence": {"width": 6, "depth": 1, "frames": 8},
        "fusion": {"width": 4, "heads": 2, "dropout": 0, "modality_dropout": 0},
    }
)


def three_inputs(batch: int = 2) -> dict[str, Tensor]:
    torch.manual_seed(3)
    return {
        "rgb": torch.randint(0, 256, (batch, 3, 2, 32, 32), dtype=torch.uint8),
        "heatmaps": torch.randint(0, 256, (batch, NUM_KEYPOINTS, 4, 8, 8), dtype=torch.uint8),
        "sequence": torch.randn(batch, IN_CHANNELS, 8),
    }


def built(part: Part, config: Model = THREE) -> Recogniser:
    torch.manual_seed(0)
    return build_recogniser(config, num_classes=3, part=part).eval()


def test_a_fused_model_of_three_has_a_head_for_each_and_a_joint_one() -> None:
    logits = built("fusion")(**three_inputs())
    assert tuple(logits) == heads_of(THREE, "fusion") == ("rgb", "pose", "sequence", "joint")
    assert all(one.shape == (2, 3) for one in logits.values())


def test_a_merged_model_of_three_begins_as_its_streams_to_the_bit() -> None:
    streams: tuple[Stream, ...] = ("rgb", "pose", "sequence")
    alone, fused, inputs = {stream: built(stream) for stream in streams}, built("fusion"), three_inputs()
    merge_streams(fused, {stream: model.state_dict() for stream, model in alone.items()})
    found = fused(**inputs)
    for stream, model in alone.items():
        assert torch.equal(found[stream], model(**inputs)[stream])


@pytest.mark.parametrize("absent", ["rgb", "heatmaps", "sequence"])
def test_a_fused_model_of_three_does_without_one_input(absent: str) -> None:
    inputs = {name: value for name, value in three_inputs().items() if name != absent}
    found = built("fusion")(**inputs)
    assert set(found) == {"rgb", "pose", "sequence"} - {{"heatmaps": "pose"}.get(absent, absent)}


def test_the_sequence_is_told_what_the_images_show_and_tells_them() -> None:
    fused, inputs = built("fusion"), three_inputs()
    assert fused.exchange is not None
    for exchange in fused.exchange.values():
        torch.nn.init.normal_(exchange.out_grid.weight)
        torch.nn.init.normal_(exchange.out_sequence.weight)
    before = fused(**inputs)
    other = fused(**inputs | {"rgb": 255 - inputs["rgb"]})["sequence"]
    assert not torch.allclose(other, before["sequence"])
    other = fused(**inputs | {"sequence": -inputs["sequence"]})["rgb"]
    assert not torch.allclose(other, before["rgb"])


@pytest.mark.parametrize("mode", ["none", "concat", "temporal_gate"])
def test_the_rivals_stay_as_published_and_meet_the_sequence_in_the_joint_head(mode: str) -> None:
    fusion = THREE.fusion.model_copy(update={"mode": mode}) if THREE.fusion else None
    fused = built("fusion", THREE.model_copy(update={"fusion": fusion}))
    assert fused.exchange is None
    assert "joint" in fused(**three_inputs())


def test_a_pair_with_the_sequence_is_fused_too() -> None:
    fused = built("fusion", THREE.model_copy(update={"rgb": None}))
    assert tuple(fused(**three_inputs())) == ("pose", "sequence", "joint")
    assert not fused.fusion and fused.exchange is not None and set(fused.exchange) == {"pose"}
    new = {id(parameter) for parameter in fused.new_parameters()}
    assert new == {id(p) for name, p in fused.named_parameters() if name.startswith(("exchange.", "head_joint."))}
