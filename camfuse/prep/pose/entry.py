"""What the rest of the program knows of an estimator without importing it: its needs, and how it is made.

Each folder in here declares one `ENTRY`; nothing else names it but the config, whose key is the folder's name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from camfuse.config import Config, Machine, WeightsFile
from camfuse.config.estimators import EngineKind, EstimatorSection, Pose, TopdownPose
from camfuse.entries import Package, find_entry
from camfuse.weights.needed import Needed, Weights, place_of

if TYPE_CHECKING:  # planning a run imports this module, and needs no OpenCV for it
    from camfuse.prep.pose.estimator import Estimator

S = TypeVar("S", bound=EstimatorSection)
T = TypeVar("T", bound=TopdownPose)

ENGINE_PACKAGES: Mapping[EngineKind, tuple[Package, ...]] = {
    "torch": (),
    "onnx": (Package("onnxruntime", "make rtmlib, or pip install onnxruntime (onnxruntime-gpu on a GPU)"),),
    "openvino": (Package("openvino", "make rtmlib, or pip install openvino"),),
}


@dataclass(frozen=True)
class EstimatorEntry(Generic[S]):
    """An estimator, declared once.

    Attributes
    ----------
    section
        Its section of the config.
    make
        Makes it, of its section, its weights (in the order of `weights`) and the machine. Imports what it needs.
    environment
        Its conda environment: the name of the file in `envs`. Where onnxruntime runs on a GPU, `-gpu` follows.
    packages
        What a section needs beside what everybody has.
    weights
        The files of weights that a section names, by their keys in it.
    engine
        What runs the networks of a section, which says whether a GPU is of use; None: no network of ours.
    threaded
        Whether it uses `machine.threads` CPU threads, or one.
    from_files
        It reads keypoints from files instead of estimating them: of no use for a video that has none.
    memory, minutes
        What a job of the workflow asks for: MB, and the time of one shard.
    """

    section: type[S]
    make: Callable[[S, Sequence[Weights], Machine], "Estimator"]
    environment: str
    packages: Callable[[S], tuple[Package, ...]]
    weights: Callable[[S], Mapping[str, WeightsFile]] = lambda section: {}
    engine: Callable[[S], EngineKind | None] = lambda section: None
    threaded: bool = False
    from_files: bool = False
    memory: int = 6000
    minutes: int = 720


def topdown_entry(
    section: type[T],
    make: Callable[[T, Sequence[Weights], Machine], "Estimator"],
    environment: str,
    packages: tuple[Package, ...],
) -> EstimatorEntry[T]:
    """Return the entry of an estimator that has a detector and a pose network of its own."""
    return EstimatorEntry(
        section=section,
        make=make,
        environment=environment,
        packages=lambda chosen: (*packages, *ENGINE_PACKAGES[chosen.engine]),
        weights=lambda chosen: {"weights": chosen.weights, "detector": chosen.detector},
        engine=lambda chosen: chosen.engine,
        threaded=True,
        memory=12000,
        minutes=2880,
    )


def estimator_entry(pose: Pose) -> EstimatorEntry[Any]:
    """Return the entry of the estimator that the config chooses."""
    return find_entry("camfuse.prep.pose", pose.key, EstimatorEntry)


def pose_weights(config: Config) -> tuple[Needed, ...]:
    """Return the checkpoints of the pose estimator, with keys like ``pose.mmpose.weights``."""
    pose = config.pose
    files = estimator_entry(pose).weights(pose.estimator)
    return tuple(
        Needed(f"pose.{pose.key}.{name}", file, place_of(file, config.machine.weights)) for name, file in files.items()
    )
