"""Small ONNX networks with the inputs and outputs of OpenMMLab's SDK files, whose answers can be told beforehand."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

PERSONS = np.array([[80.0, 40, 320, 440, 0.9], [400, 100, 520, 300, 0.6], [0, 0, 640, 640, 0.8]], np.float32)
CLASSES = np.array([0, 0, 7])
"""What the detector finds in its 640 x 640 image: two persons, and something else that is larger."""


class SpotFinder(torch.nn.Module):
    """Every point is where the image is brightest: the first 100 in red, the other 33 in blue.

    The answer along x is the brightest pixel of each column, in steps of half a pixel; `peak` is its greatest value
    for full brightness.
    """

    def __init__(self, peak: float) -> None:
        super().__init__()
        self.peak = peak

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean = torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1)
        std = torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1)
        light = (images * std + mean) / 255 * self.peak
        answers = []
        for axis in (2, 3):  # x, y
            profile = light.amax(dim=axis)
            bins = torch.stack([profile, profile - 1e-3], dim=3).flatten(2)  # pixel i is bin 2 i
            answers.append(torch.cat([bins[:, :1].expand(-1, 100, -1), bins[:, 2:].expand(-1, 33, -1)], dim=1))
        return answers[0], answers[1]


class FixedPersons(torch.nn.Module):
    """Finds PERSONS, and nobody where the upper left corner is black."""

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        here = (images[:, :, :64, :64].amax(dim=(1, 2, 3)) > 20).float().view(-1, 1, 1)
        scores = torch.tensor([[[1.0, 1, 1, 1, 0]]]) + here * torch.tensor([[[0.0, 0, 0, 0, 1]]])
        classes = torch.from_numpy(CLASSES)[None] + here[:, :, 0].long() * 0
        return torch.from_numpy(PERSONS)[None] * scores, classes


def onnx_bytes(network: torch.nn.Module, size: tuple[int, int], outputs: list[str], *, free: bool = True) -> bytes:
    """Export a network as OpenMMLab's SDK names and shapes it."""
    content = io.BytesIO()
    with torch.no_grad():
        torch.onnx.export(
            network.eval(),
            (torch.zeros(1, 3, *size),),
            content,
            opset_version=17,
            input_names=["input"],
            output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in ["input", *outputs]} if free else None,
            dynamo=False,
        )
    return content.getvalue()


def pose_file(path: Path, network: Any = None, size: tuple[int, int] = (384, 288)) -> Path:
    """Write a zip file as OpenMMLab's: the network deep inside, texts beside it."""
    content = onnx_bytes(network or SpotFinder(10.0), size, ["simcc_x", "simcc_y"])
    return zipped(path, {"20230928/rtmpose_onnx/toy/end2end.onnx": content, "20230928/toy/deploy.json": b"{}"})


def detector_file(path: Path) -> Path:
    """Write the detector, as a bare ONNX file for one image at a time."""
    path.write_bytes(onnx_bytes(FixedPersons(), (640, 640), ["dets", "labels"], free=False))
    return path


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    """Write a zip file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path
