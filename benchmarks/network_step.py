"""One training step of the network alone, ours and MMAction2's RGBPoseConv3D, for `full_size.py`."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from camfuse.config import Model
from camfuse.model.recogniser import RGB_MEAN, RGB_STD, build_recogniser
from camfuse.skeleton import NUM_KEYPOINTS

ROUNDS, STEPS = 3, 6
TYPES = {"bf16": torch.bfloat16, "f32": torch.float32}
OURS = {
    "RGBPoseConv3D, ours": {"pose": {"stem": "7x7"}, "fusion": {"mode": "concat", "stages": ("s2", "s3")}},
    "CAMFuse, divided": {},
}


def network_steps(
    size: int, classes: int, device: str, arithmetics: Sequence[str], batch: int = 48
) -> list[dict[str, Any]]:
    """Return clips per second and memory of each network and arithmetic, none of them compiled."""
    rows = []
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    for arithmetic in arithmetics:
        dtype = TYPES[arithmetic]
        steps = {"RGBPoseConv3D, MMAction2 1.2.0": mmaction(size, classes, device, batch, dtype)}
        steps |= {name: ours(model, size, classes, device, batch, dtype) for name, model in OURS.items()}
        for name, (seconds, memory) in race(steps, device).items():
            fast = {"clips_per_second": round(batch / seconds, 1), "memory_gb": round(memory, 2)}
            rows.append({"network": name, "arithmetic": arithmetic, "batch": batch, **fast})
            print(rows[-1], flush=True)
    return rows


def race(steps: dict[str, Callable[[], None]], device: str) -> dict[str, tuple[float, float]]:
    """Let the steps take turns, one round more to warm up; return median seconds and GB on the GPU of each."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    memory = dict.fromkeys(steps, 0.0)
    for _ in range(ROUNDS + 1):
        for name, step in steps.items():
            if device == "cuda":
                torch.cuda.reset_peak_memory_stats()
                before = torch.cuda.memory_allocated()
            times[name].append(timed(step, device))
            if device == "cuda":
                memory[name] = (torch.cuda.max_memory_allocated() - before) / 1e9
    return {name: (median(found[1:]), memory[name]) for name, found in times.items()}


def timed(step: Callable[[], None], device: str) -> float:
    """Return the seconds of one step, as a mean over a few."""
    if device == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(STEPS):
        step()
    if device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / STEPS


def inputs(size: int, classes: int, device: str, batch: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return crops, heatmaps (a few points in each) and labels on the device."""
    crops = torch.randint(0, 256, (batch, 3, 8, size, size), dtype=torch.uint8, device=device)
    heatmaps = torch.zeros(batch, NUM_KEYPOINTS, 32, size // 4, size // 4, dtype=torch.uint8, device=device)
    heatmaps[..., 20:23, 20:23] = 128
    return crops, heatmaps, torch.randint(0, classes, (batch,), device=device)


def ours(
    model: dict[str, Any], size: int, classes: int, device: str, batch: int, dtype: torch.dtype
) -> Callable[[], None]:
    """Return a step of our network."""
    network = build_recogniser(Model.model_validate(model), num_classes=classes, part="fusion").to(device)
    if dtype == torch.bfloat16:
        network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    crops, heatmaps, labels = inputs(size, classes, device, batch)

    def losses() -> Tensor:
        return torch.stack(
            [functional.cross_entropy(v.float(), labels) for v in network(crops, heatmaps).values()]
        ).sum()

    return step_of(network, losses, device, dtype)


def mmaction(size: int, classes: int, device: str, batch: int, dtype: torch.dtype) -> Callable[[], None]:
    """Return a step of theirs, from the config in their wheel; its normalisation is done here as ours does it."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from mmaction_peer import build_recogniser as build_theirs
    from mmaction_peer import import_mmaction

    import_mmaction()
    network = build_theirs("rgbpose_conv3d.py", keypoints=NUM_KEYPOINTS, classes=classes).to(device).train()
    crops, heatmaps, labels = inputs(size, classes, device, batch)
    mean, std = (torch.tensor(values, device=device).view(1, 3, 1, 1, 1) for values in (RGB_MEAN, RGB_STD))

    def losses() -> Tensor:
        rgb, pose = network.backbone((crops.float() - mean) / std, heatmaps.float() / 255)
        scores = network.cls_head((rgb, pose))
        return torch.stack([functional.cross_entropy(v.float(), labels) for v in scores.values()]).sum()

    return step_of(network, losses, device, dtype)


def step_of(network: nn.Module, losses: Callable[[], Tensor], device: str, dtype: torch.dtype) -> Callable[[], None]:
    """Return one step: forward and loss under `dtype`, backward, SGD."""
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9)

    def step() -> None:
        with torch.autocast(device, dtype, enabled=dtype != torch.float32):
            loss = losses()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step
