"""Estimator `rtmlib`: RTMW and RTMPose whole-body through rtmlib (docs/rtmlib.md)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from camfuse.config import Machine
from camfuse.config.estimators import RtmlibPose
from camfuse.entries import Package
from camfuse.prep.pose.entry import topdown_entry
from camfuse.weights.needed import Weights

if TYPE_CHECKING:
    from camfuse.prep.pose.estimator import Estimator

PACKAGE = Package("rtmlib", "make rtmlib, or pip install --no-deps rtmlib==0.0.16")


def _make(section: RtmlibPose, weights: Sequence[Weights], machine: Machine) -> "Estimator":
    from camfuse.prep.pose.rtmlib.estimator import RtmlibEstimator

    return RtmlibEstimator(section, weights, machine)


ENTRY = topdown_entry(RtmlibPose, _make, environment="pose-rtmlib", packages=(PACKAGE,))
