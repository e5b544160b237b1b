"""HRNet and RTMDet against MMPose's and MMDetection's own inference, with random weights in real checkpoint files."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camfuse.clips.table import Clip
from camfuse.config import Config, parse_config
from camfuse.errors import WeightsError
from camfuse.prep.requirements import needed_weights
from camfuse.skeleton import MIRROR
from camfuse.weights.needed import Needed, Weights, check_weights, sha256_of

ROOT = Path(__file__).parents[4]
SMALL, PAPERS = "hrnet_w32_dark_256x192", "hrnet_w48_dark_384x288"
needs_mmpose = pytest.mark.skipif(
    find_spec("mmpose") is None or find_spec("mmdet") is None, reason="needs MMPose and MMDetection: make mmpose"
)


def files() -> Any:
    """The maker of checkpoints; imported late, since it imports torch."""
    from tests.prep.pose.mmpose import openmmlab_files

    return openmmlab_files


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hrnet")


@pytest.fixture(scope="session")
def reference(folder: Path) -> Callable[[str], tuple[Any, Weights]]:
    """MMPose's own estimator with random weights, and the checkpoint file that holds them; each made once."""
    made: dict[str, tuple[Any, Weights]] = {}

    def make(model: str) -> tuple[Any, Weights]:
        if model not in made:
            from camfuse.prep.pose.mmpose.openmmlab import build_hrnet

            network = files().calibrate(files().randomise(build_hrnet(model), seed=1))
            made[model] = network, named(files().save_checkpoint(network, folder / f"{model}.pth"))
        return made[model]

    return make


@pytest.fixture(scope="session")
def detector(folder: Path) -> tuple[Any, Weights]:
    """MMDetection's own RTMDet with random weights, and its checkpoint file."""
    from camfuse.prep.pose.mmpose.openmmlab import build_rtmdet

    network = files().calibrate_detector(files().randomise(build_rtmdet(), seed=2))
    return network, named(files().save_checkpoint(network, folder / "rtmdet.pth"))


def named(path: Path) -> Weights:
    """Weights whose whole hash the config gives."""
    return Weights(path, sha256_of(path), sha256_of(path))


def settings(folder: Path, kind: str = "torch", precision: str = "f32") -> Any:
    from camfuse.prep.pose.engines import EngineSettings

    return EngineSettings(kind, precision, "cpu", 2, folder / "exported")  # type: ignore[arg-type]


def scene(count: int = 3, height: int = 240, width: int = 320) -> tuple[list[np.ndarray], np.ndarray]:
    """Frames of smooth noise (RGB), and a box in each, the last one leaving the image."""
    import cv2

    random = np.random.default_rng(5)
    coarse = random.integers(0, 255, (count, 12, 16, 3), np.uint8)
    frames = [cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC) for one in coarse]
    boxes = np.array([[60, 20, 220, 230]] * count, np.float32) + random.uniform(-9, 9, (count, 4)).astype(np.float32)
    boxes[-1, :2] -= 80
    return frames, boxes


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


def whole_config(folder: Path, pose: Weights, persons: Weights, **mmpose: Any) -> Config:
    values = {
        "model": SMALL,
        "weights": {"path": str(pose.path), "sha256": pose.sha256},
        "detector": {"path": str(persons.path), "sha256": persons.sha256},
        "flip_test": False,
    }
    return parse_config(
        {
            "output": str(folder / "results"),
            "clips": {"folder": {"videos": str(folder)}},
            "pose": {"mmpose": values | mmpose},
            "machine": {"device": "cpu", "weights": str(folder), "pose_batch": 2},
        }
    )


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


class Bomb:
    """Pickled, it makes a folder when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@needs_mmpose
def test_a_file_that_could_run_a_program_needs_its_whole_hash(folder: Path, tmp_path: Path, reference: Any) -> None:
    from camfuse.prep.pose.mmpose.openmmlab import read_checkpoint

    network, good = reference(SMALL)
    harm = tmp_path / "harm"
    path = files().save_checkpoint(network, tmp_path / "bad.pth", extra=Bomb(harm))
    for known in (None, sha256_of(path)[:8]):
        with pytest.raises(WeightsError, match=f"could run a program.*sha256: {sha256_of(path)}"):
            read_checkpoint(Weights(path, sha256_of(path), known))
    needed = Needed("pose.mmpose.weights", whole_config(folder, good, good).pose.mmpose.weights, path)  # type: ignore[union-attr]
    with pytest.raises(WeightsError, match="another one"):
        check_weights(needed)
    assert not harm.exists()
    assert "message_hub" in read_checkpoint(good)  # loss histories, opened since the whole hash is known


@needs_mmpose
def test_a_published_file_opens_by_its_first_digits(tmp_path: Path, reference: Any) -> None:
    import torch

    from camfuse.prep.pose.mmpose.openmmlab import build_hrnet, load_weights

    network, _ = reference(SMALL)
    path = tmp_path / "published.pth"
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    state = {name.replace("module.head", "module.keypoint_head"): value for name, value in state.items()}
    torch.save({"meta": {"epoch": 210, "score": np.float64(0.66), "ap": np.ones(3)}, "state_dict": state}, path)
    empty = build_hrnet(SMALL)
    load_weights(empty, Weights(path, sha256_of(path), sha256_of(path)[:8]))
    for name, value in network.state_dict().items():
        assert torch.equal(empty.state_dict()[name], value), name


@needs_mmpose
def test_weights_of_another_network_are_refused(reference: Any, detector: Any, tmp_path: Path) -> None:
    from camfuse.prep.pose.mmpose.openmmlab import build_hrnet, load_weights

    with pytest.raises(WeightsError, match="expected weights of TopdownPoseEstimator"):
        load_weights(build_hrnet(SMALL), detector[1])
    with pytest.raises(WeightsError, match="not the weights of this network"):
        load_weights(build_hrnet(SMALL), reference("hrnet_w48_256x192")[1])
    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(b"<html>404</html>")
    with pytest.raises(WeightsError, match=r"damaged\.pth"):
        load_weights(build_hrnet(SMALL), named(damaged))


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
    files = ["tests/prep/pose/mmpose/test_estimator.py", "tests/prep/pose/rtmlib/test_estimator.py"]
    done = subprocess.run([*python, *tests, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:]
    assert "SKIPPED" not in done.stdout, done.stdout[-2000:]
