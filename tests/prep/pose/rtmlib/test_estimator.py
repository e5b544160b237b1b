"""RTMW through rtmlib: small networks whose answer is known, in files like OpenMMLab's, and MMPose's own inference."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from camfuse.config import Config, dump_config, parse_config
from camfuse.errors import ConfigError, MissingToolError, WeightsError
from camfuse.prep.requirements import needed_packages, needed_weights
from camfuse.weights.needed import Weights, sha256_of

pytest.importorskip("rtmlib", reason="needs rtmlib: make rtmlib")
pytest.importorskip("onnxruntime", reason="needs onnxruntime: make rtmlib")
pytest.importorskip("onnx", reason="needs onnx, to make networks")

ROOT = Path(__file__).parents[4]
MODEL = "rtmw_l_384x288"
needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="needs OpenVINO: make rtmlib")
ENGINES = ["onnx", pytest.param("openvino", marks=needs_openvino)]


def files() -> Any:
    """The maker of networks; imported late, since it imports torch."""
    from tests.prep.pose.rtmlib import rtm_files

    return rtm_files


def named(path: Path) -> Weights:
    return Weights(path, sha256_of(path), sha256_of(path))


def settings(folder: Path, kind: str = "onnx") -> Any:
    from camfuse.prep.pose.engines import EngineSettings

    return EngineSettings(kind, "f32", "cpu", 2, folder)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The pose network's and the detector's file."""
    folder = tmp_path_factory.mktemp("rtmw")
    return files().pose_file(folder / "rtmw.zip"), files().detector_file(folder / "yolox.onnx")


def spots(red: tuple[float, float], blue: tuple[float, float], height: int = 240, width: int = 320) -> np.ndarray:
    """A dark grey image (RGB) with one red and one blue spot, brightest at the places given."""
    y, x = np.mgrid[:height, :width]
    image = np.full((height, width, 3), 40.0)
    for channel, (left, top) in ((0, red), (2, blue)):
        image[..., channel] += 200 * np.exp(-((x - left) ** 2 + (y - top) ** 2) / 50)
    return image.round().astype(np.uint8)


@pytest.mark.parametrize("kind", ENGINES)
def test_the_peaks_bins_are_the_keypoints_places(tmp_path: Path, kind: str) -> None:
    import torch

    from camfuse.prep.pose.rtmlib.estimator import Rtmw

    class Answer(torch.nn.Module):
        """Point k is at bin 3 k along x and 5 k along y with peaks 6 and 8; the last one is nowhere."""

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            nothing = images.mean(dim=(1, 2, 3)).view(-1, 1, 1) * 0
            points = torch.arange(133)
            x, y = torch.zeros(1, 133, 576), torch.zeros(1, 133, 768)
            x[0, points, 3 * points] = 6
            y[0, points, 5 * points] = 8
            x[0, 132], y[0, 132] = -1, -1
            return x + nothing, y + nothing

    path = files().pose_file(tmp_path / "fixed.zip", Answer())
    network = Rtmw(MODEL, named(path), settings(tmp_path, kind))  # type: ignore[arg-type]
    frames = [np.zeros((480, 640, 3), np.uint8)] * 2
    # box 1: 240 high, 120 wide; padded by 1.25 and widened to 3 : 4 it spans 225 x 300 around (200, 220).
    # box 2: 240 wide, 120 high: 300 x 400 around (300, 100)
    found = network.keypoints(frames, np.array([[140, 100, 260, 340], [180, 40, 420, 160]], np.float32))
    k = np.arange(132)
    for rows, (centre, size) in zip(found, [((200, 220), (225, 300)), ((300, 100), (300, 400))], strict=True):
        np.testing.assert_allclose(rows[:132, 0], centre[0] - size[0] / 2 + 1.5 * k * size[0] / 288, atol=1e-3)
        np.testing.assert_allclose(rows[:132, 1], centre[1] - size[1] / 2 + 2.5 * k * size[1] / 384, atol=1e-3)
        np.testing.assert_allclose(rows[:132, 2], 0.6, atol=1e-6)  # the lesser peak, of ten
    assert (found[:, 132, 2] < 0).all()


