"""HRNet w48 384x288: MMPose's `inference_topdown` beside our engines, in one run, on the same frames and boxes.

    python benchmarks/pose_engines.py --frames 4 --rounds 7
    python benchmarks/pose_engines.py --device cuda --frames 64 --rounds 5

Random weights (speed does not depend on them). From decoded frame and box to keypoints, without flip test. The
engines take turns, so that a busy machine slows all alike; a way's ratio to MMPose is the median of the ratios within
each round, its seconds are those of its best round. CPU seconds (of all threads) say more than the clock where others
use the machine too.

The ceiling is what this machine can do at all: the rate at which it computes single 3x3 convolutions of the network's
kind that stay in its cache, best of many, and the time that all of the network's multiply-adds would take at it.
"""

import argparse
import os
import platform
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # without it, torch is many times slower on a busy machine

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from camfuse.prep.pose.engines import EngineSettings
from camfuse.prep.pose.mmpose.estimator import Hrnet
from camfuse.prep.pose.mmpose.openmmlab import HrnetMaps, build_hrnet
from camfuse.weights.needed import Weights, sha256_of

MODEL = "hrnet_w48_dark_384x288"
ENGINES = {
    "cpu": (("torch", "f32"), ("torch", "bf16"), ("onnx", "f32"), ("openvino", "f32"), ("openvino", "bf16")),
    "cuda": (("torch", "f32"), ("torch", "bf16")),
}

LAYERS = ((48, 96, 72), (96, 48, 36), (192, 24, 18))
"""Channels, height and width of the 3x3 convolutions of three of the network's four resolutions."""


@dataclass(frozen=True)
class Speed:
    """Seconds a frame by the clock and of all threads together in the best round; median ratios to MMPose's."""

    wall: float
    cpu: float
    faster: float
    less_work: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=4, help="frames per round and batch")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=ENGINES, default="cpu")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "pose_engines.md")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        ways = runners(Path(folder), options.frames, options.threads, options.device)
        speeds = measure(ways, options.frames, options.rounds)
    rates = {}
    if options.device == "cpu":
        rates = {dtype: ceiling(dtype, options.threads) for dtype in (torch.float32, torch.bfloat16)}
    table = report(speeds, rates, work(), options)
    options.output.write_text(table, encoding="utf-8")
    print(table)


def runners(folder: Path, count: int, threads: int, device: str) -> dict[str, Callable[[], object]]:
    """Return what to run, by name; the first is MMPose's own."""
    network = build_hrnet(MODEL, device)
    from mmpose.apis import inference_topdown  # after build_hrnet, which supplies what a mmcv without operators lacks

    network.test_cfg["flip_test"] = False
    path = folder / "random.pth"
    torch.save({"state_dict": network.state_dict()}, path)
    weights = Weights(path, sha256_of(path), None)
    random = np.random.default_rng(0)
    frames = [random.integers(0, 255, (544, 960, 3), np.uint8) for _ in range(count)]
    boxes = np.array([[200, 20, 760, 540]] * count, np.float32)

    def mmpose() -> None:
        for frame, box in zip(frames, boxes, strict=True):
            inference_topdown(network, frame, box[None])

    ways: dict[str, Callable[[], object]] = {"mmpose inference_topdown": mmpose}
    for kind, precision in ENGINES[device]:
        settings = EngineSettings(kind, precision, device, threads, folder / "exported")  # type: ignore[arg-type]
        ours = Hrnet(MODEL, weights, settings, flip_test=False)
        ways[f"{kind} {precision}"] = lambda ours=ours: ours.keypoints(frames, boxes)
    return ways


def measure(ways: dict[str, Callable[[], object]], count: int, rounds: int) -> dict[str, Speed]:
    """Run all ways in turn, one round more to warm up; the first way is what the others are compared with."""
    spent = {name: np.empty((rounds + 1, 2)) for name in ways}
    for number in range(rounds + 1):
        for name, run in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            spent[name][number] = (time.perf_counter() - wall) / count, (time.process_time() - cpu) / count
    first = next(iter(spent.values()))[1:]
    speeds = {}
    for name, rows in spent.items():
        wall, cpu = rows[1:].min(axis=0)
        speeds[name] = Speed(wall, cpu, *np.median(first / rows[1:], axis=0))
    return speeds


def work() -> float:
    """Return the network's floating point operations per frame, a multiply-add counted as two."""
    network = HrnetMaps(build_hrnet(MODEL)).eval()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 384, 288))
    return float(counter.get_total_flops())


def ceiling(dtype: torch.dtype, threads: int, rounds: int = 60) -> float:
    """Return this machine's floating point operations per second: of one core by its CPU time, times `threads`.

    By the CPU time of one thread, since the clock would count what others on the machine do.
    """
    torch.set_num_threads(1)
    best = 0.0
    for channels, height, width in LAYERS:
        layer = torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False).to(dtype)
        layer = layer.to(memory_format=torch.channels_last)
        image = torch.randn(1, channels, height, width).to(dtype).to(memory_format=torch.channels_last)
        operations = 2 * 9 * channels**2 * height * width
        with torch.inference_mode():
            for _ in range(rounds):
                start = time.thread_time()
                layer(image)
                best = max(best, operations / (time.thread_time() - start))
    torch.set_num_threads(threads)
    return best * threads


def report(
    speeds: dict[str, Speed], rates: dict[torch.dtype, float], operations: float, options: argparse.Namespace
) -> str:
    """Return the tables as Markdown."""
    peer = next(iter(speeds.values()))
    rows = [
        f"| {name} | {one.wall:.4f} | {one.faster:.2f} | {one.cpu:.4f} | {one.less_work:.2f} "
        f"| {operations / one.wall / 1e9:.0f} |"
        for name, one in speeds.items()
    ]
    names = {torch.float32: "f32", torch.bfloat16: "bf16"}
    limits = [
        f"| {names[dtype]} | {rate / 1e9:.0f} | {operations / rate:.3f} | {peer.wall * rate / operations:.2f} "
        f"| {peer.cpu * rate / operations / options.threads:.2f} |"
        for dtype, rate in rates.items()
    ]
    what_is_possible = [
        f"What these {options.threads} cores can do at all (single 3x3 convolutions of its kind in the cache), and "
        "what follows if nothing else took time:",
        "",
        "| arithmetic | GFLOP/s | least s/frame | most times as fast as MMPose | most times less work |",
        "|---|---|---|---|---|",
    ]
    return "\n".join(
        [
            "# HRNet w48 384x288: seconds a frame, from frame and box to 133 keypoints",
            "",
            f"`python benchmarks/pose_engines.py --frames {options.frames} --rounds {options.rounds} "
            f"--threads {options.threads} --device {options.device}`, {processor(options.device)}, "
            f"torch {torch.__version__}, without flip test, "
            "engines taking turns; seconds of the best round, ratios as median of the rounds'.",
            "",
            "| way | s/frame | times as fast | CPU s/frame | times less work | GFLOP/s |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            f"The network is {operations / 1e9:.1f} GFLOP a frame.",
            *(what_is_possible if limits else []),
            *limits,
            "",
        ]
    )


def processor(device: str) -> str:
    """Return the GPU's name, or the processor's where Linux tells it."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    units = [unit for unit in ("avx512f", "avx512_bf16", "amx_bf16") if unit in facts.get("flags", "").split()]
    return ", ".join([facts.get("model name", platform.machine()), *units])


if __name__ == "__main__":
    main()
