"""HRNet w48 384x288: MMPose's `inference_topdown` beside our engines, in one run, on the same frames and boxes.

    python benchmarks/pose_engines.py --frames 4 --rounds 3

Random weights (speed does not depend on them). From decoded frame and box to keypoints, without flip test. The
engines take turns, so that a busy machine slows all alike, and the best round of each counts. CPU seconds (of all
threads) say more than the clock where others use the machine too.
"""

import argparse
import os
import platform
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # without it, torch is many times slower on a busy machine

import numpy as np
import torch

from camfuse.prep.pose.engines import EngineSettings
from camfuse.prep.pose.hrnet import Hrnet
from camfuse.prep.pose.openmmlab import build_hrnet
from camfuse.weights import Weights, sha256_of

MODEL = "hrnet_w48_dark_384x288"
ENGINES = (("torch", "f32"), ("torch", "bf16"), ("onnx", "f32"), ("openvino", "f32"), ("openvino", "bf16"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=4, help="frames per round and batch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "pose_engines.md")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        ways = runners(Path(folder), options.frames, options.threads)
        seconds = measure(ways, options.frames, options.rounds)
    table = report(seconds, options)
    options.output.write_text(table, encoding="utf-8")
    print(table)


def runners(folder: Path, count: int, threads: int) -> dict[str, Callable[[], object]]:
    """Return what to run, by name; the first is MMPose's own."""
    network = build_hrnet(MODEL)
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
    for kind, precision in ENGINES:
        settings = EngineSettings(kind, precision, "cpu", threads, folder / "exported")  # type: ignore[arg-type]
        ours = Hrnet(MODEL, weights, settings, flip_test=False)
        ways[f"{kind} {precision}"] = lambda ours=ours: ours.keypoints(frames, boxes)
    return ways


def measure(ways: dict[str, Callable[[], object]], count: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Return the best wall and CPU seconds a frame of each; one round more warms up."""
    best = dict.fromkeys(ways, (float("inf"), float("inf")))
    for number in range(rounds + 1):
        for name, run in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            if number:
                spent = (time.perf_counter() - wall) / count, (time.process_time() - cpu) / count
                best[name] = min(best[name][0], spent[0]), min(best[name][1], spent[1])
    return best


def report(seconds: dict[str, tuple[float, float]], options: argparse.Namespace) -> str:
    """Return the table as Markdown."""
    (wall, cpu), *_ = seconds.values()
    rows = [
        f"| {name} | {mine:.3f} | {wall / mine:.2f} | {work:.3f} | {cpu / work:.2f} |"
        for name, (mine, work) in seconds.items()
    ]
    return "\n".join(
        [
            "# HRNet w48 384x288: seconds a frame, from frame and box to 133 keypoints",
            "",
            f"`python benchmarks/pose_engines.py --frames {options.frames} --rounds {options.rounds} "
            f"--threads {options.threads}`, {processor()}, torch {torch.__version__}, without flip test, "
            "engines taking turns, best round.",
            "",
            "| way | s/frame | times as fast | CPU s/frame | times less work |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def processor() -> str:
    """Return the processor's name where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
