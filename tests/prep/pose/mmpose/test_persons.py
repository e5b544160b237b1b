"""RTMDet against MMDetection's own inference."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.prep.pose.mmpose.scenes import needs_mmpose, scene, settings


@needs_mmpose
@pytest.mark.parametrize("kind", ["torch", "onnx", "openvino"])
def test_the_persons_are_those_of_mmdetection(folder: Path, detector: Any, kind: str) -> None:
    from mmdet.apis import inference_detector

    from camfuse.prep.pose.mmpose.persons import PersonDetector

    if kind != "torch":
        pytest.importorskip({"onnx": "onnxruntime", "openvino": "openvino"}[kind])
    network, weights = detector
    frames = scene(2)[0] + scene(1, height=400, width=225)[0]
    found = PersonDetector(weights, settings(folder, kind)).detect(frames, 0.05)
    for frame, ours in zip(frames, found, strict=True):
        theirs = inference_detector(network, frame[..., ::-1]).pred_instances
        assert len(theirs) > 3
        assert ours.shape == (len(theirs), 5)
        np.testing.assert_allclose(ours[:, 4], theirs.scores.numpy(), atol=1e-4)
        away = np.abs(ours[:, None, :4] - theirs.bboxes.numpy()).max(axis=-1)
        assert away.min(axis=0).max() <= 0.05  # equal scores may come in another order
