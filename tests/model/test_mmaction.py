"""Parity with MMAction2 1.2.0: features, scores, checkpoints, merge, sampling, metrics.

MMAction2 comes from PyPI into a temporary folder, unless it is installed; where neither works, the tests skip.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmaction_peer import environment_with_mmaction, run_with_mmaction
from torch import Tensor

from camfuse.config import Part, Sampling, parse_config
from camfuse.data.sampling import evaluation_frames, uniform_frames
from camfuse.metrics import confusion_matrix, mean_class_accuracy, top_k_accuracy
from camfuse.model.initial import load_initial, merge_streams
from camfuse.model.recogniser import Recogniser, build_recogniser

pytestmark = pytest.mark.torture

CLASSES = 60
BODY = tuple(range(17))
SEED = 255
"""Of MMAction2's test sampling."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of MMAction2 and what they give."""
    made = tmp_path_factory.mktemp("mmaction")
    environment = environment_with_mmaction(tmp_path_factory.mktemp("peer"))
    run_with_mmaction(environment, Path(__file__).with_name("mmaction_reference.py"), made)
    return made


@pytest.fixture(scope="module")
def reference(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(folder / "reference.pt", weights_only=True)
    return found


def imported(folder: Path, name: str, part: Part, keypoints: tuple[int, ...] | None = BODY) -> Recogniser:
    """Build our recogniser as RGBPoseConv3D and give it a checkpoint of theirs."""
    weights = {"weights": {"path": str(folder / f"{name}.pth")}}
    model: dict[str, dict[str, Any]] = {
        "rgb": {},
        "pose": {"stem": "7x7", "keypoints": keypoints},
        "fusion": {"mode": "concat", "stages": ("s2", "s3")},
    }
    model[part] |= weights
    config = parse_config({"clips": {"folder": {"videos": "."}}, "pose": {"mediapipe": {}}, "model": model})
    torch.manual_seed(1)
    recogniser = build_recogniser(config.model, num_classes=CLASSES, part=part).eval()
    report = load_initial(recogniser, config)
    assert report is not None
    assert report.unfit == report.unused == ()
    new = {"fusion": {"head_joint"}}.get(part, set()) | ({"fusion"} if name == "merged" else set())
    assert {key.split(".")[0] for key in report.kept} == new
    return recogniser


def features(recogniser: Recogniser, case: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return what the streams' last layers and their heads give."""
    found: dict[str, Tensor] = {}
    for name, stream in (("rgb", recogniser.rgb), ("pose", recogniser.pose)):
        if stream is not None:
            last = stream.get_submodule(f"layer{len(stream.out_channels)}")
            last.register_forward_hook(lambda _m, _x, y, name=name: found.update({name: y}))
    heatmaps = case["heatmaps"]
    if heatmaps.shape[1] == 17:  # ours always gets all 133, and the stream takes the 17 that it sees
        heatmaps = torch.cat((heatmaps, torch.full((1, 116, *heatmaps.shape[2:]), 77, dtype=torch.uint8)), 1)
    rgb = None if recogniser.rgb is None else case["crops"]
    with torch.inference_mode():
        scores = recogniser(rgb, None if recogniser.pose is None else heatmaps)
    return found | {f"score_{head}": value for head, value in scores.items() if head != "joint"}


def assert_close(name: str, found: dict[str, Tensor], case: dict[str, Tensor]) -> None:
    """Compare to 1e-5."""
    expected = {key: value for key, value in case.items() if key not in ("crops", "heatmaps")}
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key].shape == value.shape
        largest, difference = float(value.abs().max()), float((found[key] - value).abs().max())
        spread = float(value.std())
        print(f"{name} {key} {tuple(value.shape)}: std {spread:.3g}, largest {largest:.3g}, off by {difference:.2g}")
        assert spread > 1e-3  # something came through
        assert difference <= 1e-5


@pytest.mark.parametrize(
    ("name", "part", "keypoints"),
    [
        ("rgb", "rgb", BODY),
        ("pose", "pose", BODY),
        ("pose", "pose", None),  # the stem of 17 padded with zeros: the other 116 heatmaps change nothing
        ("rgbpose", "fusion", BODY),
        ("rgbpose_133", "fusion", None),
        ("merged", "fusion", BODY),
    ],
)
def test_imported_networks_give_the_same_features(
    folder: Path, reference: dict[str, Any], name: str, part: Part, keypoints: tuple[int, ...] | None
) -> None:
    found = features(imported(folder, name, part, keypoints), reference[name])
    assert_close(name, found, reference[name])


def test_our_merge_is_theirs(folder: Path, reference: dict[str, Any]) -> None:
    rgb, pose = imported(folder, "rgb", "rgb"), imported(folder, "pose", "pose")
    theirs, ours = imported(folder, "merged", "fusion"), imported(folder, "rgbpose", "fusion")
    merge_streams(ours, {"rgb": rgb.state_dict(), "pose": pose.state_dict()})
    streams = [key for key in ours.state_dict() if key.startswith(("rgb.", "pose.", "head_rgb.", "head_pose."))]
    assert len(streams) > 500
    assert all(torch.equal(ours.state_dict()[key], theirs.state_dict()[key]) for key in streams)
    assert_close("merged by us", features(ours, reference["merged"]), reference["merged"])


class TheirNumbers(np.random.RandomState):
    """MMAction2's generator, under the names that ours has for its functions."""

    integers = np.random.RandomState.randint


def test_test_sampling_is_theirs(reference: dict[str, Any]) -> None:
    kinds = set()
    for case in reference["sampling"]:
        total, wanted, clips = case["total"], case["wanted"], case["clips"]
        rng: Any = TheirNumbers(SEED)
        sampling = Sampling(rgb_frames=1, pose_frames=wanted)
        ours = [evaluation_frames(total, sampling, rng, number=n, samplings=clips).pose for n in range(clips)]
        expected = np.array(case["frames"]).reshape(clips, wanted)
        reordered = total < min(clips, wanted)  # theirs start at n, ours evenly: the same starts in another order
        kinds.add((reordered, min(total // wanted, 2)))
        if reordered:
            again = [uniform_frames(total, wanted, rng, start=n) % total for n in range(clips)]
            np.testing.assert_array_equal(again, expected)
            assert {int(frames[0]) for frames in ours} == {int(frames[0]) for frames in expected}
        else:
            np.testing.assert_array_equal(ours, expected)
    assert kinds >= {(False, 0), (False, 1), (False, 2), (True, 0)}


def test_metrics_are_theirs(reference: dict[str, Any]) -> None:
    absent = 0
    for case in reference["metrics"]:
        scores, labels = case["scores"], case["labels"]
        assert top_k_accuracy(scores, labels, 1) == pytest.approx(case["top1"], abs=1e-6)
        assert top_k_accuracy(scores, labels, 5) == pytest.approx(case["top5"], abs=1e-6)
        confusion = confusion_matrix(scores, labels)
        assert mean_class_accuracy(confusion, "union") == pytest.approx(case["mean_class_accuracy"], abs=1e-6)
        absent += mean_class_accuracy(confusion, "true") > case["mean_class_accuracy"] + 1e-6
    assert absent > 10  # cases in which the two conventions differ
