"""The config: frozen sections, each key with a default, a unit and a description; unknown keys are refused.

``config/default.yaml``, ``config/schema.json`` and the table in ``config/README.md`` are generated from this
file (``make config``) and a test compares them. What only changes speed or place lives in `Machine`, so that
it can never enter a fingerprint.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_serializer, model_validator

from camfuse.errors import ConfigError, bullet_list
from camfuse.skeleton import LOWER_BODY, NUM_KEYPOINTS

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Keypoint = Annotated[int, Field(ge=0, lt=NUM_KEYPOINTS)]
Weight = Annotated[float, Field(ge=0)]
Split = Literal["train", "val", "test"]
FusionMode = Literal["none", "concat", "temporal_gate", "space", "time", "divided", "joint"]
FusionStage = Literal["s2", "s3", "s4"]


def _sum_to_one(shares: tuple[float, float, float]) -> tuple[float, float, float]:
    if abs(sum(shares) - 1) > 1e-6:
        raise ValueError("the shares of train, val and test must sum to 1")
    return shares


Shares = Annotated[tuple[Fraction, Fraction, Fraction], AfterValidator(_sum_to_one)]


class Section(BaseModel):
    """Base of every section: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


# ---------------------------------------------------------------------------------------------- clips


class FolderSource(Section):
    """A folder with one sub-folder per word, the videos in it."""

    videos: Path
    """Folder that holds one folder per label."""
    split: Shares = (0.7, 0.15, 0.15)
    """Shares of train, val and test; each label is split by a stable hash of the clip id."""


class CsvSource(Section):
    """A table with columns video, label and optionally clip_id, signer, split, start, end."""

    table: Path
    """CSV file; start and end are in seconds."""
    videos: Path = Path()
    """Folder that relative paths in the column `video` start from."""
    split: Shares = (0.7, 0.15, 0.15)
    """Shares of train, val and test where the table has no column `split`; as in `folder`."""


class WlaslSource(Section):
    """WLASL: `WLASL_v0.3.json`, an `nslt_*.json`, or both."""

    videos: Path
    """Folder with `<video_id>.mp4`."""
    manifest: Path | None = None
    """WLASL_v0.3.json: glosses, signers, splits, segments."""
    subset: Path | None = None
    """nslt_100 / 300 / 1000 / 2000.json: which clips, classes and splits; wins over the manifest."""
    class_list: Path | None = None
    """wlasl_class_list.txt: gloss names where only `subset` is given."""
    trimmed: bool = True
    """Files hold one sign each (as the official download script and Kaggle leave them); false cuts
    `frame_start`..`frame_end` (1-based, counted at 25 per second whatever the video's own rate) out of
    the original videos."""

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if self.manifest is None and self.subset is None:
            raise ValueError("give `manifest` (WLASL_v0.3.json), `subset` (nslt_*.json) or both")
        return self


class AutslSource(Section):
    """AUTSL: three label files without header and the class names."""

    videos: Path
    """Folder with `signerN_sampleM_color.mp4`, flat or in train / val / test folders."""
    train: Path
    """train_labels.csv."""
    validation: Path
    """validation_labels.csv (ground truth)."""
    test: Path
    """test_labels.csv (ground truth)."""
    class_names: Path
    """SignList_ClassId_TR_EN.csv."""


class LanguageSplits(Section):
    """Which signed languages (one signer each) belong to which split."""

    train: tuple[str, ...]
    """ISO 639-3 codes of the training languages."""
    val: tuple[str, ...]
    """ISO 639-3 codes of the validation languages."""
    test: tuple[str, ...]
    """ISO 639-3 codes of the test languages."""


class FingerspellingSource(Section):
    """Recordings of signed letters inside the PyPI wheel `spoken-to-signed`; the RGB video is a drawn avatar."""

    letters: tuple[str, ...]
    """Letters to take, upper case."""
    languages: LanguageSplits
    """The signed languages, by split."""
    trim: float = Field(default=0.0, ge=0, lt=0.5)
    """Share of each recording that is left out at its start and again at its end: the hand on its way up and down."""
    avatar_height: Positive = 240
    """Height of the drawn video in pixels."""


