"""Frames, networks' settings and configs for the tests of the estimator `mmpose`."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camfuse.config import Config, parse_config
from camfuse.weights.needed import Weights, sha256_of

SMALL, PAPERS = "hrnet_w32_dark_256x192", "hrnet_w48_dark_384x288"


needs_mmpose = pytest.mark.skipif(
    find_spec("mmpose") is None or find_spec("mmdet") is None, reason="needs MMPose and MMDetection: make mmpose"
)


def files() -> Any:
    """The maker of checkpoints; imported late, since it imports torch."""
    from tests.prep.pose.mmpose import openmmlab_files

    return openmmlab_files


def named(path: Path) -> Weights:
    """Weights whose whole hash the config gives."""
    return Weights(path, sha256_of(path), sha256_of(path))


def settings(folder: Path, kind: str = "torch", precision: str = "f32") -> Any:
    from camfuse.prep.pose.engines import EngineSettings

    return EngineSettings(kind, precision, "cpu", 2, folder / "exported")  # type: ignore[arg-type]


def scene(count: int = 3, height: int = 240, width: int = 320) -> tuple[list[np.ndarray], np.ndarray]:
    """Frames of smooth noise (RGB), and a box in each, the last one leaving the image."""
    import cv2

    random = np.random.default_rng(5)
    coarse = random.integers(0, 255, (count, 12, 16, 3), np.uint8)
    frames = [cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC) for one in coarse]
    boxes = np.array([[60, 20, 220, 230]] * count, np.float32) + random.uniform(-9, 9, (count, 4)).astype(np.float32)
    boxes[-1, :2] -= 80
    return frames, boxes


def whole_config(folder: Path, pose: Weights, persons: Weights, **mmpose: Any) -> Config:
    values = {
        "model": SMALL,
        "weights": {"path": str(pose.path), "sha256": pose.sha256},
        "detector": {"path": str(persons.path), "sha256": persons.sha256},
        "flip_test": False,
    }
    return parse_config(
        {
            "output": str(folder / "results"),
            "clips": {"folder": {"videos": str(folder)}},
            "pose": {"mmpose": values | mmpose},
            "machine": {"device": "cpu", "weights": str(folder), "pose_batch": 2},
        }
    )
