"""Frames that are looked at once give what clips of them give."""

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from camfuse.config import Model, Part
from camfuse.model.device import channels_last
from camfuse.model.frames import FRAMES_AT_ONCE, begin_frames, clips_of, frames_at_once
from camfuse.model.recogniser import Begun, Recogniser, build_recogniser

AT_ONCE = FRAMES_AT_ONCE["cpu"]
SMALL = {
    "rgb": {"depths": (1, 1, 1, 1), "channels": 4},
    "pose": {"depths": (1, 1, 1), "channels": 4},
    "fusion": {"width": 8, "heads": 2},
}
EARLY: dict[str, object] = {"fusion": {"width": 8, "heads": 2, "stages": ["s2", "s4"]}}
OVER_TIME = {
    "rgb": {**SMALL["rgb"], "inflate": (True, False, True, True)},
    "pose": {**SMALL["pose"], "inflate": (False, False, True)},
}


def built(part: Part, **values: object) -> Recogniser:
    torch.manual_seed(0)
    model = build_recogniser(Model.model_validate({**SMALL, **values}), num_classes=3, part=part)
    with torch.no_grad():
        for parameter in model.parameters():  # what begins at zero too
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.eval()


def stored() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return crops, heatmaps, and which of them four clips show; more frames than a pass takes, some never shown."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (AT_ONCE + 3, 32, 32, 3), generator=generator, dtype=torch.uint8)
    maps = torch.randint(0, 256, (2 * AT_ONCE + 5, 133, 8, 8), generator=generator, dtype=torch.uint8)
    maps[3] = 0
    rgb_frames = torch.randint(0, len(images), (4, 2), generator=generator)
    return images, maps, rgb_frames, torch.randint(0, len(maps), (4, 4), generator=generator)


def both_ways(model: Recogniser) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    images, maps, rgb_frames, pose_frames = stored()
    rgb, heatmaps = images[rgb_frames].permute(0, 4, 1, 2, 3), maps[pose_frames].transpose(1, 2).contiguous()
    given = {"rgb": rgb, "pose": heatmaps}
    there = {name: given[name] for name in ("rgb", "pose") if getattr(model, name) is not None}
    frames = begin_frames(model, images if "rgb" in there else None, maps if "pose" in there else None)
    found = model.read(model.finish(clips_of(frames, rgb_frames, pose_frames)))
    return found, model(there.get("rgb"), there.get("pose"))


@pytest.mark.parametrize("part", ["rgb", "pose", "fusion"])
@pytest.mark.parametrize("values", [{}, EARLY, OVER_TIME, {"fusion": {**SMALL["fusion"], "mode": "none"}}])
@torch.inference_mode()
def test_the_logits_are_those_of_clips(part: Part, values: dict[str, object]) -> None:
    found, expected = both_ways(built(part, **values))
    assert found.keys() == expected.keys()
    for head, logits in expected.items():
        torch.testing.assert_close(found[head], logits, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_in_16_bits_they_are_the_same_within_rounding() -> None:
    model = channels_last(built("fusion"), torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        found, expected = both_ways(model)
    for head, logits in expected.items():
        torch.testing.assert_close(found[head], logits, rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    ("values", "layers"), [({}, (2, 1)), (EARLY, (2, 1)), (OVER_TIME, (0, 2)), (OVER_TIME | EARLY, (0, 1))]
)
@torch.inference_mode()
def test_as_many_layers_run_by_frame_as_look_at_one_frame_and_come_before_the_streams_meet(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, object], layers: tuple[int, int]
) -> None:
    model = built("fusion", **values)
    ran: list[str] = []
    for name in ("rgb", "pose"):
        stream = getattr(model, name)
        layer = stream.layer
        monkeypatch.setattr(
            stream, "layer", lambda number, x, layer=layer, name=name: (ran.append(name), layer(number, x))[1]
        )
    images, maps, *_ = stored()
    begin_frames(model, images[:AT_ONCE], maps[:AT_ONCE])
    assert (ran.count("rgb"), ran.count("pose")) == layers


@torch.inference_mode()
def test_each_frame_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, passes = built("pose"), list[Tensor]()
    begin = model.begin

    def seen(rgb: Tensor | None = None, heatmaps: Tensor | None = None) -> Begun:
        assert heatmaps is not None
        passes.append(heatmaps[:, :, 0])
        return begin(rgb, heatmaps)

    monkeypatch.setattr(model, "begin", seen)
    _, maps, _, _ = stored()
    frames = begin_frames(model, None, maps)
    assert frames.pose is not None and len(frames.pose) == len(maps)
    assert {len(one) for one in passes} == {AT_ONCE}  # one size, the last filled up
    assert torch.equal(torch.cat(passes)[: len(maps)], maps)
    assert frames.rgb is None and clips_of(frames, None, None) == Begun()


@pytest.mark.parametrize(("memory", "frames"), [(80e9, 256), (16e9, 256), (6e9, 64)])
def test_a_small_gpu_looks_at_fewer_frames_at_once(monkeypatch: pytest.MonkeyPatch, memory: float, frames: int) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _device: SimpleNamespace(total_memory=memory))
    assert frames_at_once(torch.device("cuda")) == frames
    assert frames_at_once(torch.device("cpu")) == AT_ONCE
