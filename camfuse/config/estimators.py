"""Config of the pose estimators, and where their weights lie."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from camfuse.config.base import Fraction, Section, WeightsFile, choices, chosen

PICKLES = (".pkl", ".pickle")
"""Suffixes of annotation pickles, which hold many clips; in any case."""
POSE_FILE = ".pose"
"""Suffix of the files that hold one clip."""
EngineKind = Literal["torch", "onnx", "openvino"]


class EstimatorSection(Section):
    """Base of each estimator's section: its key in `Pose` is also the name of its folder in `camfuse/prep/pose`."""


class TopdownPose(EstimatorSection):
    """What the estimators have in common that find persons first, then the keypoints of one of them."""

    PUBLISHED: ClassVar[Mapping[Any, WeightsFile]]
    """The weights of each `model`."""

    model: str
    """The network."""
    weights: WeightsFile
    """Its weights; left out, the published ones of `model`."""
    detector: WeightsFile
    """The person detector's weights."""
    engine: EngineKind
    """What runs the networks."""
    precision: Literal["f32", "bf16"] = "f32"
    """Arithmetic of the pose network."""
    min_detection: Fraction = 0.3
    """Persons below this score are not seen."""
    fill: int = Field(default=5, ge=0)
    """Frames in a row without the signer that are looked for where
    interpolation puts the box, and marked; longer gaps stay missing."""

    @model_validator(mode="before")
    @classmethod
    def _published_weights(cls, values: Any) -> Any:
        if isinstance(values, dict) and "weights" not in values and values.get("model") in cls.PUBLISHED:
            return {**values, "weights": cls.PUBLISHED[values["model"]]}
        return values

    @model_validator(mode="after")
    def _engine_has_precision(self) -> Self:
        if self.engine == "onnx" and self.precision == "bf16":
            engines = get_args(type(self).model_fields["engine"].annotation)
            able = " or ".join(engine for engine in engines if engine != "onnx")
            raise ValueError(f"precision bf16 needs engine {able}; onnxruntime runs f32")
        return self


class MediapipePose(EstimatorSection):
    """MediaPipe Holistic 0.10.21, weights inside the wheel."""

    complexity: Literal[0, 1, 2] | None = None
    """Of the body's model: 0 is lite, 1 full, 2 heavy; left out, 1, which is in the wheel. The others come from the npm
    package `@mediapipe/holistic`; face and hands are the same in all."""
    detection_confidence: Fraction = 0.5
    """Least confidence of a person detection."""
    tracking_confidence: Fraction = 0.5
    """Least confidence to keep tracking without a new detection."""
    fill: int = Field(default=5, ge=0)
    """Frames in a row without the signer that are filled by interpolation, and marked; longer gaps stay missing."""


def unknown_keypoints(path: str | Path) -> str | None:
    """Say what is expected and found where the name of a keypoint file has a suffix that no reader knows, else None."""
    name = Path(path).name
    if name.lower().endswith((*PICKLES, POSE_FILE)):
        return None
    found = "".join(Path(name).suffixes[-2:]) or "no suffix"
    return f"expected a keypoint file that ends in {', '.join(PICKLES)} or {POSE_FILE}, found {found} ({path})"


def names_keypoints(path: str | Path) -> bool:
    """Return whether a file is one of keypoints, by its suffix."""
    return unknown_keypoints(path) is None


def _known_keypoints(file: Path) -> Path:
    if problem := unknown_keypoints(file):
        raise ValueError(problem)
    return file


class AnnotationsPose(EstimatorSection):
    """Keypoints that exist already, named in the clip table's column `annotation`."""

    folder: Path = Path()
    """Folder that relative paths in the column `annotation` start from."""
    file: Annotated[Path, AfterValidator(_known_keypoints)] | None = None
    """Annotation pickle (PYSKL, MMAction2) of all clips whose column `annotation` is empty; WLASL's and AUTSL's label
    files have no such column. Relative to `folder`."""


HrnetModel = Literal["hrnet_w48_dark_384x288", "hrnet_w48_256x192", "hrnet_w32_dark_256x192"]
_OPENMMLAB = "https://download.openmmlab.com/mmpose"
# the digits in the names of these files of 2020 are the beginning of their SHA-256
HRNET_WEIGHTS: dict[HrnetModel, WeightsFile] = {
    "hrnet_w48_dark_384x288": WeightsFile(
        url=f"{_OPENMMLAB}/top_down/hrnet/hrnet_w48_coco_wholebody_384x288_dark-f5726563_20200918.pth",
        sha256="f5726563",
    ),
    "hrnet_w48_256x192": WeightsFile(
        url=f"{_OPENMMLAB}/top_down/hrnet/hrnet_w48_coco_wholebody_256x192-643e18cb_20200922.pth",
        sha256="643e18cb",
    ),
    "hrnet_w32_dark_256x192": WeightsFile(
        url=f"{_OPENMMLAB}/top_down/hrnet/hrnet_w32_coco_wholebody_256x192_dark-469327ef_20200922.pth",
        sha256="469327ef",
    ),
}
# the digits in this file's name are not its hash; this is the hash of the copy that Meta's Sapiens project mirrors
RTMDET_WEIGHTS = WeightsFile(
    url=f"{_OPENMMLAB}/v1/projects/rtmpose/rtmdet_m_8xb32-100e_coco-obj365-person-235e8209.pth",
    sha256="b66b27072c6a3cd4f093882df440921987076131fb78a7df7b1cf92d67f41509",
)


