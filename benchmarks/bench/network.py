"""Attention beside its formula, and a training step beside RGBPoseConv3D's, on a CPU."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.bench.peers import import_mmaction
from benchmarks.bench.race import Row, Rows, Scale, race, same
from benchmarks.network_step import inputs
from benchmarks.pose_engines import ceiling
from camfuse.config import parse_config
from camfuse.model.fusion.cross_attention import CrossAttention
from camfuse.model.initial import load_initial
from camfuse.model.layers import BatchNorm3d, Conv3d, ImagePool
from camfuse.model.recogniser import RGB_MEAN, RGB_STD, Recogniser, build_recogniser
from camfuse.skeleton import NUM_KEYPOINTS

SUBJECT = "network"
WIDTH, HEADS, QUERIES, KEYS = 256, 8, 392, 1568
CLASSES, CROP = 100, 112
RGBPOSE: dict[str, dict[str, Any]] = {
    "rgb": {},
    "pose": {"stem": "7x7"},
    "fusion": {"mode": "concat", "stages": ["s2", "s3"]},
}
SMALL = {"channels": 8, "depths": [1, 1, 1]}
THEIRS = "rgbpose_conv3d.py"
Logits = Mapping[str, Tensor]


def rows(scale: Scale) -> Rows:
    """Yield attention, then the training steps."""
    torch.manual_seed(0)
    yield from attention(scale)
    yield from steps(scale)


def attention(scale: Scale) -> Rows:
    """Yield one attention forward, and forward and backward."""
    queries, keys = (QUERIES // 8, KEYS // 8) if scale.quick else (QUERIES, KEYS)
    module = CrossAttention(WIDTH, HEADS, 0.0)
    query = torch.randn(2, queries, WIDTH, requires_grad=True)
    key = torch.randn(2, keys, WIDTH, requires_grad=True)

    def explicit(query: Tensor, key: Tensor) -> Tensor:
        q, k, v = module.query(query), module.key(key), module.value(key)
        q, k, v = (x.unflatten(2, (HEADS, -1)).transpose(1, 2) for x in (q, k, v))
        shares = (q @ k.mT * q.shape[-1] ** -0.5).softmax(-1)
        out: Tensor = module.out((shares @ v).transpose(1, 2).flatten(2))
        return out

    ways = {"ours": lambda q, k: module(q, k, k, None), "peer": explicit}
    rate = ceiling(torch.float32, 1, 1 if scale.quick else 60)
    tokens = f"attention of {queries} to {keys} tokens, {HEADS} heads, with its projections"
    for what, goal, once in (("forward", 4, _forward), ("forward and backward", 2.5, _backward)):
        made = {name: (lambda way=way, once=once: once(way, query, key)) for name, way in ways.items()}
        same(f"{tokens}, {what}", made["ours"]().numpy(), made["peer"]().numpy(), 1e-4)
        found = race(made, scale)
        with FlopCounterMode(display=False) as counter:
            explicit(query, key) if once is _forward else _backward(explicit, query, key)
        yield Row(
            SUBJECT, f"{tokens}, {what}", "ms", found["ours"], found["peer"], "explicit softmax", "1e-4", least=goal,
            bound=1e3 * counter.get_total_flops() / rate, bound_is="its products at this core's best rate",
            short="the projections, the same in both, are in both figures",
        )  # fmt: skip


def _forward(way: Callable[[Tensor, Tensor], Tensor], query: Tensor, key: Tensor) -> Tensor:
    with torch.inference_mode():
        return way(query, key)


def _backward(way: Callable[[Tensor, Tensor], Tensor], query: Tensor, key: Tensor) -> Tensor:
    query.grad = key.grad = None
    way(query, key).square().mean().backward()
    assert query.grad is not None
    return query.grad


def steps(scale: Scale) -> Rows:
    """Yield training steps of a clip: RGBPoseConv3D in our layers, in float32 and bf16, and CAMFuse."""
    size = 32 if scale.quick else CROP
    batch = inputs(size, CLASSES, "cpu", 1)
    ours, rival, theirs = small_networks() if scale.quick else same_networks(scale.folder)
    last = torch.channels_last_3d
    fused = build_recogniser(_model(_small({}) if scale.quick else {}), num_classes=CLASSES, part="fusion").train()
    networks = {"f32": ours, "bf16": deepcopy(ours).to(memory_format=last), "fused": fused.to(memory_format=last)}
    for name, most in (("f32", 1e-3), ("bf16", 0.1)):
        compare(name, networks[name], theirs, batch, most)
    ways = {name: _step(network, *batch, bf16=name != "f32") for name, network in networks.items()}
    times = race({**ways, "peer": _step(theirs, *batch)}, scale)
    tries = 1 if scale.quick else 60
    rates = {"f32": ceiling(torch.float32, 1, tries), "bf16": ceiling(torch.bfloat16, 1, tries)}
    clip = f"training step of a clip, 8 x {size} px and 32 x 133 maps of {size // 4}"
    bf16 = "bf16 is no faster here: few channels, or a processor without its units"
    for name, what, agreed, goal, short in (
        ("f32", "the same network, float32", "1e-3 of the largest logit", 1, "a tie is 0.9 to 1.1"),
        ("bf16", "the same network, bf16", "0.1 of the largest logit: bf16", 1.8, bf16),
        ("fused", "CAMFuse with ST-CAF, bf16", "not compared: another network", 1.8, bf16),
    ):
        yield Row(
            SUBJECT, f"{clip}, {what}", "ms", times[name], times["peer"], f"{rival}, float32", agreed,
            bound=1e3 * operations(networks[name], *batch) / rates["f32" if name == "f32" else "bf16"],
            bound_is="its convolutions at this core's best rate", least=goal, short=short,
        )  # fmt: skip


def compare(name: str, ours: nn.Module, theirs: nn.Module, batch: tuple[Tensor, Tensor, Tensor], most: float) -> None:
    """Check that two networks give the same logits, to a share of the largest."""
    crops, heatmaps, _ = batch
    found, expected = logits(ours, crops, heatmaps, bf16=name == "bf16"), logits(theirs, crops, heatmaps)
    for head, values in expected.items():
        largest = float(values.abs().max())
        same(f"logits of {head}, {name}", found[head].numpy() / largest, values.numpy() / largest, most)


def operations(network: nn.Module, crops: Tensor, heatmaps: Tensor, labels: Tensor) -> float:
    """Return a step's floating point operations, a multiply-add counted as two."""
    with FlopCounterMode(display=False) as counter:
        _step(network, crops, heatmaps, labels)()
    return float(counter.get_total_flops())


