"""The config: frozen sections, each key with a default, a unit and a description; unknown keys are refused.

``config/default.yaml``, ``config/schema.json`` and the table in ``config/README.md`` are generated from
this package (``make config``) and a test compares them. What only changes speed or place lives in `Machine`, so that
it can never enter a fingerprint.
"""

from camfuse.config.base import (
    PARTS,
    STREAMS,
    Fraction,
    Keypoint,
    Part,
    Positive,
    Section,
    Split,
    Stream,
    Weight,
    WeightsFile,
)
from camfuse.config.estimators import Pose
from camfuse.config.model import (
    Fusion,
    FusionMode,
    FusionStage,
    Model,
    PoseStream,
    RgbStream,
    Sampling,
    SequenceStream,
    weights_file,
)
from camfuse.config.prep import Crops, Frames, Heatmaps
from camfuse.config.read import change, dump_config, load_config, load_values, parse_config, plain_values
from camfuse.config.run import RESERVED, Ablation, ComparedRow, Config, Evaluate, Machine, Overrides, Report
from camfuse.config.sources import Clips
from camfuse.config.train import Augment, Phase, SequenceAugment, Train

__all__ = [
    "PARTS",
    "RESERVED",
    "STREAMS",
    "Ablation",
    "Augment",
    "Clips",
    "ComparedRow",
    "Config",
    "Crops",
    "Evaluate",
    "Fraction",
    "Frames",
    "Fusion",
    "FusionMode",
    "FusionStage",
    "Heatmaps",
    "Keypoint",
    "Machine",
    "Model",
    "Overrides",
    "Part",
    "Phase",
    "Pose",
    "PoseStream",
    "Positive",
    "Report",
    "RgbStream",
    "Sampling",
    "Section",
    "SequenceAugment",
    "SequenceStream",
    "Split",
    "Stream",
    "Train",
    "Weight",
    "WeightsFile",
    "change",
    "dump_config",
    "load_config",
    "load_values",
    "parse_config",
    "plain_values",
    "weights_file",
]