@pytest.mark.parametrize("kind", ENGINES)
def test_persons_have_boxes_and_scores_in_frame_pixels(tmp_path: Path, networks: Any, kind: str) -> None:
    from camfuse.prep.pose.rtmlib.estimator import YoloxPersons

    detector = YoloxPersons(named(networks[1]), settings(tmp_path, kind))
    bright, black = spots((80, 100), (60, 150)), np.zeros((240, 320, 3), np.uint8)
    found = detector.detect([bright, black, bright], 0.3)
    expected = files().PERSONS[:2] * np.float32([0.5, 0.5, 0.5, 0.5, 1])  # 320 x 240 fills 640 x 480 of the square
    assert [len(rows) for rows in found] == [2, 0, 2]
    np.testing.assert_allclose(found[0], expected)
    np.testing.assert_allclose(found[2], expected)
    assert [len(rows) for rows in detector.detect([bright], 0.7)] == [1]
    assert found[1].shape == (0, 5)


@pytest.mark.parametrize("kind", ENGINES)
def test_colours_are_rgb_and_batches_change_nothing(tmp_path: Path, networks: Any, kind: str) -> None:
    from camfuse.prep.pose.rtmlib.estimator import Rtmw

    network = Rtmw(MODEL, named(networks[0]), settings(tmp_path, kind))  # type: ignore[arg-type]
    places = [((80, 100), (60, 150)), ((120, 60), (90, 200)), ((70.5, 88.5), (130, 130))]
    frames = [spots(*place) for place in places]
    boxes = np.array([[40, 20, 160, 220], [30, 10, 150, 230], [40, 20, 170, 220]], np.float32)
    found = network.keypoints(frames, boxes)
    for rows, (red, blue) in zip(found, places, strict=True):
        np.testing.assert_allclose(rows[:100, :2], np.broadcast_to(red, (100, 2)), atol=0.75)
        np.testing.assert_allclose(rows[100:, :2], np.broadcast_to(blue, (33, 2)), atol=0.75)
        np.testing.assert_allclose(rows[:, 2], 240 / 255, atol=0.03)
    single = np.concatenate([network.keypoints([f], b[None]) for f, b in zip(frames, boxes, strict=True)])
    np.testing.assert_allclose(single, found, atol=1e-4)


def whole_config(folder: Path, networks: tuple[Path, Path], **rtmlib: Any) -> Config:
    pose, persons = networks
    values = {
        "weights": {"path": str(pose), "sha256": sha256_of(pose)},
        "detector": {"path": str(persons), "sha256": sha256_of(persons)[:16]},
    }
    return parse_config(
        {
            "output": str(folder / "results"),
            "clips": {"folder": {"videos": str(folder)}},
            "pose": {"rtmlib": values | rtmlib},
            "machine": {"device": "cpu", "weights": str(folder), "pose_batch": 4},
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ENGINES)
def test_the_stage_runs_from_a_made_video_to_a_shard(tmp_path: Path, networks: Any, kind: str) -> None:
    """Both spots move; for 2 and for 4 frames the detector finds nobody: the first gap is filled, the second is not."""
    from camfuse.run.shard import Shard

    config = whole_config(tmp_path, networks, engine=kind, fill=3)
    red, blue = [(70.0 + 2 * t, 60.0 + 3 * t) for t in range(20)], [(60.0, 200.0 - 4 * t) for t in range(20)]
    lost = {5, 6, 10, 11, 12, 13}
    video = tmp_path / "made.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 25, (320, 240))
    for time in range(20):
        frame = spots(red[time], blue[time])
        if time in lost:
            frame[:40, :40] = 0  # where the detector looks
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    clips = tmp_path / "clips.csv"
    clips.write_text(f"clip_id,video,start,end,annotation,identity\nmade,{video},0,,,abc\n")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(yaml.safe_load(dump_config(config))))
    common = [sys.executable, "-m", "camfuse"]
    options = ["--config", str(tmp_path / "config.yaml"), "--clips", str(clips), "--output"]
    subprocess.run([*common, "frames", *options, str(tmp_path / "f.h5")], cwd=ROOT, check=True)
    stage = [*common, "pose", *options, str(tmp_path / "p.h5"), "--frames", str(tmp_path / "f.h5")]
    subprocess.run(stage, cwd=ROOT, check=True)
    shard = Shard(tmp_path / "p.h5", stage="pose")
    keypoints, filled = shard.read("keypoints", "made"), shard.read("filled", "made")
    assert np.flatnonzero(filled).tolist() == [5, 6]
    assert np.flatnonzero(np.isnan(keypoints[..., 0]).all(axis=1)).tolist() == [10, 11, 12, 13]
    for time in set(range(20)) - {10, 11, 12, 13}:
        assert np.abs(keypoints[time, :100, :2] - red[time]).max() < 1.5  # half a pixel, and what the JPEGs add
        assert np.abs(keypoints[time, 100:, :2] - blue[time]).max() < 1.5
        np.testing.assert_allclose(shard.read("box", "made")[time], [40, 20, 160, 220, 0.9], rtol=1e-6)


