"""Which packages work: each is tried in a process of its own, so that one that crashes is one line."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.pool import ThreadPool

from camfuse.config import Pose
from camfuse.config.computer import has_nvidia_gpu
from camfuse.config.estimators import ESTIMATOR_KEYS
from camfuse.doctor.finding import Finding, State
from camfuse.entries import Package
from camfuse.prep.pose.entry import ENGINE_PACKAGES, estimator_entry
from camfuse.prep.requirements import FFMPEG

SECONDS = 120
"""How long one may take to be imported, the first time on a slow disk."""
TORCH = """
import torch
print(torch.__version__)
for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
    facts = torch.cuda.get_device_properties(number)
    torch.ones(64, 64, device=number).mm(torch.ones(64, 64, device=number)).sum().item()
    print(f"{facts.name}, {facts.total_memory / 1e9:.0f} GB")
"""
TRIALS = {
    "mediapipe": "import mediapipe; mediapipe.solutions.holistic.Holistic(static_image_mode=True).close()",
    "onnxruntime": "import onnxruntime; print(', '.join(onnxruntime.get_available_providers()))",
    "openvino": "import openvino; print(', '.join(openvino.Core().available_devices))",
}
"""What is tried of a package, beyond its import; the last thing printed is shown."""
EXTRAS = {
    "demo": (Package("spoken_to_signed", "pip install spoken-to-signed==0.4.0"),),
    "keypoint files": (Package("pose_format", "pip install 'pose-format>=0.8'"),),
    "export": tuple(Package(name, "pip install onnx onnxscript 'protobuf<5'") for name in ("onnx", "onnxscript")),
    "serve": (Package("aiohttp", "pip install aiohttp"),),
}
"""What single commands need."""


def check_programs(needed: Sequence[Package]) -> Iterator[Finding]:
    """Try what every run needs, then what some do.

    Parameters
    ----------
    needed
        Packages without which a config's run does not start; empty where no config is given.
    """
    yield _snakemake()
    yield from _torch()
    wanted = {one.name for one in needed if one != FFMPEG}
    parts = {f"pose.{key}": _packages(key) for key in ESTIMATOR_KEYS}
    parts |= {f"engine {name}": packages for name, packages in ENGINE_PACKAGES.items() if packages}
    parts |= EXTRAS
    with ThreadPool(2) as pool:
        yield from pool.imap(lambda part: _part(*part, wanted), parts.items())


def _packages(key: str) -> tuple[Package, ...]:
    pose = Pose.model_validate({key: {}})
    engines = {package.name for packages in ENGINE_PACKAGES.values() for package in packages}
    packages: tuple[Package, ...] = estimator_entry(pose).packages(pose.estimator)
    return tuple(package for package in packages if package.name not in engines)


def _part(subject: str, packages: tuple[Package, ...], wanted: set[str]) -> Finding:
    """Try one estimator, engine or extra."""
    missing = [one for one in packages if one.missing]
    if missing:
        state: State = "missing" if wanted & {one.name for one in missing} else "note"
        return Finding(state, subject, f"no {', '.join(one.name for one in missing)}", missing[0].install)
    said = [f"{one.name} {installed_version(one.name)}".strip() for one in packages]
    for package in packages:
        worked, words = tried(TRIALS.get(package.name, f"import {package.name}"))
        if not worked:
            return Finding("missing", subject, f"{package.name} is installed and fails: {words}", package.install)
        said += [words] if words else []
    return Finding("ok", subject, ", ".join(said) or "nothing to install")


def _snakemake() -> Finding:
    found = installed_version("snakemake")
    if not found:
        return Finding("missing", "snakemake", "not installed", "pip install 'snakemake>=9.19,<10'")
    return Finding("ok", "snakemake", found)


def _torch() -> Iterator[Finding]:
    worked, words = tried(TORCH, whole=True)
    if not worked:
        yield Finding("missing", "torch", words, "pip install torch (docs/conda.md: which build for which driver)")
        return
    release, *gpus = words.splitlines()
    yield Finding("ok", "torch", release)
    if gpus:
        yield from (Finding("ok", f"GPU {number}", facts) for number, facts in enumerate(gpus))
    elif has_nvidia_gpu():
        remedy = "compare torch's CUDA with the driver's, nvidia-smi's first line (docs/conda.md, GPU or CPU)"
        yield Finding("missing", "GPU", f"this machine has one, and torch {release} cannot use it", remedy)
    else:
        yield Finding("note", "GPU", "none: the sequence stream trains in minutes on a CPU, the others take hours")


def installed_version(package: str) -> str:
    """Return the version of an installed package by the name of its import, or nothing."""
    for name in (package, f"{package}-gpu"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""


def tried(code: str, *, whole: bool = False) -> tuple[bool, str]:
    """Run a few lines of Python in a process of its own.

    Parameters
    ----------
    code
        What to run.
    whole
        Return all that it prints, not its last line alone.

    Returns
    -------
    worked, words
        Whether it ended well, and what it printed last, or said of its failure.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False, f"it has not ended after {SECONDS} s"
    said = (done.stderr if done.returncode else done.stdout).strip()
    words = said if whole and not done.returncode else (said.splitlines() or [""])[-1]
    if done.returncode < 0:
        return False, f"it was ended by signal {-done.returncode}"
    return done.returncode == 0, words
