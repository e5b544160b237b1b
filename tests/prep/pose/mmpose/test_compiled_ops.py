"""The stand-in for mmcv's non-maximum suppression, against a plain greedy one."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from camfuse.prep.pose.mmpose.compiled_ops import _StandIn, missing_supplied


def greedy(boxes: np.ndarray, scores: np.ndarray, threshold: float, offset: int) -> list[int]:
    """Keep the best box, drop those that overlap it by more than `threshold`, and so on."""
    kept: list[int] = []
    sides = np.prod(boxes[:, 2:] - boxes[:, :2] + offset, axis=1)
    for number in np.argsort(-scores, kind="stable"):
        low = np.maximum(boxes[kept, :2], boxes[number, :2])
        high = np.minimum(boxes[kept, 2:], boxes[number, 2:])
        shared = np.prod(np.maximum(high - low + offset, 0), axis=1)
        if (shared / (sides[kept] + sides[number] - shared) <= threshold).all():
            kept.append(int(number))
    return kept


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("seed", range(10))
def test_nms_keeps_what_a_greedy_search_keeps(seed: int, offset: int) -> None:
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 80, (60, 2))
    boxes = np.hstack([corners, corners + random.uniform(5, 40, (60, 2))])
    scores = random.permutation(60) / 60
    kept = _StandIn.nms(torch.from_numpy(boxes), torch.from_numpy(scores), 0.5, offset)
    assert kept.tolist() == greedy(boxes, scores, 0.5, offset)
    assert 1 < len(kept) < 60


def test_no_boxes_stay_no_boxes() -> None:
    assert _StandIn.nms(torch.zeros(0, 4), torch.zeros(0), 0.5, 0).tolist() == []


def test_another_operator_says_that_it_is_missing() -> None:
    operators = _StandIn()
    with pytest.raises(NotImplementedError, match=r"`roi_align_forward` needs a compiled mmcv"):
        operators.roi_align_forward(1)
    assert operators.__spec__ is not None
    assert not hasattr(operators, "__path__")


@pytest.mark.skipif(find_spec("mmcv") is None, reason="MMPose is not installed")
@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is installed: nothing stands in for it")
def test_the_stand_in_for_torchvision_is_there_for_the_import_only() -> None:
    with missing_supplied():
        from torchvision.transforms import ToPILImage

        assert ToPILImage is None
    assert find_spec("torchvision") is None
    assert not [name for name in sys.modules if name.split(".")[0] == "torchvision"]
