"""RTMW and RTMPose whole-body through rtmlib: persons by YOLOX, the signer among them, 133 keypoints, no MMPose.

Cutting out a person and reading places off the network's answer are rtmlib's own functions. Three things differ from
rtmlib's `Wholebody`, each towards how the networks were trained: they get RGB (rtmlib hands on OpenCV's BGR), a
point's score is the lesser of its two peaks, as in MMPose (rtmlib takes their mean), and it is scaled to 0..1.
"""

import zipfile
import zlib
from typing import Any

import numpy as np

from camfuse.config.estimators import RtmlibPose, RtmModel
from camfuse.errors import MissingToolError, WeightsError
from camfuse.prep.pose.engines import EngineSettings, Floats, choose_device, onnx_has_cuda, open_onnx
from camfuse.prep.pose.rtmlib import PACKAGE
from camfuse.prep.pose.topdown import Images, TopdownEstimator
from camfuse.skeleton import NUM_KEYPOINTS
from camfuse.weights.needed import Weights

SIZES: dict[RtmModel, tuple[int, int]] = {
    "rtmw_l_384x288": (384, 288),
    "rtmw_x_384x288": (384, 288),
    "rtmw_l_256x192": (256, 192),
    "dwpose_l_384x288": (384, 288),
}
"""Height and width of the network's image."""
PEAKS: dict[RtmModel, float] = {
    "rtmw_l_384x288": 10.0,
    "rtmw_x_384x288": 10.0,
    "rtmw_l_256x192": 10.0,
    "dwpose_l_384x288": 1.0,
}
"""The peak of a point that the network is sure of: `label_beta` / `beta` of the loss in MMPose's training config."""
BINS = 2
"""Steps of the network's answer per pixel (`simcc_split_ratio`)."""
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
"""Of red, green, blue."""
DETECTOR_SIZE = (640, 640)
LARGEST = 1 << 31
"""Bytes of the largest file that the ONNX format allows."""


class Rtmw:
    """Keypoints of one person in each image, in batches."""

    def __init__(self, model: RtmModel, weights: Weights, settings: EngineSettings) -> None:
        from rtmlib import RTMPose

        height, width = SIZES[model]
        self._tool = _without_session(RTMPose, model_input_size=(width, height), mean=MEAN, std=STD)
        self._peak = PEAKS[model]
        self._answer = (NUM_KEYPOINTS, width * BINS), (NUM_KEYPOINTS, height * BINS)
        self._path = weights.path
        self._engine = open_onnx(read_network(weights), SIZES[model], settings)

    def keypoints(self, frames: Images, boxes: Floats) -> Floats:
        """Estimate the keypoints of the boxed person in each frame.

        Parameters
        ----------
        frames
            B images (H, W, 3), RGB.
        boxes
            (B, 4) x0, y0, x1, y1 in their pixels.

        Returns
        -------
        (B, 133, 3) float32: x, y in pixels of the frames and the score, which may pass 1 or be negative.

        Raises
        ------
        WeightsError
            If the network does not answer as one for 133 keypoints does.
        """
        cuts = [self._tool.preprocess(frame, box) for frame, box in zip(frames, boxes, strict=True)]
        images = np.stack([image.transpose(2, 0, 1) for image, _, _ in cuts]).astype(np.float32)
        answer = self._engine(images)
        if tuple(one.shape[1:] for one in answer) != self._answer:
            raise WeightsError(
                f"{self._path}: expected a whole-body network that answers (B, 133, {self._answer[0][1]}) and "
                f"(B, 133, {self._answer[1][1]}), found {', '.join(str(one.shape) for one in answer)}"
            )
        out = np.empty((len(frames), NUM_KEYPOINTS, 3), np.float32)
        for row, x, y, (_, centre, scale) in zip(out, *answer, cuts, strict=True):
            places, _ = self._tool.postprocess([x[None], y[None]], centre, scale, BINS)
            row[:, :2] = places[0]
            row[:, 2] = np.minimum(x.max(axis=-1), y.max(axis=-1)) / self._peak
        return out


