"""What this machine lacks is said before the first job, not after six hours."""

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from camfuse.config import Config
from camfuse.errors import MissingToolError, bullet_list
from camfuse.weights.fetch import missing_weights

HOW = {
    "mediapipe": "make videos, or pip install --no-deps mediapipe==0.10.21 "
    'and pip install "protobuf>=4.25.3,<5" absl-py attrs flatbuffers matplotlib',
    "spoken_to_signed": "pip install spoken-to-signed==0.4.0",
    "pose_format": "pip install pose-format",
    "imageio_ffmpeg": "pip install imageio-ffmpeg",
    "mmpose": "make mmpose",
    "mmdet": "make mmpose",
    "mmcv": "make mmpose (mmcv-lite, or a compiled mmcv < 2.2)",
    "rtmlib": "make rtmlib, or pip install --no-deps rtmlib==0.0.16",
    "onnxruntime": "make rtmlib, or pip install onnxruntime (onnxruntime-gpu on a GPU)",
    "openvino": "make rtmlib, or pip install openvino",
}


def needed_packages(config: Config) -> tuple[str, ...]:
    """Return the optional packages that this config's data stages import."""
    needed = ["imageio_ffmpeg"]
    if config.pose.mediapipe:
        needed.append("mediapipe")
    if config.pose.mmpose:
        needed += ["mmpose", "mmdet", "mmcv"]
        needed += {"torch": [], "onnx": ["onnxruntime"], "openvino": ["openvino"]}[config.pose.mmpose.engine]
    if config.pose.rtmlib:
        needed += ["rtmlib", {"onnx": "onnxruntime", "openvino": "openvino"}[config.pose.rtmlib.engine]]
    if config.pose.annotations:
        needed.append("pose_format")
    if config.clips.fingerspelling:
        needed += ["spoken_to_signed", "pose_format"]
    return tuple(dict.fromkeys(needed))


def check_machine(config: Config, *, packages: bool = True) -> None:
    """Look for what the run will need.

    Parameters
    ----------
    packages
        Look for packages too: not where each job has a conda environment of its own.

    Raises
    ------
    MissingToolError
        Naming every missing package and every missing file of weights, and how to get it.
    """
    wanted = needed_packages(config) if packages else ()
    missing = [f"{name}: {HOW[name]}" for name in wanted if find_spec(name) is None] + missing_weights(config)
    if missing:
        raise MissingToolError(f"{len(missing)} thing(s) that this run needs are missing\n{bullet_list(missing)}")


def pose_gpus(config: Config, *, conda: bool) -> int:
    """Return how many GPUs a job of the pose estimator can use.

    With `machine.device: auto`, onnxruntime gets one only where its build for GPUs is installed beside Snakemake; of
    conda environments, which do not exist yet, `device: cuda` chooses those that have it.
    """
    network = config.pose.mmpose or config.pose.rtmlib
    if network is None or network.engine == "openvino" or config.machine.device == "cpu":
        return 0
    if network.engine == "torch" or config.machine.device == "cuda":
        return 1
    return int(not conda and _is_installed("onnxruntime-gpu"))


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def prepare_jobs(root: Path, *, conda: bool = False) -> None:
    """Let the workflow's jobs find this checkout and this interpreter, or their conda environment's own.

    Parameters
    ----------
    root
        The checkout.
    conda
        Each job has a conda environment: it gets PATH from there, and nothing from the user's site-packages.
    """
    first = {"PYTHONPATH": str(root)} | ({} if conda else {"PATH": str(Path(sys.executable).parent)})
    before = {name: os.environ.get(name, "") for name in first}
    os.environ.update({name: os.pathsep.join(filter(None, [first[name], before[name]])) for name in first})
    if conda:
        os.environ["PYTHONNOUSERSITE"] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # keep freed memory: glibc gives each large tensor back and the kernel clears it again, a cost to training on a CPU
    os.environ.setdefault("MALLOC_MMAP_MAX_", "0")
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "100000000000")
