"""Persons in frames: RTMDet-m of MMDetection."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from camfuse.prep.pose.engines import EngineSettings, Floats
from camfuse.prep.pose.mmpose.openmmlab import RtmdetMaps, build_rtmdet, load_weights
from camfuse.prep.pose.mmpose.torch_engine import make_engine
from camfuse.weights.needed import Weights

SIDE = 640
"""Side of the square image that the network takes."""
GREY = 114
"""What fills the square beside the frame."""
MEAN = np.array([103.53, 116.28, 123.675], np.float32)
STD = np.array([57.375, 57.12, 58.395], np.float32)
"""Of blue, green, red: the order in which this network takes them."""


class PersonDetector:
    """Finds persons in batches of frames; boxes are those of MMDetection's `inference_detector`."""

    def __init__(self, weights: Weights, settings: EngineSettings) -> None:
        model = build_rtmdet()
        load_weights(model, weights)
        self._head = model.bbox_head
        name = f"rtmdet_m-{weights.sha256[:16]}"
        self._engine = make_engine(RtmdetMaps(model).eval(), name, (SIDE, SIDE), settings)

    def detect(self, frames: Sequence[NDArray[np.uint8]], least: float) -> list[Floats]:
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
            For each frame (N, 5) x0, y0, x1, y1, score in its pixels, best first; N may be 0.
        """
        fitted = [_fit(frame) for frame in frames]
        maps = [torch.from_numpy(output) for output in self._engine(np.stack([image for image, _ in fitted]))]
        metas = [{"img_shape": (SIDE, SIDE), "scale_factor": scale} for _, scale in fitted]
        levels = len(maps) // 2
        with torch.inference_mode():
            found = self._head.predict_by_feat(maps[:levels], maps[levels:], batch_img_metas=metas, rescale=True)
        boxes = [np.column_stack([one.bboxes.numpy(), one.scores.numpy()]).astype(np.float32) for one in found]
        return [rows[rows[:, 4] >= least] for rows in boxes]


def _fit(frame: NDArray[np.uint8]) -> tuple[Floats, tuple[float, float]]:
    """Scale a frame into the square's upper left; return (3, 640, 640) normalised and the scales in x and y."""
    height, width = frame.shape[:2]
    scale = SIDE / max(height, width)
    fitted = int(width * scale + 0.5), int(height * scale + 0.5)
    square = np.full((SIDE, SIDE, 3), GREY, np.uint8)
    square[: fitted[1], : fitted[0]] = cv2.resize(frame[..., ::-1], fitted, interpolation=cv2.INTER_LINEAR)
    normal = (square.astype(np.float32) - MEAN) / STD
    return np.ascontiguousarray(normal.transpose(2, 0, 1)), (fitted[0] / width, fitted[1] / height)