def test_the_estimator_names_what_it_stands_on(tmp_path: Path, networks: Any) -> None:
    from camfuse.prep.pose.run import make_estimator

    with make_estimator(whole_config(tmp_path, networks)) as estimator:
        facts = estimator.provenance()
    assert facts["weights sha256"] == sha256_of(networks[0])
    assert set(facts) == {"estimator", "weights sha256", "detector sha256", "rtmlib", "onnxruntime"}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "expected one .onnx file inside, found none"),
        ({"a/end2end.onnx": b"1", "b/end2end.onnx": b"2"}, "found a/end2end.onnx, b/end2end.onnx"),
    ],
)
def test_a_zip_file_holds_one_network(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    from camfuse.prep.pose.rtmlib.estimator import read_network

    path = files().zipped(tmp_path / "some.zip", {"readme.txt": b"", **members})
    with pytest.raises(WeightsError, match=message):
        read_network(named(path))


def test_nothing_of_a_zip_file_reaches_the_disk(tmp_path: Path) -> None:
    from camfuse.prep.pose.rtmlib.estimator import read_network

    folder = tmp_path / "weights"
    folder.mkdir()
    path = files().zipped(folder / "climbing.zip", {"../../climbed.onnx": b"network", "../climbed.txt": b"text"})
    assert read_network(named(path)) == b"network"
    assert [one.name for one in tmp_path.rglob("*")] == ["weights", "climbing.zip"]


def test_a_damaged_zip_file_is_refused(tmp_path: Path) -> None:
    from camfuse.prep.pose.rtmlib.estimator import read_network

    path = files().zipped(tmp_path / "net.zip", {"net.onnx": bytes(range(256)) * 40})
    content = bytearray(path.read_bytes())
    content[60:70] = b"0123456789"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"net\.zip: the zip file cannot be read"):
        read_network(named(path))


def test_a_zip_bomb_stops_at_the_formats_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from camfuse.prep.pose.rtmlib import estimator as rtmw

    monkeypatch.setattr(rtmw, "LARGEST", 1000)
    with pytest.raises(WeightsError, match="at most 1000 bytes"):
        rtmw.read_network(named(files().zipped(tmp_path / "bomb.zip", {"net.onnx": bytes(1001)})))
    assert rtmw.read_network(named(files().zipped(tmp_path / "fine.zip", {"net.onnx": bytes(1000)}))) == bytes(1000)


@pytest.mark.parametrize("kind", ENGINES)
def test_other_networks_are_refused(tmp_path: Path, networks: Any, kind: str) -> None:
    from camfuse.prep.pose.rtmlib.estimator import Rtmw, YoloxPersons

    pose, persons = named(networks[0]), named(networks[1])
    some = settings(tmp_path, kind)
    with pytest.raises(WeightsError, match=r"one input \(B, 3, 256, 192\), found input"):
        Rtmw("rtmw_l_256x192", pose, some)
    with pytest.raises(WeightsError, match=r"one input \(B, 3, 640, 640\)"):
        YoloxPersons(pose, some)
    body = named(files().pose_file(tmp_path / "yolo.zip", files().FixedPersons()))
    with pytest.raises(WeightsError, match=r"expected a whole-body network .* found \(1, 3, 5\), \(1, 3\)"):
        Rtmw(MODEL, body, some).keypoints([np.zeros((9, 9, 3), np.uint8)], np.array([[0, 0, 9, 9]], np.float32))
    spotter = named(files().pose_file(tmp_path / "spots.zip", size=(640, 640)))
    with pytest.raises(WeightsError, match=r"expected a detector of OpenMMLab's SDK"):
        YoloxPersons(spotter, some).detect([np.zeros((9, 9, 3), np.uint8)], 0.3)
    text = tmp_path / "text.onnx"
    text.write_bytes(b"<html>404</html>")
    with pytest.raises(WeightsError, match="cannot load the network"):
        Rtmw(MODEL, named(text), some)
    assert persons.path.is_file()


