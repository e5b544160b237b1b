"""Estimator `mmpose`: HRNet whole-body through MMPose, the kind of keypoints that the paper has (docs/mmpose.md)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from camfuse.config import Machine
from camfuse.config.estimators import MmposePose
from camfuse.entries import Package
from camfuse.prep.pose.entry import topdown_entry
from camfuse.weights.needed import Weights

if TYPE_CHECKING:
    from camfuse.prep.pose.estimator import Estimator

INSTALL = "make mmpose, or the pip lines of envs/mmpose.txt"
PACKAGES = (
    Package("mmpose", INSTALL),
    Package("mmdet", INSTALL),
    Package("mmcv", f"{INSTALL} (mmcv-lite, or a compiled mmcv < 2.2)"),
)


def _make(section: MmposePose, weights: Sequence[Weights], machine: Machine) -> "Estimator":
    from camfuse.prep.pose.mmpose.estimator import HrnetEstimator

    return HrnetEstimator(section, weights, machine)


ENTRY = topdown_entry(MmposePose, _make, environment="pose-mmpose", packages=PACKAGES)
