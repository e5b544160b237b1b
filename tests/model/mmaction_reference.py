"""Run by `test_mmaction.py` with MMAction2 on the path: what its networks, sampling and metrics give, into a folder.

python mmaction_reference.py FOLDER
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmaction_peer import build_recogniser, import_mmaction
from torch import Tensor, nn

CLASSES = 60
CASES = {  # configs of the wheel: kind, keypoints, side of the crops
    "rgbpose": ("rgbpose_conv3d.py", 17, 224),
    "rgbpose_133": ("rgbpose_conv3d.py", 133, 64),
    "rgb": ("rgb_only.py", 17, 64),
    "pose": ("pose_only.py", 17, 64),
}


def build(config: str, keypoints: int) -> Any:
    """Build one of MMAction2's recognisers from the config inside its wheel, weights and batch norms random."""
    return randomise(build_recogniser(config, keypoints=keypoints, classes=CLASSES).eval())


def randomise(network: nn.Module) -> nn.Module:
    """Give every parameter and every batch-norm statistic a value of its own, at sizes that keep signals alive."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv3d | nn.ConvTranspose3d | nn.Linear):
                bound = (6 / module.weight[0].numel()) ** 0.5
                module.weight.uniform_(-bound, bound)
            if isinstance(module, nn.BatchNorm3d):
                assert module.running_mean is not None and module.running_var is not None
                module.weight.uniform_(0.3, 0.9), module.bias.uniform_(-0.3, 0.3)
                module.running_mean.uniform_(-0.3, 0.3), module.running_var.uniform_(0.5, 1.5)
    return network


def inputs(keypoints: int, side: int) -> tuple[Tensor, Tensor]:
    """Return crops (1, 3, 8, S, S) and heatmaps (1, K, 32, S / 4, S / 4), uint8."""
    crops = torch.randint(0, 256, (1, 3, 8, side, side), dtype=torch.uint8)
    return crops, torch.randint(0, 256, (1, keypoints, 32, side // 4, side // 4), dtype=torch.uint8)


def run(network: Any, kind: str, crops: Tensor, heatmaps: Tensor) -> dict[str, Tensor]:
    """Return features and scores of the streams that the network has, its own preprocessing before."""
    from mmaction.structures import ActionDataSample

    # lists of (one sampling, ...) as their loader gives them
    imgs, heatmap_imgs = list(crops[:, None]), list(heatmaps[:, None].float() / 255)
    given = {"rgb": imgs, "pose": heatmap_imgs}.get(kind, {"imgs": imgs, "heatmap_imgs": heatmap_imgs})
    ready = network.data_preprocessor({"inputs": given, "data_samples": [ActionDataSample()]})["inputs"]
    with torch.no_grad():
        if kind in ("rgb", "pose"):
            features = network.backbone(ready.flatten(0, 1))
            return {kind: features, f"score_{kind}": network.cls_head(features)}
        rgb, pose = network.backbone(*(ready[name].flatten(0, 1) for name in ("imgs", "heatmap_imgs")))
        scores = network.cls_head((rgb, pose))
        return {"rgb": rgb, "pose": pose, "score_rgb": scores["rgb"], "score_pose": scores["pose"]}


def save(weights: dict[str, Tensor], path: Path) -> None:
    """Save as a training run of MMEngine does, histories of the losses included."""
    from mmengine.logging import MessageHub
    from mmengine.runner.checkpoint import save_checkpoint

    hub = MessageHub.get_instance(path.stem)
    hub.update_scalar("train/loss", np.float64(0.5))
    hub.update_scalar("train/loss", torch.tensor(0.25))
    meta = {"epoch": 2, "cfg": "model = dict()", "hook_msgs": {"best_score": np.float64(0.66)}}
    state = {"meta": meta, "state_dict": weights, "message_hub": hub.state_dict(), "optimizer": {}}
    save_checkpoint(state, str(path))


def merged(rgb: nn.Module, pose: nn.Module, whole: Any) -> Any:
    """Merge as PYSKL's recipe says: new prefixes, zeros for the lateral channels; lateral convolutions stay random."""
    expected = whole.state_dict()
    state = {}
    for network, path, head in ((rgb, "rgb_path", "fc_rgb"), (pose, "pose_path", "fc_pose")):
        for theirs, value in network.state_dict().items():
            name = theirs.replace("backbone.", f"backbone.{path}.").replace("fc_cls", head)
            zeros = torch.zeros(expected[name].shape, dtype=value.dtype)
            zeros[tuple(slice(0, size) for size in value.shape)] = value
            state[name] = zeros
    missing, unknown = whole.load_state_dict(state, strict=False)
    assert not unknown and all("lateral" in name for name in missing)
    return whole


def sampling(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return test samplings of random videos."""
    from mmaction.datasets.transforms import UniformSampleFrames

    cases = []
    for _ in range(300):
        total, wanted, clips = int(rng.integers(1, 200)), int(rng.choice([4, 8, 32, 48])), int(rng.choice([1, 3, 10]))
        sample = UniformSampleFrames(clip_len=wanted, num_clips=clips, test_mode=True)
        found = sample.transform({"total_frames": total})["frame_inds"]
        cases.append({"total": total, "wanted": wanted, "clips": clips, "frames": found.tolist()})
    return cases


def metrics(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return accuracies of random scores, some of classes without a clip."""
    from mmaction.evaluation import mean_class_accuracy, top_k_accuracy

    cases = []
    for _ in range(100):
        classes, clips = int(rng.integers(5, 40)), int(rng.integers(1, 60))
        labels = rng.integers(0, classes, clips)
        scores = rng.random((clips, classes)) + np.eye(classes)[labels] * rng.random((clips, 1))
        scores /= scores.sum(1, keepdims=True)
        top = top_k_accuracy(list(scores), labels.tolist(), (1, 5))
        mean = mean_class_accuracy(list(scores), labels.tolist())
        case = {"top1": float(top[0]), "top5": float(top[1]), "mean_class_accuracy": float(mean)}
        cases.append({"scores": torch.tensor(scores), "labels": torch.tensor(labels), **case})
    return cases


def main(folder: Path) -> None:
    """Write checkpoints and what they give."""
    import_mmaction()
    torch.manual_seed(0)
    reference: dict[str, Any] = {}
    networks = {}
    for name, (config, keypoints, side) in CASES.items():
        networks[name] = build(config, keypoints)
        save(networks[name].state_dict(), folder / f"{name}.pth")
        crops, heatmaps = inputs(keypoints, side)
        found = run(networks[name], name.split("_")[0], crops, heatmaps)
        reference[name] = {"crops": crops, "heatmaps": heatmaps, **found}
    networks["merged"] = merged(networks["rgb"], networks["pose"], build("rgbpose_conv3d.py", 17))
    weights = {key: value for key, value in networks["merged"].state_dict().items() if "lateral" not in key}
    save(weights, folder / "merged.pth")  # as their merge leaves it
    crops, heatmaps = inputs(17, 64)
    reference["merged"] = {"crops": crops, "heatmaps": heatmaps, **run(networks["merged"], "rgbpose", crops, heatmaps)}
    rng = np.random.default_rng(0)
    reference |= {"sampling": sampling(rng), "metrics": metrics(rng)}
    torch.save(reference, folder / "reference.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
