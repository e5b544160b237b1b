"""Real MMEngine checkpoints with random weights, made as a training run leaves them."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np


def randomise(network: Any, seed: int) -> Any:
    """Give every parameter and every batch-norm statistic a value of its own, at sizes that keep signals alive."""
    import torch

    generator = torch.Generator().manual_seed(seed)

    def draw(like: Any, low: float, high: float) -> Any:
        return torch.rand(like.shape, generator=generator) * (high - low) + low

    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            bound = (3.0 / module.weight[0].numel()) ** 0.5
            module.weight.data = draw(module.weight, -bound, bound)
            if module.bias is not None:
                module.bias.data = draw(module.bias, -0.1, 0.1)
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data, module.bias.data = draw(module.weight, 0.5, 1.2), draw(module.bias, -0.3, 0.3)
            module.running_mean = draw(module.running_mean, -0.3, 0.3)
            module.running_var = draw(module.running_var, 0.5, 1.5)
    return network


def calibrate(estimator: Any) -> Any:
    """Bring a random HRNet's heatmaps to 0.5 +- 0.1: MMPose's decoder clips to 0.001 .. 50 and takes logarithms."""
    import torch

    final, height_width = estimator.head.final_layer, estimator.head.decoder.input_size[::-1]
    with torch.inference_mode():
        image = torch.randn(1, 3, *height_width, generator=torch.Generator().manual_seed(0))
        maps = estimator.head(estimator.backbone(image))
    scale, shift = 0.1 / maps.std(), maps.mean()
    final.weight.data = final.weight.data * scale
    final.bias.data = (final.bias.data - shift) * scale + 0.5
    return estimator


def calibrate_detector(detector: Any) -> Any:
    """Bring a random RTMDet's class scores to -2 +- 1 before the sigmoid, which would round them all to 1."""
    import torch

    with torch.inference_mode():
        image = torch.randn(1, 3, 640, 640, generator=torch.Generator().manual_seed(0))
        levels, _ = detector.bbox_head(detector.neck(detector.backbone(image)))
    for convolution, scores in zip(detector.bbox_head.rtm_cls, levels, strict=True):
        scale, shift = 1 / scores.std(), scores.mean()
        convolution.weight.data = convolution.weight.data * scale
        convolution.bias.data = (convolution.bias.data - shift) * scale - 2
    return detector


def save_checkpoint(network: Any, path: Path, *, extra: object = None) -> Path:
    """Save what MMEngine's runner saves: meta, weights, the histories of the message hub, the optimizer."""
    import torch
    from mmengine.logging import MessageHub

    hub = MessageHub.get_instance(f"checkpoint-{path.name}")
    hub.update_scalar("train/loss", np.float64(0.5))
    hub.update_scalar("train/loss", torch.tensor(0.25))
    hub.update_info("epoch", 2)
    checkpoint = {
        "meta": {
            "epoch": 2,
            "cfg": "model = dict()",
            "mmengine_version": "0.10.7",
            "dataset_meta": {"classes": ("person",), "sigmas": np.ones(133, np.float32)},
            "hook_msgs": {"best_score": np.float64(0.66)},
        },
        "state_dict": OrderedDict(network.state_dict()),
        "message_hub": hub.state_dict(),
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]},
    }
    torch.save(checkpoint | ({"extra": extra} if extra is not None else {}), path)
    return path