def test_a_config_names_its_files(tmp_path: Path) -> None:
    def names(**rtmlib: Any) -> list[str]:
        values = {"clips": {"folder": {"videos": str(tmp_path)}}, "pose": {"rtmlib": rtmlib}}
        return [one.path.name for one in needed_weights(parse_config(values))]

    detector = "yolox_m_8xb8-300e_humanart-c2c7a14a.zip"
    assert names() == ["rtmw-dw-x-l_simcc-cocktail14_270e-384x288_20231122.zip", detector]
    assert names(model="rtmw_x_384x288")[0].startswith("rtmw-x_simcc-cocktail13_pt-ucoco_270e-384x288")
    with pytest.raises(ConfigError, match="bf16 needs engine openvino"):
        names(precision="bf16")


def test_the_packages_that_a_run_needs_are_named(tmp_path: Path, networks: Any) -> None:
    def names(**rtmlib: Any) -> set[str]:
        return {package.name for package in needed_packages(whole_config(tmp_path, networks, **rtmlib))}

    assert {"rtmlib", "onnxruntime"} <= names()
    assert "openvino" in names(engine="openvino")


def test_a_missing_package_is_said(tmp_path: Path, networks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from camfuse.clips.table import Clip
    from camfuse.prep.arrays import ClipFrames
    from camfuse.prep.pose.run import make_estimator

    monkeypatch.setitem(sys.modules, "rtmlib", None)
    estimator = make_estimator(whole_config(tmp_path, networks))
    clip = Clip("made", Path("made.mp4"), 0, float("inf"), None, "identity")
    with pytest.raises(MissingToolError, match="make rtmlib"):
        estimator.estimate(clip, ClipFrames([], np.zeros(0), 240, 320, 25))


@pytest.mark.skipif(find_spec("mmpose") is None, reason="needs MMPose: make mmpose")
def test_rtmw_agrees_with_mmpose(tmp_path: Path) -> None:
    """MMPose's own RTMW-m with random weights: `inference_topdown` beside its exported network run by us."""
    import torch

    from camfuse.prep.pose.mmpose.openmmlab import prepare
    from camfuse.prep.pose.rtmlib.estimator import Rtmw

    prepare()
    import mmpose
    from mmpose.apis import inference_topdown, init_model

    configs = Path(mmpose.__file__).parent / ".mim/configs/wholebody_2d_keypoint/rtmpose/cocktail14"
    options = {"model.backbone.init_cfg": None}
    network = init_model(str(configs / "rtmw-m_8xb1024-270e_cocktail14-256x192.py"), None, "cpu", options)
    network.test_cfg["flip_test"] = False
    torch.manual_seed(0)
    for parameter in network.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)

    class Maps(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> Any:
            return self.network.head(self.network.extract_feat(images))

    path = files().pose_file(tmp_path / "random.zip", Maps(), (256, 192))
    coarse = np.random.default_rng(7).integers(0, 255, (2, 6, 8, 3), np.uint8)
    frames = [cv2.resize(one, (320, 240)) for one in coarse]
    boxes = np.array([[60, 20, 220, 230], [-30, 40, 200, 260]], np.float32)
    found = Rtmw("rtmw_l_256x192", named(path), settings(tmp_path)).keypoints(frames, boxes)
    for frame, box, ours in zip(frames, boxes, found, strict=True):
        (sample,) = inference_topdown(network, frame[..., ::-1], box[None])
        theirs = sample.pred_instances
        np.testing.assert_allclose(ours[:, 2] * 10, theirs.keypoint_scores[0], rtol=1e-4)
        same = np.abs(ours[:, :2] - theirs.keypoints[0]).max(axis=1) <= 0.01
        assert same[theirs.keypoint_scores[0] > 0].mean() > 0.98  # elsewhere two bins tie
    assert np.ptp(found[0, :, 0]) > 20
