"""Estimator `annotations`: keypoints that exist already, in files."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from camfuse.config import Machine
from camfuse.config.estimators import AnnotationsPose
from camfuse.entries import POSE_FORMAT
from camfuse.prep.pose.entry import EstimatorEntry
from camfuse.weights.needed import Weights

if TYPE_CHECKING:
    from camfuse.prep.pose.estimator import Estimator


def _make(section: AnnotationsPose, _weights: Sequence[Weights], _machine: Machine) -> "Estimator":
    from camfuse.prep.pose.annotations.estimator import AnnotationsEstimator

    return AnnotationsEstimator(section)


ENTRY = EstimatorEntry(
    AnnotationsPose, _make, environment="pose", packages=lambda section: (POSE_FORMAT,), from_files=True
)
