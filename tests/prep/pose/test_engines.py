"""The engines on a network of one convolution, whose answer a matrix product gives."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from camfuse.errors import ConfigError
from camfuse.prep.pose.engines import EngineSettings, choose_device
from camfuse.prep.pose.mmpose.torch_engine import make_engine


class Mixed(torch.nn.Module):
    """Two maps: the channels mixed by a matrix, and their mean."""

    def __init__(self, matrix: np.ndarray) -> None:
        super().__init__()
        self.mix = torch.nn.Conv2d(3, 2, 1, bias=False)
        self.mix.weight.data = torch.from_numpy(matrix)[:, :, None, None]

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.mix(images), images.mean(dim=1, keepdim=True)


def engine_or_skip(kind: Any, folder: Path, matrix: np.ndarray) -> Any:
    package = {"torch": "torch", "onnx": "onnxruntime", "openvino": "openvino"}[kind]
    if find_spec(package) is None:
        pytest.skip(f"needs {package}: make mmpose")
    return make_engine(Mixed(matrix).eval(), "mixed", (8, 6), EngineSettings(kind, "f32", "cpu", 1, folder))


@pytest.mark.parametrize("kind", ["torch", "onnx", "openvino"])
def test_an_engine_runs_every_image_of_a_batch(kind: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    matrix = random.standard_normal((2, 3)).astype(np.float32)
    run = engine_or_skip(kind, tmp_path, matrix)
    for count in (1, 5, 3):
        images = random.standard_normal((count, 3, 8, 6)).astype(np.float32)
        mixed, mean = run(images)
        np.testing.assert_allclose(mixed, np.einsum("oc,bchw->bohw", matrix, images), atol=1e-5)
        np.testing.assert_allclose(mean, images.mean(axis=1, keepdims=True), atol=1e-5)
        assert mixed.dtype == np.float32


@pytest.mark.parametrize("kind", ["onnx", "openvino"])
def test_images_one_by_one_give_the_same(kind: str, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    run = engine_or_skip(kind, tmp_path, random.standard_normal((2, 3)).astype(np.float32))
    images = random.standard_normal((5, 3, 8, 6)).astype(np.float32)
    mixed, mean = run(images)
    for number, (one, its_mean) in enumerate(run.each(images)):
        np.testing.assert_allclose(one[0], mixed[number], atol=1e-6)
        np.testing.assert_allclose(its_mean[0], mean[number], atol=1e-6)


@pytest.mark.parametrize(("device", "calls"), [("cuda", 1), ("cpu", 0)])
def test_onnxruntime_looks_for_cuda_among_pips_packages(
    device: Any, calls: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime: make mmpose")
    called: list[int] = []
    monkeypatch.setattr(runtime, "preload_dlls", lambda: called.append(1))
    network = Mixed(np.ones((2, 3), np.float32)).eval()
    make_engine(network, "mixed", (8, 6), EngineSettings("onnx", "f32", device, 1, tmp_path))
    assert len(called) == calls


def test_openvino_has_no_gpu() -> None:
    with pytest.raises(ConfigError, match="openvino runs on the CPU"):
        choose_device("cuda", "openvino", gpu=True)
    assert choose_device("auto", "openvino", gpu=True) == "cpu"