class Clips(Section):
    """Where the clips and their labels come from: exactly one of the five sources."""

    folder: FolderSource | None = None
    """A folder per word."""
    csv: CsvSource | None = None
    """One CSV table."""
    wlasl: WlaslSource | None = None
    """WLASL-100 / 300 / 1000 / 2000."""
    autsl: AutslSource | None = None
    """AUTSL."""
    fingerspelling: FingerspellingSource | None = None
    """The demo's letters."""
    missing: Literal["stop", "drop"] = "stop"
    """A video that is not on disk stops the run, or is dropped and counted in the coverage table."""
    duplicates: Literal["report", "drop"] = "report"
    """Byte-identical recordings are reported; `drop` also keeps the first of each only."""
    limit: int = Field(default=0, ge=0)
    """Take only the first N clips of the table that are on disk; 0 takes all."""
    shards: Positive = 16
    """Number of shards; a clip's shard is a stable hash of its id."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("folder", "csv", "wlasl", "autsl", "fingerspelling") if getattr(self, name)]
        if len(given) != 1:
            found = ", ".join(given) or "none"
            raise ValueError(f"expected exactly one of folder, csv, wlasl, autsl, fingerspelling; found {found}")
        return self


# ------------------------------------------------------------------------------------------- data stages


class Frames(Section):
    """Decoding of the clip's segment."""

    quality: int = Field(default=95, ge=1, le=100)
    """JPEG quality of the stored frames."""
    keep: bool = True
    """Keep the frame shards; false makes them temporary (WLASL-2000: about 80 GB)."""


class MediapipePose(Section):
    """MediaPipe Holistic 0.10.21, weights inside the wheel."""

    detection_confidence: Fraction = 0.5
    """Least confidence of a person detection."""
    tracking_confidence: Fraction = 0.5
    """Least confidence to go on tracking without a new detection."""
    fill: int = Field(default=5, ge=0)
    """Frames in a row without the signer that are filled by interpolation, and marked; longer gaps stay missing."""


class AnnotationsPose(Section):
    """Keypoints that exist already, named in the clip table's column `annotation`."""

    folder: Path = Path()
    """Folder that relative paths in the column `annotation` start from."""
    file: Path | None = None
    """Annotation pickle (PYSKL, MMAction2) of all clips whose column `annotation` is empty; WLASL's and AUTSL's label
    files have no such column. Relative to `folder`."""


