"""Estimator `mediapipe`: MediaPipe Holistic, for any video on any machine, whose weights are inside its wheel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from camfuse.config import Machine
from camfuse.config.estimators import MediapipePose
from camfuse.entries import Package
from camfuse.prep.pose.entry import EstimatorEntry
from camfuse.weights.needed import Weights

if TYPE_CHECKING:
    from camfuse.prep.pose.estimator import Estimator

VERSION = "0.10.21"
"""The last version whose wheel carries the models."""
PACKAGE = Package(
    "mediapipe",
    f"make videos, or pip install --no-deps mediapipe=={VERSION} "
    'and pip install "protobuf>=4.25.3,<5" absl-py attrs flatbuffers matplotlib; Python 3.11 or 3.12',
)


def _make(section: MediapipePose, _weights: Sequence[Weights], _machine: Machine) -> "Estimator":
    from camfuse.prep.pose.mediapipe.estimator import MediapipeEstimator

    return MediapipeEstimator(section)


ENTRY = EstimatorEntry(MediapipePose, _make, environment="pose", packages=lambda section: (PACKAGE,))
