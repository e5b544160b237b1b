"""What this machine lacks for a config is said before the first job, not after six hours."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from camfuse.clips.sources.entry import source_entry
from camfuse.config import Config
from camfuse.entries import Package
from camfuse.errors import MissingToolError, bullet_list
from camfuse.files import found_instead
from camfuse.prep.pose.entry import estimator_entry, pose_weights
from camfuse.weights.needed import Needed, how_to_get, initial_weights

FFMPEG = Package("imageio_ffmpeg", "pip install imageio-ffmpeg")
"""What decodes every video."""


def needed_packages(config: Config) -> tuple[Package, ...]:
    """Return the optional packages that this config's data stages import."""
    pose = config.pose
    needed = (*estimator_entry(pose).packages(pose.estimator), *source_entry(config.clips).packages)
    return tuple(dict.fromkeys((FFMPEG, *needed)))


def needed_weights(config: Config) -> tuple[Needed, ...]:
    """Return the checkpoints that the run will load: the estimator's, then those that trainings start from."""
    return pose_weights(config) + initial_weights(config)


def missing_weights(config: Config) -> list[str]:
    """Return one line for each checkpoint that is not there or no such file; hashes are compared when it is loaded."""
    problems = []
    for needed in needed_weights(config):
        if not needed.path.is_file():
            problems.append(how_to_get(needed))
        elif instead := found_instead(needed.path, zipped=False):
            problems.append(f"{needed.key}: {needed.path}: expected trained weights, found {instead}")
    return problems


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
    missing = [f"{one.name}: {one.install}" for one in wanted if one.missing] + missing_weights(config)
    if missing:
        raise MissingToolError(f"{len(missing)} thing(s) that this run needs are missing\n{bullet_list(missing)}")


@dataclass(frozen=True)
class PoseJob:
    """What a job of stage `pose` asks for: a conda environment (a file in `envs`), CPU threads, GPUs, MB, minutes."""

    environment: str
    threads: int
    gpus: int
    memory: int
    minutes: int


def pose_job(config: Config, *, conda: bool) -> PoseJob:
    """Return what a job of the config's estimator asks for."""
    entry = estimator_entry(config.pose)
    gpus = pose_gpus(config, conda=conda)
    other_build = gpus and entry.engine(config.pose.estimator) == "onnx"
    return PoseJob(
        environment=f"{entry.environment}-gpu" if other_build else entry.environment,
        threads=config.machine.threads if entry.threaded else 1,
        gpus=gpus,
        memory=entry.memory,
        minutes=entry.minutes,
    )


def pose_gpus(config: Config, *, conda: bool) -> int:
    """Return how many GPUs a job of the pose estimator can use.

    With `machine.device: auto`, onnxruntime gets one only where its build for GPUs is installed beside Snakemake; of
    conda environments, which do not exist yet, `device: cuda` chooses those that have it.
    """
    engine = estimator_entry(config.pose).engine(config.pose.estimator)
    if engine is None or engine == "openvino" or config.machine.device == "cpu":
        return 0
    if engine == "torch" or config.machine.device == "cuda":
        return 1
    return int(not conda and _is_installed("onnxruntime-gpu"))


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