class Checkpoint(Section):
    """Trained weights: a public file, or one that is there already."""

    url: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+[^\s/?#]$")
    """Where `camfuse weights` fetches the file from."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{8,64}$")
    """The file's SHA-256: all 64 digits, or as many of the first as are known (8 or more)."""
    path: Path | None = None
    """The file itself; without it, the file is `machine.weights`/<last part of the URL>."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.url is None and self.path is None:
            raise ValueError("give `url` and `sha256`, or `path`")
        if self.path is None and self.sha256 is None:
            raise ValueError("a `url` needs its `sha256` (all 64 digits, or the first 8 or more)")
        return self


HrnetModel = Literal["hrnet_w48_dark_384x288", "hrnet_w48_256x192", "hrnet_w32_dark_256x192"]
_OPENMMLAB = "https://download.openmmlab.com/mmpose"
# the digits in the names of these files of 2020 are the beginning of their SHA-256
HRNET_WEIGHTS: dict[HrnetModel, Checkpoint] = {
    "hrnet_w48_dark_384x288": Checkpoint(
        url=f"{_OPENMMLAB}/top_down/hrnet/hrnet_w48_coco_wholebody_384x288_dark-f5726563_20200918.pth",
        sha256="f5726563",
    ),
    "hrnet_w48_256x192": Checkpoint(
        url=f"{_OPENMMLAB}/top_down/hrnet/hrnet_w48_coco_wholebody_256x192-643e18cb_20200922.pth",
        sha256="643e18cb",
    ),
    "hrnet_w32_dark_256x192": Checkpoint(
        url=f"{_OPENMMLAB}/top_down/hrnet/hrnet_w32_coco_wholebody_256x192_dark-469327ef_20200922.pth",
        sha256="469327ef",
    ),
}
# the digits in this file's name are not its hash; this is the hash of the copy that Meta's Sapiens project mirrors
RTMDET_WEIGHTS = Checkpoint(
    url=f"{_OPENMMLAB}/v1/projects/rtmpose/rtmdet_m_8xb32-100e_coco-obj365-person-235e8209.pth",
    sha256="b66b27072c6a3cd4f093882df440921987076131fb78a7df7b1cf92d67f41509",
)


class MmposePose(Section):
    """HRNet whole-body of MMPose behind the person detector RTMDet-m of MMDetection (the paper's kind of keypoints)."""

    model: HrnetModel = "hrnet_w48_dark_384x288"
    """The network, by its name in MMPose and its input's height and width."""
    weights: Checkpoint = HRNET_WEIGHTS["hrnet_w48_dark_384x288"]
    """HRNet's weights; left out, OpenMMLab's for `model`."""
    detector: Checkpoint = RTMDET_WEIGHTS
    """RTMDet-m's weights, person class only; left out, OpenMMLab's."""
    engine: Literal["torch", "onnx", "openvino"] = "torch"
    """What runs the networks: torch on GPU or CPU, onnxruntime, or OpenVINO (the fastest on a CPU)."""
    precision: Literal["f32", "bf16"] = "f32"
    """Arithmetic of HRNet: bf16 (torch, openvino) is faster where the machine has it and moves points slightly."""
    flip_test: bool = True
    """Average over the mirrored picture too, as MMPose's published figures do; takes twice the time."""
    min_detection: Fraction = 0.3
    """Persons below this score are not seen."""
    fill: int = Field(default=5, ge=0)
    """Frames in a row without the signer that are looked for where
    interpolation puts the box, and marked; longer gaps stay missing."""

    @model_validator(mode="before")
    @classmethod
    def _published_weights(cls, values: Any) -> Any:
        if isinstance(values, dict) and "weights" not in values and values.get("model") in HRNET_WEIGHTS:
            return {**values, "weights": HRNET_WEIGHTS[values["model"]]}
        return values

    @model_validator(mode="after")
    def _engine_has_precision(self) -> Self:
        if self.engine == "onnx" and self.precision == "bf16":
            raise ValueError("precision bf16 needs engine torch or openvino; onnxruntime runs f32")
        return self


RtmModel = Literal["rtmw_l_384x288", "rtmw_x_384x288", "rtmw_l_256x192", "dwpose_l_384x288"]
_PROJECTS = f"{_OPENMMLAB}/v1/projects"
# hashes of the zip files: docs/rtmw.md says who states them
RTM_WEIGHTS: dict[RtmModel, Checkpoint] = {
    "rtmw_l_384x288": Checkpoint(
        url=f"{_PROJECTS}/rtmw/onnx_sdk/rtmw-dw-x-l_simcc-cocktail14_270e-384x288_20231122.zip",
        sha256="a87e1af41a0a067776dba7d46e1c21c8f6e9f18e247e0e606718dd1f31e96ffd",
    ),
    "rtmw_x_384x288": Checkpoint(
        url=f"{_PROJECTS}/rtmw/onnx_sdk/rtmw-x_simcc-cocktail13_pt-ucoco_270e-384x288-0949e3a9_20230925.zip",
        sha256="e2635599f6d14152af4bb3e97f90881a782b003857514c76cc341794364ffbdd",
    ),
    "rtmw_l_256x192": Checkpoint(
        url=f"{_PROJECTS}/rtmw/onnx_sdk/rtmw-dw-x-l_simcc-cocktail14_270e-256x192_20231122.zip",
        sha256="1e3e77558dfc199129bfff1c583e51b4ee190914de6ae30688243c20163c148c",
    ),
    "dwpose_l_384x288": Checkpoint(
        url=f"{_PROJECTS}/rtmposev1/onnx_sdk/rtmpose-l_simcc-ucoco_dw-ucoco_270e-384x288-2438fd99_20230728.zip",
        sha256="b06f1bc598ddbdb5008a61f4a411aa11ed331370b4f7f438126d6d99e168d147",
    ),
}
YOLOX_WEIGHTS = Checkpoint(
    url=f"{_PROJECTS}/rtmposev1/onnx_sdk/yolox_m_8xb8-300e_humanart-c2c7a14a.zip",
    sha256="a000224fd8ba283202bc62d4a5fcdfe353adb9f468777dbac1ea2ada2093adde",
)


class RtmlibPose(Section):
    """RTMW or RTMPose whole-body behind the person detector YOLOX-m: ONNX files, no compiler, no MMPose."""

    model: RtmModel = "rtmw_l_384x288"
    """The network and its input's height and width; rtmw_x has the best published score, rtmw_l nearly that in half
    the time, dwpose_l is RTMPose-l."""
    weights: Checkpoint = RTM_WEIGHTS["rtmw_l_384x288"]
    """The network's file, .zip of OpenMMLab's SDK or .onnx; left out, OpenMMLab's for `model`."""
    detector: Checkpoint = YOLOX_WEIGHTS
    """YOLOX's file, with its non-maximum suppression inside; left out, OpenMMLab's YOLOX-m."""
    engine: Literal["onnx", "openvino"] = "onnx"
    """What runs the networks: onnxruntime on GPU or CPU, or OpenVINO (the fastest on a CPU)."""
    precision: Literal["f32", "bf16"] = "f32"
    """Arithmetic of the pose network: bf16 (openvino) is faster where the machine has it, moves points slightly."""
    min_detection: Fraction = 0.3
    """Persons below this score are not seen."""
    fill: int = Field(default=5, ge=0)
    """Frames in a row without the signer that are looked for where
    interpolation puts the box, and marked; longer gaps stay missing."""

    @model_validator(mode="before")
    @classmethod
    def _published_weights(cls, values: Any) -> Any:
        if isinstance(values, dict) and "weights" not in values and values.get("model") in RTM_WEIGHTS:
            return {**values, "weights": RTM_WEIGHTS[values["model"]]}
        return values

    @model_validator(mode="after")
    def _engine_has_precision(self) -> Self:
        if self.engine == "onnx" and self.precision == "bf16":
            raise ValueError("precision bf16 needs engine openvino; onnxruntime runs f32")
        return self


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
        given = [name for name in type(self).model_fields if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"expected exactly one estimator; found {', '.join(given) or 'none'}")
        return self


class Crops(Section):
    """One square box per clip around the keypoints that are kept."""

    size: Positive = 256
    """Side of the crop in pixels; the heatmaps have a quarter of it."""
    keep: Literal["upper_body", "hands"] = "upper_body"
    """Keypoints that are kept and that the box is drawn around: the paper's, or the hands alone, for signs that are
    all in the hand (fingerspelling). The others are set to the origin like `lower_body`."""
    padding: float = Field(default=1.25, gt=0)
    """Box side as a multiple of the tight box's longer side (1.25 as PYSKL)."""
    lower_body: tuple[int, ...] = LOWER_BODY
    """Keypoints that are set to the origin with score 0 (paper, README: lower body)."""
    min_score: Fraction = 0.1
    """Keypoints below this score do not widen the box."""
    quality: int = Field(default=90, ge=1, le=100)
    """JPEG quality of the stored crops."""

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        if self.size % 32:
            raise ValueError(f"crops.size must be a multiple of 32 (the network's stride), found {self.size}")
        if any(not 0 <= k < NUM_KEYPOINTS for k in self.lower_body):
            raise ValueError(f"crops.lower_body holds indices 0..{NUM_KEYPOINTS - 1}, found {self.lower_body}")
        return self


class Heatmaps(Section):
    """One Gaussian per keypoint, a quarter of the crop's size."""

    sigma: float = Field(default=0.7, gt=0)
    """Standard deviation in heatmap pixels (0.7 as RGBPoseConv3D)."""


# ------------------------------------------------------------------------------------------- model


class Sampling(Section):
    """Frames per clip, drawn uniformly over the whole clip."""

    rgb_frames: Positive = 8
    """Frames of the RGB stream; one of each group of pose frames."""
    pose_frames: Positive = 32
    """Frames of the pose stream."""

    @model_validator(mode="after")
    def _grouped(self) -> Self:
        if self.pose_frames % self.rgb_frames:
            raise ValueError(
                f"pose_frames must be a multiple of rgb_frames, found {self.pose_frames} and {self.rgb_frames}"
            )
        return self


class RgbStream(Section):
    """SlowOnly-style 3D ResNet on the crops."""

    depths: tuple[Positive, Positive, Positive, Positive] = (3, 4, 6, 3)
    """Bottleneck blocks per stage (ResNet-50)."""
    channels: Positive = 64
    """Channels after the stem."""
    inflate: tuple[bool, bool, bool, bool] = (False, False, True, True)
    """Stages whose first convolution spans 3 frames."""
    dropout: Fraction = 0.5
    """Before the classifier."""
    weights: Checkpoint | None = None
    """What its training starts from: a SlowOnly-R50 of MMAction2 or PYSKL (Kinetics), or a `best.ckpt` of ours; without
    it, random weights. The file's hash is part of what the training is, its place is not."""


class PoseStream(Section):
    """PoseC3D-style 3D ResNet on the heatmaps."""

    depths: tuple[Positive, Positive, Positive] = (4, 6, 3)
    """Bottleneck blocks per stage."""
    channels: Positive = 32
    """Channels after the stem."""
    inflate: tuple[bool, bool, bool] = (False, True, True)
    """Stages whose first convolution spans 3 frames."""
    stem: Literal["factorised", "7x7"] = "factorised"
    """1x1 then 3x3 (94 % fewer multiply-adds at 133 joints), or RGBPoseConv3D's 7x7."""
    keypoints: Annotated[tuple[Keypoint, ...], Field(min_length=1)] | None = None
    """Indices of the keypoints whose heatmaps it sees, in this order (0..16 is COCO's body, as PoseC3D's published
    weights have it); without it, all 133."""
    dropout: Fraction = 0.5
    """Before the classifier."""
    weights: Checkpoint | None = None
    """What its training starts from: a PoseC3D of MMAction2 or PYSKL (its stem fits only `stem: 7x7`), or a `best.ckpt`
    of ours; without it, random weights."""


class Fusion(Section):
    """What the streams tell each other, both ways: ST-CAF (space-time cross-attention), or one of its rivals."""

    mode: FusionMode = "divided"
    """ST-CAF, by which tokens attend to which: space, time, divided (first along time, then over space), joint (all).
    concat: RGBPoseConv3D's lateral convolutions. temporal_gate: attention along time between maxima over space scales
    the channels (after PCAN). none: late fusion only."""
    stages: tuple[FusionStage, ...] = ("s3", "s4")
    """Where it sits: after RGB layer 2 / 3 / 4 and pose layer 1 / 2 / 3 (RGBPoseConv3D and PCAN: s2, s3)."""
    width: Positive = 256
    """Channels of queries, keys and values; not used by concat."""
    heads: Positive = 8
    """Attention heads; not used by concat."""
    dropout: Fraction = 0.1
    """On the attention's output; not used by concat."""
    modality_dropout: Fraction = 0.1
    """Probability, per training sample and direction, that one stream does not see the other: so that one checkpoint
    also serves clips with RGB or pose only."""
    weights: Checkpoint | None = None
    """What the fusion training starts from instead of the two trained streams: a whole RGBPoseConv3D of MMAction2 or
    PYSKL (needs `mode: concat`, `stages: [s2, s3]`), or a `best.ckpt` of ours."""

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"fusion.width must be a multiple of fusion.heads, found {self.width} and {self.heads}")
        return self


class Model(Section):
    """The recogniser."""

    rgb: RgbStream = RgbStream()
    """RGB stream."""
    pose: PoseStream = PoseStream()
    """Pose stream."""
    fusion: Fusion = Fusion()
    """Between the streams."""


# ------------------------------------------------------------------------------------------- training


class Augment(Section):
    """One affine per clip for both streams, and colours for RGB."""

    scale: tuple[float, float] = (0.85, 1.15)
    """Range of the zoom factor."""
    rotate: float = Field(default=10.0, ge=0)
    """Largest rotation to either side, in degrees."""
    shift: float = Field(default=0.08, ge=0)
    """Largest shift in x and y, as a fraction of the crop's side."""
    mirror: Fraction = 0.0
    """Probability to mirror; off because signs have handedness."""
    colour: Fraction = 0.2
    """Largest relative change of brightness, contrast and saturation."""
    span: Fraction = 0.9
    """Shortest share of the clip that the frames are drawn from (temporal jitter)."""
    joint_dropout: Fraction = 0.0
    """Probability to hide a keypoint for the whole clip."""
    mixup: float = Field(default=0.0, ge=0)
    """Mix each clip, both streams and label, with another of its batch; the share is drawn from Beta(mixup, mixup).
    0 is off (the base code); 0.2 is MMAction2's MixupBlending (Zhang et al., ICLR 2018)."""


class Phase(Section):
    """One of the recipe's three trainings."""

    epochs: Positive
    """Passes over the training clips, each repeated `repeat` times."""
    repeat: Positive = 10
    """Times a clip is seen per epoch, each time sampled and augmented anew."""
    batch: Positive
    """Clips per step on one device."""
    accumulate: Positive = 1
    """Batches whose gradients make one step, where a larger `batch` does not fit; batch norm sees each one alone."""
    class_balance: Fraction = 0.0
    """0: each clip is seen equally often; 1: each class. Between, a class with n clips is drawn with probability ~
    n^(1 - class_balance), 0.5 being the square root (Kang et al., ICLR 2020). Clips per epoch stay as many."""
    rate: float = Field(gt=0)
    """Learning rate at `base_batch` clips per step; scaled linearly to batch x accumulate x devices."""
    base_batch: Positive
    """Clips per step that `rate` is meant for."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """SGD with momentum 0.9 (Nesterov off) as the base code, or AdamW."""
    weight_decay: float = Field(default=1e-4, ge=0)
    """Weight decay; not on norms and biases."""
    schedule: Literal["cosine", "step"] = "cosine"
    """Cosine to 0, or x0.1 at 60 % and 80 % of the epochs."""
    warmup: Fraction = 0.05
    """Share of the steps with a linearly rising rate."""
    clip_norm: float = Field(default=40.0, gt=0)
    """Largest gradient norm."""
    label_smoothing: Fraction = 0.1
    """Of the cross-entropy."""
    ema: float = Field(default=0.0, ge=0, lt=1)
    """Decay per step of the weights' moving average, which validation and the best checkpoint then use; 0 is off (the
    base code), 0.999 is usual. In step n at most (1 + n) / (10 + n), as TensorFlow's ExponentialMovingAverage."""


