"""The config: frozen sections, each key with a default, a unit and a description; unknown keys are refused.

``config/default.yaml``, ``config/schema.json`` and the table in ``config/README.md`` are generated from
this package (``make config``) and a test compares them. What only changes speed or place lives in `Machine`, so that
it can never enter a fingerprint.
"""

from camfuse.config.base import PARTS, Fraction, Keypoint, Part, Positive, Section, Split, Weight, WeightsFile
from camfuse.config.estimators import (
    HRNET_WEIGHTS,
    RTM_WEIGHTS,
    RTMDET_WEIGHTS,
    YOLOX_WEIGHTS,
    AnnotationsPose,
    HrnetModel,
    MediapipePose,
    MmposePose,
    Pose,
    RtmlibPose,
    RtmModel,
)
from camfuse.config.model import Fusion, FusionMode, FusionStage, Model, PoseStream, RgbStream, Sampling
from camfuse.config.prep import Crops, Frames, Heatmaps
from camfuse.config.read import change, dump_config, load_config, parse_config
from camfuse.config.run import RESERVED, Ablation, Config, Evaluate, Machine, Overrides, Report
from camfuse.config.sources import (
    AutslSource,
    Clips,
    CsvSource,
    FingerspellingSource,
    FolderSource,
    LanguageSplits,
    Shares,
    WlaslSource,
)
from camfuse.config.train import Augment, Phase, Train

__all__ = [
    "HRNET_WEIGHTS",
    "PARTS",
    "RESERVED",
    "RTMDET_WEIGHTS",
    "RTM_WEIGHTS",
    "YOLOX_WEIGHTS",
    "Ablation",
    "AnnotationsPose",
    "Augment",
    "AutslSource",
    "Clips",
    "Config",
    "Crops",
    "CsvSource",
    "Evaluate",
    "FingerspellingSource",
    "FolderSource",
    "Fraction",
    "Frames",
    "Fusion",
    "FusionMode",
    "FusionStage",
    "Heatmaps",
    "HrnetModel",
    "Keypoint",
    "LanguageSplits",
    "Machine",
    "MediapipePose",
    "MmposePose",
    "Model",
    "Overrides",
    "Part",
    "Phase",
    "Pose",
    "PoseStream",
    "Positive",
    "Report",
    "RgbStream",
    "RtmModel",
    "RtmlibPose",
    "Sampling",
    "Section",
    "Shares",
    "Split",
    "Train",
    "Weight",
    "WeightsFile",
    "WlaslSource",
    "change",
    "dump_config",
    "load_config",
    "parse_config",
]
