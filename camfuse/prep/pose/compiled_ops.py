"""Stand-ins for compiled operators that wheels from PyPI lack; nothing is replaced where the real ones are there.

MMDetection and MMPose import ``mmcv.ops``, which wants the extension ``mmcv._ext``. PyPI has mmcv only as source
(78 C++ units, a quarter of an hour to compile), and mmcv-lite has no extension at all. RTMDet and HRNet need one of
its operators, the non-maximum suppression, which OpenCV has too.

torchvision's wheel on PyPI is built for CUDA: beside a CPU build of torch its library cannot be loaded, and its
import fails since ``torchvision::nms`` is not declared. Its transforms need no operator, so a declaration will do.
"""

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import torch

EXTENSION = "mmcv._ext"


def supply_missing_ops() -> None:
    """Put stand-ins where compiled operators are missing; call before mmcv.ops or torchvision is imported."""
    if find_spec(EXTENSION) is None:
        sys.modules[EXTENSION] = _StandIn()
    if not hasattr(torch.ops.torchvision, "nms") and not _torchvision_loads():
        declarations = torch.library.Library("torchvision", "FRAGMENT")
        declarations.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        declarations.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(declarations)


_KEPT: list[torch.library.Library] = []
"""A declaration lives as long as its `Library`."""


def _torchvision_loads() -> bool:
    spec = find_spec("torchvision")
    folders = spec.submodule_search_locations if spec else None
    for library in (path for folder in folders or () for path in Path(folder).glob("_C.*")):
        try:
            torch.ops.load_library(library)
        except OSError:
            return False
    return True


class _StandIn(ModuleType):
    """In the place of `mmcv._ext`: has `nms`, and says of every other operator that it is not there."""

    def __init__(self) -> None:
        super().__init__(EXTENSION)
        self.__spec__ = ModuleSpec(EXTENSION, None)

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name.startswith("__"):
            raise AttributeError(name)

        def missing(*_: object, **__: object) -> object:
            raise NotImplementedError(f"mmcv's operator `{name}` needs a compiled mmcv; this one is mmcv-lite")

        return missing

    @staticmethod
    def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float, offset: int) -> torch.Tensor:
        """Return the indices of the boxes that stay, best score first, as mmcv's operator does.

        Parameters
        ----------
        boxes
            (N, 4) x0, y0, x1, y1.
        scores
            (N,).
        iou_threshold
            A box that overlaps a better one by more than this goes.
        offset
            Added to widths and heights: 0, or 1 for boxes of whole pixels.
        """
        if len(boxes) == 0:
            return torch.zeros(0, dtype=torch.long, device=boxes.device)
        corners = boxes.detach().cpu().double().numpy()
        places = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2] + offset], axis=1)
        order = torch.argsort(scores.detach().cpu(), descending=True, stable=True).numpy()
        rank = np.empty(len(order), np.float32)  # stands for the score, of which OpenCV wants none below 0
        rank[order] = np.arange(len(order), 0, -1)
        kept = cv2.dnn.NMSBoxes(places.tolist(), rank.tolist(), 0.0, iou_threshold)
        return torch.as_tensor(np.asarray(kept).reshape(-1), dtype=torch.long, device=boxes.device)
