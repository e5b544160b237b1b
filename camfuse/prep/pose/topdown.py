"""The way of every top-down estimator: persons in each frame, the signer among them, the keypoints of the signer."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import ClassVar, Generic, Literal, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip
from camfuse.config import Machine
from camfuse.config.estimators import TopdownPose
from camfuse.geometry import hide_points, unseen_points
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.engines import Device, EngineSettings
from camfuse.prep.pose.estimator import Floats, Poses
from camfuse.prep.pose.signer import fill_gaps, follow_signer
from camfuse.skeleton import NUM_KEYPOINTS
from camfuse.weights.needed import Weights

Images = Sequence[NDArray[np.uint8]]
OwnSection = TypeVar("OwnSection", bound=TopdownPose)
ENGINE_PACKAGES = {"torch": "torch", "onnx": "onnxruntime", "openvino": "openvino"}


class Detector(Protocol):
    """Finds persons in batches of frames."""

    def detect(self, frames: Images, least: float) -> list[Floats]:
        """Return, for each frame (RGB), (N, 5) x0, y0, x1, y1, score of the persons of score `least` and more."""
        ...


class Keypoints(Protocol):
    """Estimates one person's keypoints in each of some frames."""

    def keypoints(self, frames: Images, boxes: Floats) -> Floats:
        """Return (B, 133, 3) x, y, score in pixels of the frames (RGB); `boxes` (B, 4) are the persons'."""
        ...


class TopdownEstimator(ABC, Generic[OwnSection]):
    """The signer's 133 keypoints by two networks, missing where the signer was not detected.

    Parameters
    ----------
    section
        The estimator's section of the config.
    weights
        The files of the pose network and of the detector, checked.
    machine
        Threads, batch and device.
    """

    NAME: ClassVar[str]
    PACKAGES: ClassVar[tuple[str, ...]]
    """What its networks come from, beside the engine."""

    def __init__(self, section: OwnSection, weights: Sequence[Weights], machine: Machine) -> None:
        self._section = section
        self._weights = weights
        self._machine = machine
        self._networks: tuple[Detector, Keypoints] | None = None

    @abstractmethod
    def build(self) -> tuple[Detector, Keypoints]:
        """Build the two networks; with the engines `onnx` and `openvino` this may export them."""

    def __enter__(self) -> Self:
        """Networks are built at the first clip: a shard whose clips are all reused needs none."""
        return self

    def __exit__(self, *error: object) -> None:
        """Free the networks."""
        self._networks = None

    def settings(self, precision: Literal["f32", "bf16"], device: Device) -> EngineSettings:
        """Return how a network is run."""
        machine = self._machine
        return EngineSettings(self._section.engine, precision, device, machine.threads, machine.weights / "exported")

    def provenance(self) -> Mapping[str, object]:
        """Return the packages' versions and the hashes of the weights."""
        weights, detector = self._weights
        return {
            "estimator": self.NAME,
            "weights sha256": weights.sha256,
            "detector sha256": detector.sha256,
            **{package: version(package) for package in (*self.PACKAGES, ENGINE_PACKAGES[self._section.engine])},
        }

    def estimate(self, clip: Clip, frames: ClipFrames) -> Poses:
        """Estimate the signer's pose in every frame in which the signer was detected, or lost for a few frames only.

        In those (`filled`) the box is interpolated and the keypoints are estimated in it.
        """
        if self._networks is None:
            self._networks = self.build()
        least, fill = self._section.min_detection, self._section.fill
        return signer_poses(frames, *self._networks, batch=self._machine.pose_batch, least=least, fill=fill)


def signer_poses(
    frames: ClipFrames, detector: Detector, network: Keypoints, *, batch: int, least: float, fill: int
) -> Poses:
    """Estimate the signer's pose in every frame in which the signer was detected, or lost for a few frames only.

    In those (`filled`) the box is interpolated and the keypoints are estimated in it.

    Parameters
    ----------
    batch
        Frames that are decoded and run at once.
    least
        Persons below this score are not seen.
    fill
        Frames that a gap may have.
    """
    persons = [found for images in frames.batches(batch) for found in detector.detect(images, least)]
    boxes, filled = fill_gaps(follow_signer(persons), fill)
    keypoints = unseen_points(len(frames), NUM_KEYPOINTS)
    seen = np.flatnonzero(~np.isnan(boxes[:, 0]))
    for rows in (seen[start : start + batch] for start in range(0, len(seen), batch)):
        keypoints[rows] = seen_points(network.keypoints([frames[row] for row in rows], boxes[rows, :4]))
    return Poses(keypoints, boxes, filled)


def seen_points(keypoints: Floats) -> Floats:
    """Return keypoints (..., 3) with scores in 0..1; where the network's peak is not above 0, NaN, NaN, 0."""
    out = keypoints.copy()
    out[..., 2] = np.clip(keypoints[..., 2], 0, 1)
    return hide_points(out, keypoints[..., 2] <= 0)
