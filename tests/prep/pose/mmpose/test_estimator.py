"""HRNet and RTMDet against MMPose's and MMDetection's own inference, with random weights in real checkpoint files."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camfuse.clips.table import Clip
from camfuse.errors import WeightsError
from camfuse.prep.requirements import needed_weights
from camfuse.skeleton import MIRROR
from tests.prep.pose.mmpose.scenes import (
    PAPERS,
    SMALL,
    needs_mmpose,
    scene,
    settings,
    whole_config,
)

ROOT = Path(__file__).parents[4]


def mmposes_answer(network: Any, frames: list[np.ndarray], boxes: np.ndarray, *, flip: bool) -> tuple[Any, Any]:
    """Return MMPose's keypoints (B, 133, 3) and whether each is well defined.

    Where a heatmap is flat around its peak, the decoder's Newton step divides by almost nothing: the point flies off
    by many pixels and the last digit of the heatmap decides where to. Heatmaps of random weights are often so.
    """
    from mmpose.apis import inference_topdown
    from mmpose.codecs.utils import get_heatmap_maximum

    network.test_cfg.update(flip_test=flip, output_heatmaps=True)
    points, defined = [], []
    for frame, box in zip(frames, boxes, strict=True):
        (sample,) = inference_topdown(network, frame[..., ::-1], box[None])
        found = sample.pred_instances
        points.append(np.column_stack([found.keypoints[0], found.keypoint_scores[0]]))
        heatmaps = sample.pred_fields.heatmaps.numpy()
        decoded = network.head.decoder.decode(heatmaps)[0][0] / network.head.decoder.scale_factor
        step = np.abs(decoded - get_heatmap_maximum(heatmaps)[0])
        defined.append((step <= 1).all(axis=-1))
    return np.array(points), np.array(defined)


def distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the larger of the differences in x and y, in pixels."""
    return np.abs(one[..., :2] - other[..., :2]).max(axis=-1)


@needs_mmpose
@pytest.mark.parametrize(
    ("model", "flip"), [(SMALL, False), (SMALL, True), ("hrnet_w48_256x192", False), (PAPERS, False)]
)
def test_every_keypoint_is_that_of_mmpose(folder: Path, reference: Any, model: str, flip: bool) -> None:
    from camfuse.prep.pose.mmpose.estimator import Hrnet

    network, weights = reference(model)
    frames, boxes = scene(2)
    expected, defined = mmposes_answer(network, frames, boxes, flip=flip)
    ours = Hrnet(model, weights, settings(folder), flip_test=flip)  # type: ignore[arg-type]
    found = np.concatenate([ours.keypoints([f], b[None]) for f, b in zip(frames, boxes, strict=True)])
    assert expected.shape == found.shape == (2, 133, 3)
    assert distance(found, expected)[defined].max() <= 0.01
    # the others too, unless the last digit of a sum came out otherwise: seen once, on a busy machine
    assert (distance(found, expected) <= 0.01).mean() > 0.97
    np.testing.assert_allclose(found[..., 2], expected[..., 2], atol=1e-5)
    assert np.ptp(expected[..., 0]) > 50  # the points do differ


@needs_mmpose
@pytest.mark.parametrize(("kind", "tolerance"), [("torch", 0.01), ("onnx", 0.05), ("openvino", 0.05)])
def test_batches_and_engines_give_the_same(folder: Path, reference: Any, kind: str, tolerance: float) -> None:
    from camfuse.prep.pose.mmpose.estimator import Hrnet

    if kind != "torch":
        pytest.importorskip({"onnx": "onnxruntime", "openvino": "openvino"}[kind])
    network, weights = reference(SMALL)
    frames, boxes = scene(3)
    expected, defined = mmposes_answer(network, frames, boxes, flip=False)
    found = Hrnet(SMALL, weights, settings(folder, kind), flip_test=False).keypoints(frames, boxes)
    assert defined.mean() > 0.3
    assert distance(found, expected)[defined].max() <= tolerance
    np.testing.assert_allclose(found[..., 2], expected[..., 2], atol=1e-5)  # the heatmaps agree everywhere


@needs_mmpose
def test_a_network_is_exported_once(folder: Path, reference: Any) -> None:
    from camfuse.prep.pose.mmpose.estimator import Hrnet

    pytest.importorskip("onnxruntime")
    _, weights = reference(SMALL)
    path = folder / "exported" / f"{SMALL}-{weights.sha256[:16]}.onnx"
    Hrnet(SMALL, weights, settings(folder, "onnx"), flip_test=False)
    written = path.stat().st_mtime_ns
    Hrnet(SMALL, weights, settings(folder, "onnx"), flip_test=False)
    assert path.stat().st_mtime_ns == written
    assert [one.name for one in path.parent.iterdir() if SMALL in one.name] == [path.name]


@needs_mmpose
def test_bf16_stays_near(folder: Path, reference: Any) -> None:
    from camfuse.prep.pose.mmpose.estimator import Hrnet

    _, weights = reference(SMALL)
    frames, boxes = scene(1)
    exact, rounded = (
        Hrnet(SMALL, weights, settings(folder, "torch", precision), flip_test=False).keypoints(frames, boxes)
        for precision in ("f32", "bf16")
    )
    difference = np.abs(rounded[..., 2] - exact[..., 2])
    assert 0 < difference.max() < 0.05


@needs_mmpose
def test_mirror_partners_are_those_of_mmpose(reference: Any) -> None:
    network, _ = reference(SMALL)
    assert list(MIRROR) == list(network.dataset_meta["flip_indices"])


