"""What is read out of an exported file; the rest is in test_export.py, which makes such files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_training import MadeRun

from camfuse.errors import MissingToolError, WeightsError
from camfuse.predict import exported
from camfuse.predict.exported import OnnxNetwork, read_added, read_facts, softmax
from camfuse.predict.network import open_network


def test_softmax_by_hand_and_far_out() -> None:
    np.testing.assert_allclose(softmax(np.log([[1.0, 3.0]])), [[0.25, 0.75]], rtol=1e-6)
    np.testing.assert_allclose(softmax(np.array([[1000.0, -1000.0]])), [[1, 0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "expected an exported model of form 1, found 99"),
        ({"classes": None}, "export it again"),
        ({"config": {"pose": {}}}, "is of another version"),
        ({"calibration": {"temperature": -1}}, "expected a model's calibration"),
    ],
)
def test_facts_of_another_kind(trained: MadeRun, change: dict[str, Any], message: str) -> None:
    values = open_network(trained.run.training("rgb").best).facts.values()
    assert read_facts(json.dumps(values), Path("m.onnx")).classes == trained.run.classes()
    with pytest.raises(WeightsError, match=message):
        read_facts(json.dumps(values | change), Path("m.onnx"))


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}"])
def test_no_facts(text: str | None) -> None:
    with pytest.raises(WeightsError, match=r"m\.onnx: expected"):
        read_facts(text, Path("m.onnx"))


@pytest.mark.parametrize("text", ["{", "[]", '{"enrolled": {}}', '{"enrolled": []}', '{"enrolled": 3}'])
def test_damaged_words(text: str) -> None:
    assert read_added(None, Path("m.onnx")) is None and read_added("{}", Path("m.onnx")) is None
    with pytest.raises(WeightsError, match=r"m\.onnx: expected enrolled words"):
        read_added(text, Path("m.onnx"))


def test_onnxruntime_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported, "ONNXRUNTIME", exported.Package("no_such_package", "pip install it"))
    with pytest.raises(MissingToolError, match=r"m\.onnx needs no_such_package: pip install it"):
        OnnxNetwork.load(Path("m.onnx"))
