"""Stand-ins for what the wheels from PyPI lack; nothing is replaced where the real thing is there.

MMDetection and MMPose import ``mmcv.ops``, which wants the extension ``mmcv._ext``. PyPI has mmcv only as source
(78 C++ units, a quarter of an hour to compile), and mmcv-lite has no extension at all. RTMDet and HRNet need one of
its operators, the non-maximum suppression, which OpenCV has too.

MMPose imports one name of torchvision, for a drawing that nothing here asks for. torchvision is not installed for it:
its wheel on PyPI fits one build of torch only, and beside any other its import fails, that of Lightning with it.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

import cv2
import numpy as np
import torch

EXTENSION = "mmcv._ext"


@contextmanager
def missing_supplied() -> Iterator[None]:
    """Put stand-ins where something is missing; import mmdet and mmpose within.

    That of torchvision is gone afterwards, lest other packages take it for the real one.
    """
    if find_spec(EXTENSION) is None:
        sys.modules[EXTENSION] = _StandIn()
    modules = {} if find_spec("torchvision") else _torchvision()
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]


def _torchvision() -> dict[str, ModuleType]:
    package, transforms = ModuleType("torchvision"), ModuleType("torchvision.transforms")
    package.transforms = transforms  # type: ignore[attr-defined]
    transforms.ToPILImage = None  # type: ignore[attr-defined]
    return {module.__name__: module for module in (package, transforms)}


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