@needs_mmpose
def test_a_clip_gets_poses_where_a_person_is_found(folder: Path, reference: Any, detector: Any) -> None:
    import cv2

    from camfuse.prep.arrays import ClipFrames
    from camfuse.prep.pose.estimator import check_poses
    from camfuse.prep.pose.run import make_estimator

    clip = Clip("made", Path("made.mp4"), 0, float("inf"), None, "identity")
    jpeg = [cv2.imencode(".jpg", frame)[1].tobytes() for frame in scene(3)[0]]
    frames = ClipFrames(jpeg, np.arange(3) / 25, 240, 320, 25)
    for least, seen in ((0.0, True), (1.0, False)):
        config = whole_config(folder, reference(SMALL)[1], detector[1], min_detection=least)
        with make_estimator(config) as estimator:
            poses = estimator.estimate(clip, frames)
            facts = estimator.provenance()
        check_poses(poses, 3, clip=clip, estimator="mmpose")
        assert facts["weights sha256"] == reference(SMALL)[1].sha256
        found = ~np.isnan(poses.boxes[:, 0])
        assert found.any() == seen
        np.testing.assert_array_equal(np.isnan(poses.keypoints[..., 0]).all(axis=1), ~found)
        assert not poses.filled.any()


def run_stage(folder: Path, config: Any, videos: dict[str, tuple[Path, str]]) -> None:
    """Run `camfuse frames` and `camfuse pose` into f.h5 and p.h5; each clip's video and where it ends (seconds)."""
    import yaml

    from camfuse.config import dump_config

    clips = folder / "clips.csv"
    rows = [f"{name},{video},0,{end},,{name}" for name, (video, end) in videos.items()]
    clips.write_text("\n".join(["clip_id,video,start,end,annotation,identity", *rows, ""]))
    (folder / "config.yaml").write_text(yaml.safe_dump(yaml.safe_load(dump_config(config))))
    common = [sys.executable, "-m", "camfuse"]
    options = ["--config", str(folder / "config.yaml"), "--clips", str(clips), "--output"]
    subprocess.run([*common, "frames", *options, str(folder / "f.h5")], cwd=ROOT, check=True)
    frames = ["--frames", str(folder / "f.h5")]
    subprocess.run([*common, "pose", *options, str(folder / "p.h5"), *frames], cwd=ROOT, check=True)


@needs_mmpose
@pytest.mark.parametrize("engine", ["torch", "onnx", "openvino"])
def test_the_stage_runs_on_real_clips(
    folder: Path, tmp_path: Path, reference: Any, detector: Any, shared_data: Path, engine: str
) -> None:
    from camfuse.run.shard import Shard

    config = whole_config(folder, reference(SMALL)[1], detector[1], min_detection=0.0, engine=engine)
    videos = {name: (shared_data / "clips/wlasl/videos" / f"{name}.mp4", "0.2") for name in ("03595", "34699")}
    run_stage(tmp_path, config, videos)
    shard = Shard(tmp_path / "p.h5", stage="pose")
    for name in videos:
        keypoints = shard.read("keypoints", name)
        assert keypoints.shape[1:] == (133, 3) and 4 <= len(keypoints) <= 7
        assert np.isfinite(keypoints[..., 2]).all() and np.isfinite(shard.read("box", name)[:, 4]).all()


@needs_mmpose
def test_the_stage_runs_from_a_made_video_to_a_shard(folder: Path, reference: Any, detector: Any) -> None:
    import cv2

    from camfuse.run.shard import Shard

    config = whole_config(folder, reference(SMALL)[1], detector[1], min_detection=0.0)
    video = folder / "made.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 25, (320, 240))
    for frame in scene(3)[0]:
        writer.write(frame)
    writer.release()
    run_stage(folder, config, {"made": (video, "")})
    shard = Shard(folder / "p.h5", stage="pose")
    assert shard.read("keypoints", "made").shape == (3, 133, 3)
    assert shard.read("box", "made").shape == (3, 5)


@needs_mmpose
def test_the_named_files_are_checked_before_anything_is_built(folder: Path, reference: Any, detector: Any) -> None:
    config = whole_config(folder, reference(SMALL)[1], detector[1], detector={"path": str(folder / "none.pth")})
    assert [one.path.name for one in needed_weights(config)] == [f"{SMALL}.pth", "none.pth"]
    from camfuse.prep.pose.run import make_estimator

    with pytest.raises(WeightsError, match=r"none\.pth"):
        make_estimator(config)


@pytest.mark.torture
def test_the_pip_route_installs_what_hrnet_and_rtmw_need(tmp_path: Path) -> None:
    """`make mmpose rtmlib` in an environment of its own, then each network once in it, by each engine."""
    environment = tmp_path / "venv"
    make = ["make", "-C", str(ROOT), f"PYTHON={sys.executable}", f"VENV={environment}", "mmpose", "rtmlib"]
    subprocess.run(make, check=True, timeout=3600)
    python = [str(environment / "bin" / "python"), "-m"]
    tools = ["pip", "install", "--quiet", "-c", "envs/pins.txt", "pytest", "hypothesis"]
    subprocess.run([*python, *tools], cwd=ROOT, check=True, timeout=3600)
    subprocess.run([*python[:1], "-c", "import camfuse.train"], check=True)  # what follows in the same environment
    once = "made_video or batches_and_engines or persons_are_those or agrees_with_mmpose"
    tests = ["pytest", "-m", "not torture", "-k", once, "-rfs", "-W", "ignore", "-p", "no:cacheprovider"]
    files = ["tests/prep/pose/mmpose", "tests/prep/pose/rtmlib"]
    done = subprocess.run([*python, *tests, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:]
    assert "SKIPPED" not in done.stdout, done.stdout[-2000:]
