"""The networks of MMPose and MMDetection, built from the configs inside their wheels, with checked weights in them."""

import logging
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from camfuse.config.estimators import HrnetModel
from camfuse.errors import MissingToolError, WeightsError
from camfuse.prep.pose.mmpose import INSTALL
from camfuse.prep.pose.mmpose.compiled_ops import missing_supplied
from camfuse.weights import safe
from camfuse.weights.needed import Weights
from camfuse.weights.safe import UnsafeFileError

log = logging.getLogger(__name__)

HRNET_CONFIGS: dict[HrnetModel, str] = {
    "hrnet_w48_dark_384x288": "td-hm_hrnet-w48_dark-8xb32-210e_coco-wholebody-384x288.py",
    "hrnet_w48_256x192": "td-hm_hrnet-w48_8xb32-210e_coco-wholebody-256x192.py",
    "hrnet_w32_dark_256x192": "td-hm_hrnet-w32_dark-8xb64-210e_coco-wholebody-256x192.py",
}
HRNET_FOLDER = "configs/wholebody_2d_keypoint/topdown_heatmap/coco-wholebody"
RTMDET_CONFIG = "demo/mmdetection_cfg/rtmdet_m_640-8xb32_coco-person.py"


def build_hrnet(model: HrnetModel, device: str = "cpu") -> Any:
    """Build MMPose's top-down estimator without weights: an `mmpose` `TopdownPoseEstimator` in eval mode."""
    prepare()
    from mmpose.apis import init_model

    # without this option mmengine fetches ImageNet weights that the checkpoint replaces
    options = {"model.backbone.init_cfg": None}
    return init_model(str(_in_wheel(f"{HRNET_FOLDER}/{HRNET_CONFIGS[model]}")), None, device, options)


def build_rtmdet(device: str = "cpu") -> Any:
    """Build MMDetection's RTMDet-m for persons without weights: an `mmdet` `RTMDet` in eval mode."""
    prepare()
    from mmdet.apis import init_detector

    options = {"model.backbone.init_cfg": None}
    return init_detector(str(_in_wheel(RTMDET_CONFIG)), None, palette="none", device=device, cfg_options=options)


class HrnetMaps(torch.nn.Module):
    """MMPose's estimator from image to heatmaps; the output is a tuple of one, as of every network we run."""

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        self.backbone: Any = estimator.backbone
        self.head: Any = estimator.head

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor]:
        """Map (B, 3, H, W) to heatmaps (B, 133, H / 4, W / 4)."""
        return (self.head(self.backbone(images)),)


class RtmdetMaps(torch.nn.Module):
    """MMDetection's RTMDet from image to the maps of class scores, then of box distances, one each per level."""

    def __init__(self, detector: Any) -> None:
        super().__init__()
        self.backbone: Any = detector.backbone
        self.neck: Any = detector.neck
        self.head: Any = detector.bbox_head

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Map (B, 3, H, W) to 3 maps of 1 channel and 3 of 4, at strides 8, 16, 32."""
        scores, distances = self.head(self.neck(self.backbone(images)))
        return (*scores, *distances)


def load_weights(network: torch.nn.Module, weights: Weights) -> None:
    """Put a checkpoint of MMEngine (or of MMPose before 1.0, or plain tensors) into a network.

    Raises
    ------
    WeightsError
        If the file is no checkpoint, is not safe to open, or lacks parameters of this network.
    """
    checkpoint = read_checkpoint(weights)
    state = checkpoint.get("state_dict", checkpoint)
    state = {name.removeprefix("module."): value for name, value in state.items()}
    try:
        missing, unknown = network.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise WeightsError(f"{weights.path}: not the weights of this network: {str(error)[:500]}") from error
    if missing:
        raise WeightsError(
            f"{weights.path}: expected weights of {type(network).__name__} as configured, "
            f"found none for {len(missing)} of its parameters, e.g. {', '.join(missing[:3])}"
        )
    if unknown:
        log.warning("%s: %d entries are of no use here, e.g. %s", weights.path, len(unknown), unknown[0])


def read_checkpoint(weights: Weights) -> dict[str, Any]:
    """Read a checkpoint file whose hash was compared already.

    Checkpoints are pickles, and a pickle can run programs. Published files hold data only and are read without
    that danger. A file that holds more is opened only if the config gives its whole hash: eight digits protect from a
    damaged file, not from a made one.

    Raises
    ------
    WeightsError
        If the file is no checkpoint, or holds more than data and is named by a part of its hash only.
    """
    try:
        return safe.read_checkpoint(weights.path, trusted=weights.expected == weights.sha256)
    except UnsafeFileError as error:
        advice = f"If it comes from where you trust, give its whole hash, sha256: {weights.sha256}"
        raise WeightsError(f"{error}. {advice}") from error


def prepare() -> None:
    """Make mmpose and mmdet importable.

    Raises
    ------
    MissingToolError
        If one of their packages is not installed.
    """
    try:
        with missing_supplied():
            for package in ("mmdet.models", "mmpose.models", "mmpose.apis"):
                import_module(package)
    except ModuleNotFoundError as error:
        raise MissingToolError(f"pose.mmpose needs the package {error.name}: {INSTALL}") from error


def _in_wheel(name: str) -> Path:
    import mmpose

    path = Path(mmpose.__file__).parent / ".mim" / name
    if not path.exists():
        raise MissingToolError(f"{path} is not there: pose.mmpose reads the configs inside the wheel mmpose 1.3.2")
    return path