def same_networks(folder: Path) -> tuple[Recogniser, str, nn.Module]:
    """Return RGBPoseConv3D as ours, and as a peer with the same weights: MMAction2's, or plain layers of torch."""
    return _beside_mmaction(folder) if find_spec("mmaction") is not None else _beside_plain(RGBPOSE)


def small_networks() -> tuple[Recogniser, str, nn.Module]:
    """Return the same with few channels and plain layers."""
    return _beside_plain(_small(RGBPOSE))


def _small(model: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    rgb = {**SMALL, "depths": [1, 1, 1, 1]}
    return {**model, "rgb": {**model.get("rgb", {}), **rgb}, "pose": {**model.get("pose", {}), **SMALL}}


def _beside_plain(model: dict[str, dict[str, Any]]) -> tuple[Recogniser, str, nn.Module]:
    ours = build_recogniser(_model(model), num_classes=CLASSES, part="fusion").train()
    with torch.no_grad():
        for block in (module for module in ours.modules() if isinstance(module, nn.BatchNorm3d)):
            block.weight.uniform_(0.3, 0.9)  # zeros would hide what a block does
    return ours, "RGBPoseConv3D in plain torch", plain(ours)


def plain(network: Recogniser) -> Recogniser:
    """Return a copy whose layers are torch's own."""
    copy = deepcopy(network)
    for parent in list(copy.modules()):
        for name, module in parent.named_children():
            if type(module) in (Conv3d, BatchNorm3d):
                module.__class__ = {Conv3d: nn.Conv3d, BatchNorm3d: nn.BatchNorm3d}[type(module)]
            elif type(module) is ImagePool:
                setattr(parent, name, nn.MaxPool3d(module.kernel_size, module.stride, module.padding))
    return copy


def _beside_mmaction(folder: Path) -> tuple[Recogniser, str, nn.Module]:
    import_mmaction()
    from mmaction_peer import build_recogniser as build_theirs  # from the tests, found by `import_mmaction`

    theirs = build_theirs(THEIRS, keypoints=NUM_KEYPOINTS, classes=CLASSES).train()
    torch.save({"state_dict": theirs.state_dict()}, folder / "theirs.pth")
    model = {**RGBPOSE, "fusion": {**RGBPOSE["fusion"], "weights": {"path": str(folder / "theirs.pth")}}}
    ours = build_recogniser(_model(RGBPOSE), num_classes=CLASSES, part="fusion")
    load_initial(ours, _config(model))
    return ours.train(), "MMAction2's RGBPoseConv3D", _Theirs(theirs)


class _Theirs(nn.Module):
    """MMAction2's recogniser with our inputs and outputs."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor, heatmaps: Tensor) -> Logits:
        mean, std = (torch.tensor(values).view(1, 3, 1, 1, 1) for values in (RGB_MEAN, RGB_STD))
        rgb, pose = self.network.backbone((crops.float() - mean) / std, heatmaps.float() / 255)
        scores: Logits = self.network.cls_head((rgb, pose))
        return scores


def _config(model: dict[str, Any]) -> Any:
    return parse_config({"clips": {"folder": {"videos": "."}}, "pose": {"mediapipe": {}}, "model": model})


def _model(model: dict[str, Any]) -> Any:
    return _config(model).model


def logits(network: nn.Module, crops: Tensor, heatmaps: Tensor, *, bf16: bool = False) -> dict[str, Tensor]:
    """Return the streams' logits without dropout."""
    network.eval()
    with torch.inference_mode(), _arithmetic(bf16=bf16):
        found = network(crops, heatmaps)
    network.train()
    return {head: found[head].float() for head in ("rgb", "pose")}


def _arithmetic(*, bf16: bool) -> Any:
    return torch.autocast("cpu", torch.bfloat16) if bf16 else nullcontext()


def _step(
    network: nn.Module, crops: Tensor, heatmaps: Tensor, labels: Tensor, *, bf16: bool = False
) -> Callable[[], None]:
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9)

    def step() -> None:
        with _arithmetic(bf16=bf16):
            found = network(crops, heatmaps)
            loss = torch.stack([functional.cross_entropy(value.float(), labels) for value in found.values()]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step
