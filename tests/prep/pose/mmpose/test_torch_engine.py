"""Torch as an engine, and where it runs."""

from typing import Any

import pytest
import torch

from camfuse.errors import ConfigError
from camfuse.prep.pose.engines import choose_device
from camfuse.prep.pose.mmpose.torch_engine import find_device


@pytest.mark.parametrize(
    ("there", "wanted", "device"), [(True, "auto", "cuda"), (True, "cpu", "cpu"), (False, "auto", "cpu")]
)
def test_a_gpu_is_used_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, there: bool, wanted: Any, device: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert find_device(wanted, "torch") == device
    assert choose_device(wanted, "onnx", gpu=there) == device


def test_a_gpu_that_is_wanted_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="torch finds no GPU"):
        find_device("cuda", "torch")
    with pytest.raises(ConfigError, match="onnxruntime has no CUDA"):
        choose_device("cuda", "onnx", gpu=False)
