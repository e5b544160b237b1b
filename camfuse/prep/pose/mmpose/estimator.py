"""HRNet whole-body through MMPose: persons by RTMDet, the signer among them, 133 keypoints, frames in batches.

Cutting out a person and reading points off the heatmaps are MMPose's own functions, and its configs say how; the
network between them runs in the engine of choice. For the same weights and boxes the keypoints are those of
``mmpose.apis.inference_topdown``.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from camfuse.config.estimators import HrnetModel, MmposePose
from camfuse.prep.pose.engines import EngineSettings, Floats
from camfuse.prep.pose.mmpose.openmmlab import HrnetMaps, build_hrnet, load_weights
from camfuse.prep.pose.mmpose.persons import PersonDetector
from camfuse.prep.pose.mmpose.torch_engine import find_device, make_engine
from camfuse.prep.pose.topdown import TopdownEstimator
from camfuse.skeleton import MIRROR
from camfuse.weights.needed import Weights

PADDING = 1.25
"""The cut-out's size as a multiple of the box's (MMPose's `GetBBoxCenterScale`)."""
MEAN = np.array([123.675, 116.28, 103.53], np.float32)
STD = np.array([58.395, 57.12, 57.375], np.float32)
"""Of red, green, blue."""


class Hrnet:
    """Keypoints of one person in each image, in batches."""

    def __init__(self, model: HrnetModel, weights: Weights, settings: EngineSettings, *, flip_test: bool) -> None:
        network = build_hrnet(model)
        load_weights(network, weights)
        self._codec: Any = network.head.decoder
        self._size = tuple(int(side) for side in self._codec.input_size)
        self._flip_test = flip_test
        height_width = (self._size[1], self._size[0])
        self._engine = make_engine(HrnetMaps(network).eval(), f"{model}-{weights.sha256[:16]}", height_width, settings)

    def keypoints(self, frames: Sequence[NDArray[np.uint8]], boxes: Floats) -> Floats:
        """Estimate the keypoints of the boxed person in each frame.

        Parameters
        ----------
        frames
            B images (H, W, 3), RGB.
        boxes
            (B, 4) x0, y0, x1, y1 in their pixels.

        Returns
        -------
        (B, 133, 3) float32: x, y in pixels of the frames and the peak of the heatmap, which may pass 1 or be negative.
        """
        cuts = [self._cut(frame, box) for frame, box in zip(frames, boxes, strict=True)]
        maps = self._heatmaps(np.stack([image for image, _, _ in cuts]))
        out = np.empty((len(frames), maps.shape[1], 3), np.float32)
        for row, heatmaps, (_, centre, scale) in zip(out, maps, cuts, strict=True):
            points, scores = self._codec.decode(heatmaps)
            row[:, :2] = points[0] / self._size * scale + centre - 0.5 * scale
            row[:, 2] = scores[0]
        return out

    def _cut(self, frame: NDArray[np.uint8], box: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the person's image (3, h, w), normalised, and the centre and size (x, y) of its box."""
        from mmpose.structures.bbox import bbox_xyxy2cs, get_warp_matrix

        centre, scale = bbox_xyxy2cs(box, padding=PADDING)
        aspect = self._size[0] / self._size[1]
        width, height = scale
        scale = np.array([width, width / aspect] if width > height * aspect else [height * aspect, height], scale.dtype)
        warp = get_warp_matrix(centre, scale, 0.0, output_size=self._size)
        image = cv2.warpAffine(frame, warp, self._size, flags=cv2.INTER_LINEAR)
        normal = (image.astype(np.float32) - MEAN) / STD
        return np.ascontiguousarray(normal.transpose(2, 0, 1)), centre, scale

    def _heatmaps(self, images: Floats) -> Floats:
        (maps,) = self._engine(images)
        if not self._flip_test:
            return maps
        (mirrored,) = self._engine(np.ascontiguousarray(images[..., ::-1]))
        back = mirrored[:, list(MIRROR), :, ::-1].copy()
        back[..., 1:] = back[..., :-1].copy()  # a mirrored map lies one column off (MMPose's `shift_heatmap`)
        return (maps + back) * np.float32(0.5)


class HrnetEstimator(TopdownEstimator[MmposePose]):
    """The estimator `mmpose`."""

    NAME = "mmpose"
    PACKAGES = ("mmpose", "mmdet")

    def build(self) -> tuple[PersonDetector, Hrnet]:
        """Build RTMDet, in f32, and HRNet."""
        weights, detector = self._weights
        device = find_device(self._machine.device, self._section.engine)
        persons = PersonDetector(detector, self.settings("f32", device))
        settings = self.settings(self._section.precision, device)
        return persons, Hrnet(self._section.model, weights, settings, flip_test=self._section.flip_test)