class MmposePose(TopdownPose):
    """HRNet whole-body of MMPose behind the person detector RTMDet-m of MMDetection (the paper's kind of keypoints)."""

    PUBLISHED = HRNET_WEIGHTS

    model: HrnetModel = "hrnet_w48_dark_384x288"
    """The network, by its name in MMPose and its input's height and width."""
    weights: WeightsFile = HRNET_WEIGHTS["hrnet_w48_dark_384x288"]
    """HRNet's weights; left out, OpenMMLab's for `model`."""
    detector: WeightsFile = RTMDET_WEIGHTS
    """RTMDet-m's weights, person class only; left out, OpenMMLab's."""
    engine: EngineKind = "torch"
    """What runs the networks: torch on GPU or CPU, onnxruntime, or OpenVINO (the fastest on a CPU)."""
    precision: Literal["f32", "bf16"] = "f32"
    """Arithmetic of HRNet: bf16 (torch, openvino) is faster where the machine has it and moves points slightly."""
    flip_test: bool = True
    """Average over the mirrored image too, as MMPose's published figures do; takes twice the time."""


RtmModel = Literal["rtmw_l_384x288", "rtmw_x_384x288", "rtmw_l_256x192", "dwpose_l_384x288"]
_PROJECTS = f"{_OPENMMLAB}/v1/projects"
# hashes of the zip files: docs/rtmlib.md says who states them
RTM_WEIGHTS: dict[RtmModel, WeightsFile] = {
    "rtmw_l_384x288": WeightsFile(
        url=f"{_PROJECTS}/rtmw/onnx_sdk/rtmw-dw-x-l_simcc-cocktail14_270e-384x288_20231122.zip",
        sha256="a87e1af41a0a067776dba7d46e1c21c8f6e9f18e247e0e606718dd1f31e96ffd",
    ),
    "rtmw_x_384x288": WeightsFile(
        url=f"{_PROJECTS}/rtmw/onnx_sdk/rtmw-x_simcc-cocktail13_pt-ucoco_270e-384x288-0949e3a9_20230925.zip",
        sha256="e2635599f6d14152af4bb3e97f90881a782b003857514c76cc341794364ffbdd",
    ),
    "rtmw_l_256x192": WeightsFile(
        url=f"{_PROJECTS}/rtmw/onnx_sdk/rtmw-dw-x-l_simcc-cocktail14_270e-256x192_20231122.zip",
        sha256="1e3e77558dfc199129bfff1c583e51b4ee190914de6ae30688243c20163c148c",
    ),
    "dwpose_l_384x288": WeightsFile(
        url=f"{_PROJECTS}/rtmposev1/onnx_sdk/rtmpose-l_simcc-ucoco_dw-ucoco_270e-384x288-2438fd99_20230728.zip",
        sha256="b06f1bc598ddbdb5008a61f4a411aa11ed331370b4f7f438126d6d99e168d147",
    ),
}
YOLOX_WEIGHTS = WeightsFile(
    url=f"{_PROJECTS}/rtmposev1/onnx_sdk/yolox_m_8xb8-300e_humanart-c2c7a14a.zip",
    sha256="a000224fd8ba283202bc62d4a5fcdfe353adb9f468777dbac1ea2ada2093adde",
)


class RtmlibPose(TopdownPose):
    """RTMW or RTMPose whole-body behind the person detector YOLOX-m: ONNX files, no compiler, no MMPose."""

    PUBLISHED = RTM_WEIGHTS

    model: RtmModel = "rtmw_l_384x288"
    """The network and its input's height and width; rtmw_x has the best published score, rtmw_l nearly that in half
    the time, dwpose_l is RTMPose-l."""
    weights: WeightsFile = RTM_WEIGHTS["rtmw_l_384x288"]
    """The network's file, .zip of OpenMMLab's SDK or .onnx; left out, OpenMMLab's for `model`."""
    detector: WeightsFile = YOLOX_WEIGHTS
    """YOLOX's file, with its non-maximum suppression inside; left out, OpenMMLab's YOLOX-m."""
    engine: Literal["onnx", "openvino"] = "onnx"
    """What runs the networks: onnxruntime on GPU or CPU, or OpenVINO (the fastest on a CPU)."""
    precision: Literal["f32", "bf16"] = "f32"
    """Arithmetic of the pose network: bf16 (openvino) is faster where the machine has it, moves points slightly."""


class Pose(Section):
    """The estimator of the 133 whole-body keypoints: exactly one."""

    mediapipe: MediapipePose | None = None
    """For any video on any machine, no download."""
    mmpose: MmposePose | None = None
    """HRNet whole-body, needs weights and better a GPU."""
    rtmlib: RtmlibPose | None = None
    """RTMW, newer and better than HRNet; needs weights."""
    annotations: AnnotationsPose | None = None
    """Keypoints from files."""

    @model_validator(mode="after")
    def _one_estimator(self) -> Self:
        given = chosen(self, EstimatorSection)
        if len(given) != 1:
            raise ValueError(f"expected exactly one estimator; found {', '.join(given) or 'none'}")
        return self

    @property
    def key(self) -> str:
        """The key of the estimator that was chosen."""
        (key,) = chosen(self, EstimatorSection)
        return key

    @property
    def estimator(self) -> EstimatorSection:
        """Its section."""
        (section,) = chosen(self, EstimatorSection).values()
        return section


ESTIMATOR_KEYS = choices(Pose, EstimatorSection)
"""The keys of all estimators."""
