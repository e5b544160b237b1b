"""MMPose's and MMDetection's own networks with random weights, made once for all files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from camfuse.weights.needed import Weights
from tests.prep.pose.mmpose.scenes import files, named


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hrnet")


@pytest.fixture(scope="session")
def reference(folder: Path) -> Callable[[str], tuple[Any, Weights]]:
    """MMPose's own estimator with random weights, and the checkpoint file that holds them; each made once."""
    made: dict[str, tuple[Any, Weights]] = {}

    def make(model: str) -> tuple[Any, Weights]:
        if model not in made:
            from camfuse.prep.pose.mmpose.openmmlab import build_hrnet

            network = files().calibrate(files().randomise(build_hrnet(model), seed=1))
            made[model] = network, named(files().save_checkpoint(network, folder / f"{model}.pth"))
        return made[model]

    return make


@pytest.fixture(scope="session")
def detector(folder: Path) -> tuple[Any, Weights]:
    """MMDetection's own RTMDet with random weights, and its checkpoint file."""
    from camfuse.prep.pose.mmpose.openmmlab import build_rtmdet

    network = files().calibrate_detector(files().randomise(build_rtmdet(), seed=2))
    return network, named(files().save_checkpoint(network, folder / "rtmdet.pth"))