class YoloxPersons:
    """Finds persons in frames; the network holds its own non-maximum suppression."""

    def __init__(self, weights: Weights, settings: EngineSettings) -> None:
        from rtmlib import YOLOX

        self._tool = _without_session(YOLOX, model_input_size=DETECTOR_SIZE)
        self._path = weights.path
        self._engine = open_onnx(read_network(weights), DETECTOR_SIZE, settings)

    def detect(self, frames: Images, least: float) -> list[Floats]:
        """Find the persons in each frame.

        Parameters
        ----------
        frames
            B images (H, W, 3), RGB.
        least
            Persons below this score are left out.

        Returns
        -------
        list
            For each frame (N, 5) x0, y0, x1, y1, score in its pixels; N may be 0.

        Raises
        ------
        WeightsError
            If the network does not answer with boxes and classes.
        """
        fitted = [self._tool.preprocess(frame[..., ::-1]) for frame in frames]  # this network was trained on BGR
        images = np.stack([image.transpose(2, 0, 1) for image, _ in fitted]).astype(np.float32)
        rows = self._engine.each(images)
        return [self._persons(row, ratio, least) for row, (_, ratio) in zip(rows, fitted, strict=True)]

    def _persons(self, answer: tuple[Any, ...], ratio: float, least: float) -> Floats:
        if len(answer) != 2 or answer[0].shape != (1, answer[0].shape[1], 5) or answer[1].shape != answer[0].shape[:2]:
            raise WeightsError(
                f"{self._path}: expected a detector of OpenMMLab's SDK that answers (1, N, 5) and (1, N): boxes "
                f"with scores, and classes; found {', '.join(str(one.shape) for one in answer)}"
            )
        (boxes,), (classes,) = answer
        persons = boxes[(classes == 0) & (boxes[:, 4] >= max(least, np.finfo(np.float32).tiny))].astype(np.float32)
        persons[:, :4] /= ratio
        return np.asarray(persons)


class RtmlibEstimator(TopdownEstimator[RtmlibPose]):
    """The estimator `rtmlib`."""

    NAME = "rtmlib"
    PACKAGES = ("rtmlib",)

    def build(self) -> tuple[YoloxPersons, Rtmw]:
        """Open YOLOX, in f32, and RTMW."""
        try:
            import rtmlib  # noqa: F401
        except ModuleNotFoundError as error:
            raise MissingToolError(f"pose.rtmlib needs the package {error.name}: {PACKAGE.install}") from error
        weights, detector = self._weights
        device = choose_device(self._machine.device, self._section.engine, gpu=onnx_has_cuda())
        persons = YoloxPersons(detector, self.settings("f32", device))
        return persons, Rtmw(self._section.model, weights, self.settings(self._section.precision, device))


def read_network(weights: Weights) -> bytes:
    """Return the content of an ONNX file, or of the only one in a zip file; nothing is unpacked to disk.

    Raises
    ------
    WeightsError
        If the zip file is damaged, locked, or holds no or several ONNX files, or one larger than the format allows.
    """
    if not zipfile.is_zipfile(weights.path):
        return weights.path.read_bytes()
    try:
        with zipfile.ZipFile(weights.path) as archive:
            members = [one for one in archive.infolist() if one.filename.endswith(".onnx")]
            if len(members) != 1:
                found = ", ".join(one.filename for one in members) or "none"
                raise WeightsError(f"{weights.path}: expected one .onnx file inside, found {found}")
            with archive.open(members[0]) as file:
                content = file.read(LARGEST + 1)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise WeightsError(f"{weights.path}: the zip file cannot be read: {error}") from error
    if len(content) > LARGEST:
        raise WeightsError(f"{weights.path}: {members[0].filename}: expected at most {LARGEST} bytes, found more")
    return content


def _without_session(tool: Any, **settings: Any) -> Any:
    """Return one of rtmlib's tools for what it does around the network.

    Its constructor would open a session of its own, which takes one image at a time and all cores.
    """
    made = tool.__new__(tool)
    vars(made).update(settings)
    return made