class Train(Section):
    """The three-stage recipe: rgb alone, pose alone, merged and fine-tuned with ST-CAF."""

    rgb: Phase = Phase(epochs=18, batch=12, rate=0.15, base_batch=96)
    """RGB stream alone (RGBPoseConv3D rgb_only: 0.15 at 96 clips, 18 x 10 epochs)."""
    pose: Phase = Phase(epochs=18, batch=16, rate=0.2, base_batch=128, weight_decay=3e-4)
    """Pose stream alone (RGBPoseConv3D pose_only: 0.2 at 128 clips, 18 x 10 epochs)."""
    fusion: Phase = Phase(epochs=20, batch=6, rate=0.0075, base_batch=48, schedule="step")
    """Both, merged (RGBPoseConv3D: 0.0075 at 48 clips, 20 epochs, steps at 12 and 16)."""
    new_rate: float = Field(default=10.0, gt=0)
    """Factor on the rate of ST-CAF and the joint head, which start from nothing, in `fusion`."""
    augment: Augment = Augment()
    """Augmentation of the training clips."""
    validation: bool = True
    """Validate after every epoch and keep the best (highest val top-1, then lowest loss); false keeps the last."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    """Arithmetic of the training step."""
    tf32: bool = False
    """Let CUDA round f32 products to TF32 (a peer's training died of it silently); logged."""


class Evaluate(Section):
    """The test."""

    clips: Positive = 10
    """Samplings per clip whose probabilities are averaged (10 as PYSKL)."""
    weights: tuple[Weight, Weight, Weight] | Literal["tuned"] = (1.0, 1.0, 1.0)
    """Weights of the rgb, pose and joint head's probabilities in `fused`; [1, 1, 0] is RGBPoseConv3D's own. Or `tuned`:
    chosen on val, for `fused` and for late fusion, the best multiples of 0.1; the training's epoch is then chosen by
    equal weights."""

    @property
    def training_weights(self) -> tuple[float, float, float]:
        """The weights that the fused model's best epoch is chosen by: nothing is tuned while it trains."""
        return (1.0, 1.0, 1.0) if self.weights == "tuned" else self.weights


class Report(Section):
    """The HTML page."""

    title: str = "CAMFuse"
    """Heading of the report."""
    examples: int = Field(default=6, ge=0)
    """Clips drawn with skeleton and heatmap."""


class Machine(Section):
    """What changes speed, never a result; not part of any fingerprint."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where training and evaluation run."""
    devices: Positive = 1
    """GPUs (or CPU processes) per node to train on; batch norm is synchronised. A step then has `batch` clips of each:
    this key and `nodes`, unlike the others here, change what is learnt."""
    nodes: Positive = 1
    """Machines to train on, each with `devices`; start one process per device yourself (docs/cluster.md)."""
    save_steps: int = Field(default=500, ge=0)
    """Steps between saved states within an epoch: what a killed training can lose. 0 saves after each epoch only."""
    recompute: bool = False
    """Forget the activations inside the streams' blocks and compute them again in the backward pass: less memory for
    about a third more time; the same bits on a CPU."""
    threads: Positive = 2
    """CPU threads of training, evaluation, `pose.mmpose` and `pose.rtmlib`: a fixed number, as sums round differently
    with another."""
    workers: int = Field(default=0, ge=0)
    """Loader processes; 0 loads in the training process."""
    weights: Path = Path("weights")
    """Folder of fetched weights (`camfuse weights`) and of networks exported from them."""
    pose_batch: Positive = 8
    """Frames that `pose.mmpose` and `pose.rtmlib` take at once."""
    log_level: Literal["debug", "info", "warning"] = "info"
    """How much the files under `logs` say."""
    evaluate_batch: Positive = 8
    """Clips that evaluation takes at once."""


# ------------------------------------------------------------------------------------------- several runs at once


class Overrides(Section):
    """What an experiment changes of the main run: any keys of these sections, none of a data stage."""

    seed: int | None = None
    """Another seed."""
    sampling: dict[str, Any] | None = None
    """Keys of `sampling` with their other values."""
    model: dict[str, Any] | None = None
    """Keys of `model` with their other values."""
    train: dict[str, Any] | None = None
    """Keys of `train` with their other values."""
    evaluate: dict[str, Any] | None = None
    """Keys of `evaluate` with their other values."""

    @model_validator(mode="before")
    @classmethod
    def _keeps_the_shards(cls, values: Any) -> Any:
        shared = Config.model_fields.keys() - cls.model_fields.keys()
        if isinstance(values, dict) and (found := [f"`{key}`" for key in values if key in shared]):
            raise ValueError(
                f"an experiment may change {', '.join(cls.model_fields)}; {', '.join(found)} it shares with the main "
                "run, as it does the shards: what needs others is a config of its own with an `output` of its own"
            )
        return values

    @model_serializer
    def given(self) -> dict[str, Any]:
        """Return the changed keys as nested plain values; a null is a change too."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


RESERVED = ("main", "train")
"""Names that no experiment may have: the main run's row, and the folder of the trainings."""


def _experiment_names(experiments: dict[str, Overrides]) -> dict[str, Overrides]:
    for name in experiments:
        if name in RESERVED or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
            raise ValueError(
                "an experiment's name is a folder: letters, digits, _ - . and none of "
                f"{', '.join(RESERVED)}; found {name!r}"
            )
    return experiments


class Ablation(Section):
    """The matrix of `snakemake ablation`: each seed's two streams once, and on them every mode at all `stages`."""

    modes: tuple[FusionMode, ...] = ("none", "divided")
    """Values of `model.fusion.mode`."""
    stages: tuple[tuple[FusionStage, ...], ...] = ()
    """Values of `model.fusion.stages` (not for mode none, which has none); left out, the main run's alone."""
    streams: tuple[Literal["rgb", "pose", "late", "fused"], ...] = ("rgb", "pose", "late", "fused")
    """Rows of the table: each stream alone, the mean of the two, fused by each mode. Without `fused` no fusion is
    trained."""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (1, 2, 3)
    """Values of `seed`; the table gives mean and spread over them."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in type(self).model_fields:
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name}: expected each value once, found {list(values)}")
        if not self.streams or ("fused" in self.streams and not self.modes):
            raise ValueError("expected at least one of `streams`, and for `fused` one of `modes`")
        return self


class Config(Section):
    """The whole config of one run."""

    output: Path = Path("results/run")
    """Folder of everything this run makes."""
    seed: int = Field(default=1, ge=0)
    """Seed of every random number in training and evaluation."""
    bad_clips: Literal["stop", "skip"] = "stop"
    """A clip that cannot be decoded or shows nobody stops its shard (the others go on), or is left out and listed."""
    clips: Clips
    """Data source."""
    frames: Frames = Frames()
    """Frame extraction."""
    pose: Pose
    """Pose estimation."""
    crops: Crops = Crops()
    """Crops."""
    heatmaps: Heatmaps = Heatmaps()
    """Heatmaps."""
    sampling: Sampling = Sampling()
    """Frame sampling."""
    model: Model = Model()
    """Model."""
    train: Train = Train()
    """Training."""
    evaluate: Evaluate = Evaluate()
    """Evaluation."""
    report: Report = Report()
    """Report."""
    experiments: Annotated[dict[str, Overrides], AfterValidator(_experiment_names)] = {}
    """Further runs on the same shards, by name: what each changes of `seed`, `sampling`, `model`, `train` and
    `evaluate`, as in `{small: {model: {fusion: {width: 64}}}}`. Trainings that are the same run once."""
    ablation: Ablation | None = None
    """The matrix of `snakemake ablation`."""
    machine: Machine = Machine()
    """Speed and place."""


def parse_config(values: dict[str, Any], source: str = "config") -> Config:
    """Validate a nested dictionary, listing every wrong key at once.

    Raises
    ------
    ConfigError
        With one line per wrong or unknown key.
    """
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise _config_error(source, _problems(error)) from error
    wrong: list[str] = []
    for name, overrides in config.experiments.items():
        try:
            Config.model_validate(_changed(config, overrides.given()))
        except ValidationError as error:
            wrong += [f"experiments.{name}.{line}" for line in _problems(error)]
    if wrong:
        raise _config_error(source, wrong)
    return config


def change(config: Config, changes: dict[str, Any], source: str = "config") -> Config:
    """Return the config of one run with nested values changed; it has no experiments and no ablation of its own.

    Raises
    ------
    ConfigError
        As `parse_config`.
    """
    return parse_config(_changed(config, changes), source)


def _changed(config: Config, changes: dict[str, Any]) -> dict[str, Any]:
    return _merged(config.model_dump(mode="json", exclude={"experiments", "ablation"}), changes)


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = _merged(base[key], value) if both else value
    return merged


def _config_error(source: str, lines: list[str]) -> ConfigError:
    return ConfigError(f"{source}: {len(lines)} problem(s)\n{bullet_list(lines)}")


def _problems(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(part) for part in e['loc']) or 'config'}: {_reason(e['msg'], e['input'])}"
        for e in error.errors()
    ]


def _reason(message: str, found: object) -> str:
    if message == "Extra inputs are not permitted":
        return "unknown key; see config/README.md for the keys there are"
    shown = "" if isinstance(found, dict) else f", found {found!r}"
    return message.removeprefix("Value error, ") + shown


def load_config(path: Path) -> Config:
    """Read and validate a YAML file.

    Raises
    ------
    ConfigError
        If the file is missing, is not YAML, or has wrong keys.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the config: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected keys and values, found {type(values).__name__}")
    return parse_config(values, str(path))


def dump_config(config: Config) -> str:
    """Write a config as YAML with every default resolved."""
    values = config.model_dump(mode="json", exclude_none=True)
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
