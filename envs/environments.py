"""Write the conda environments, envs/*.yaml: each with every package that it needs, in the versions of envs/pins.txt.

`make envs` after a change here, in `*-needs.txt` or in the pins; pip works out what each package needs in turn.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ENVS = Path(__file__).parent
PYTHON = "3.11"
CHANNEL = "conda-forge"

CAMFUSE = (
    *("numpy", "pandas", "pydantic", "PyYAML", "typer", "tqdm", "h5py", "hdf5plugin"),
    *("opencv-python-headless", "ffmpeg-python", "imageio-ffmpeg", "pillow"),
)
"""What the data stages import, whichever it is."""
OF_TORCH = re.compile(r"(nvidia|cuda)-|triton$")
"""Libraries of a torch that is built for GPUs, which names their versions itself."""


@dataclass(frozen=True)
class Environment:
    """What one environment is made of.

    Attributes
    ----------
    packages
        What pip is asked for.
    conda
        What conda is asked for beside Python and pip.
    gpu
        With the pins of `pins-gpu.txt` too.
    """

    packages: tuple[str, ...]
    conda: tuple[str, ...] = ()
    gpu: bool = False


def lines(name: str) -> tuple[str, ...]:
    """Return the lines of a list of requirements, without its comments."""
    text = (ENVS / name).read_text(encoding="utf-8").splitlines()
    return tuple(line for line in text if line and not line.startswith("#"))


def plain(requirement: str) -> str:
    """Return the name in a requirement as pip compares it."""
    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def with_gpu(needs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the needs with the onnxruntime that can use a GPU, and the CUDA libraries that it opens."""
    return tuple("onnxruntime-gpu[cuda,cudnn]" if need == "onnxruntime" else need for need in needs)


def environments() -> dict[str, Environment]:
    """Return each environment by the name of its file."""
    mmpose = (*CAMFUSE, "torch", *lines("mmpose-needs.txt"))
    rtmlib = (*CAMFUSE, *lines("rtmlib-needs.txt"))
    compiler = ("c-compiler",)
    return {
        "workflow": Environment(lines("workflow.txt")),
        "prep": Environment((*CAMFUSE, "pose_format", "spoken-to-signed")),
        "pose": Environment((*CAMFUSE, "pose_format", *lines("mediapipe-needs.txt"))),
        "pose-mmpose": Environment(mmpose, compiler),
        "pose-mmpose-gpu": Environment(with_gpu(mmpose), compiler, gpu=True),
        "pose-rtmlib": Environment(rtmlib),
        "pose-rtmlib-gpu": Environment(with_gpu(rtmlib), gpu=True),
        "train": Environment((*CAMFUSE, "torch", "pytorch-lightning", "tensorboard", "jinja2")),
    }


def pinned(environment: Environment) -> list[str]:
    """Return the pins of everything that pip would install, as the lines of the pin files."""
    files = ("pins.txt", "pins-gpu.txt") if environment.gpu else ("pins.txt",)
    pins = {plain(line): line for name in files for line in lines(name)}
    constraints = [option for name in files for option in ("-c", str(ENVS / name))]
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    done = subprocess.run([*pip, *constraints, *environment.packages], check=True, stdout=subprocess.PIPE, text=True)
    found = {plain(entry["metadata"]["name"]) for entry in json.loads(done.stdout)["install"]}
    if missing := sorted(name for name in found - pins.keys() if not OF_TORCH.match(name)):
        raise SystemExit(f"expected a pin for each package in envs/{' or '.join(files)}, found none for {missing}")
    return [pins[name] for name in sorted(found & pins.keys())]


def written(environment: Environment) -> str:
    """Return the content of an env file."""
    head = [
        "# Written by `make envs` (envs/environments.py): all that it holds, in the versions of envs/pins.txt.",
        *("channels:", f"  - {CHANNEL}", "dependencies:", f"  - {CHANNEL}::python={PYTHON}", f"  - {CHANNEL}::pip"),
        *(f"  - {CHANNEL}::{package}" for package in environment.conda),
        "  - pip:",
    ]
    return "\n".join([*head, *(f"      - {pin}" for pin in pinned(environment))]) + "\n"


def main() -> None:
    """Write every file."""
    if "{}.{}".format(*sys.version_info) != PYTHON:
        raise SystemExit(f"expected Python {PYTHON}, which the environments have, found {sys.version.split()[0]}")
    for name, environment in environments().items():
        (ENVS / f"{name}.yaml").write_text(written(environment), encoding="utf-8")


if __name__ == "__main__":
    main()
