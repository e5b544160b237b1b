"""MediaPipe Holistic as an estimator."""

from contextlib import nullcontext
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from camfuse.clips.table import Clip
from camfuse.config.estimators import MediapipePose
from camfuse.errors import MissingToolError, WeightsError
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.frames import read_clip
from camfuse.prep.pose.estimator import Poses, check_poses
from camfuse.prep.pose.mediapipe import estimator as room
from camfuse.prep.pose.mediapipe.estimator import MediapipeEstimator, scored_by_presence
from camfuse.prep.pose.quality import detection_rates
from camfuse.skeleton import BODY, FACE, LEFT_HAND, RIGHT_HAND

pytest.importorskip("mediapipe")
CLIP = Clip("c", Path("c.mp4"), 0.0, float("inf"), None, "x")


@pytest.fixture(scope="module")
def estimator() -> MediapipeEstimator:
    return MediapipeEstimator(MediapipePose())


def still(count: int, height: int, width: int) -> ClipFrames:
    gray = cv2.imencode(".jpg", np.full((height, width, 3), 128, np.uint8))[1].tobytes()
    return ClipFrames([gray] * count, np.arange(count) / 25, height, width, 25.0)


def real(shared_data: Path, name: str, seconds: float) -> ClipFrames:
    clip = Clip("c", shared_data / "clips/wlasl/videos" / name, 0.0, seconds, None, "x")
    return read_clip(clip, 95)


def as_bytes(poses: Poses) -> bytes:
    return poses.keypoints.tobytes() + poses.boxes.tobytes()


@pytest.mark.parametrize(("height", "width"), [(96, 160), (1, 1), (7, 301)])
def test_nobody_is_nobody(height: int, width: int, estimator: MediapipeEstimator, capfd: Any) -> None:
    poses = estimator.estimate(CLIP, still(3, height, width))
    check_poses(poses, 3, clip=CLIP, estimator="mediapipe")
    assert np.isnan(poses.keypoints[..., :2]).all()
    assert np.isnan(poses.boxes[:, :4]).all()
    assert not poses.keypoints[..., 2].any()
    assert not poses.filled.any()
    assert capfd.readouterr().err == ""


def test_landmarks_become_pixels(estimator: MediapipeEstimator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A landmark at 0..1 across a 100 x 50 image lies at 100 x - 0.5; the mesh overrules nose and eyes."""

    def landmarks(count: int, x: float, y: float, visibility: float) -> SimpleNamespace:
        return SimpleNamespace(landmark=[SimpleNamespace(x=x, y=y, visibility=visibility)] * count)

    answers = iter(
        [
            SimpleNamespace(
                pose_landmarks=landmarks(33, 0.5, 0.1, 0.25),
                face_landmarks=landmarks(478, 0.25, 0.5, 0.0),
                left_hand_landmarks=landmarks(21, 1.2, 1.0, 0.0),
                right_hand_landmarks=None,
            ),
            SimpleNamespace(
                pose_landmarks=landmarks(33, 0.5, 0.1, 0.25),
                face_landmarks=None,
                left_hand_landmarks=None,
                right_hand_landmarks=landmarks(21, 0.0, 0.0, 0.0),
            ),
        ]
    )
    holistic = SimpleNamespace(process=lambda image: next(answers))
    monkeypatch.setattr(MediapipeEstimator, "_holistic", lambda self: nullcontext(holistic))
    poses = estimator.estimate(CLIP, still(2, height=50, width=100))
    check_poses(poses, 2, clip=CLIP, estimator="mediapipe")
    first, second = poses.keypoints
    # found in one of the two frames: the score of face and hands is 0.5
    np.testing.assert_allclose(first[[0, 1, 2]], [[24.5, 24.5, 0.5]] * 3)
    np.testing.assert_allclose(first[3:23], [[49.5, 4.5, 0.25]] * 20, rtol=1e-6)
    np.testing.assert_allclose(first[list(FACE)], [[24.5, 24.5, 0.5]] * 68)
    np.testing.assert_allclose(first[list(LEFT_HAND)], [[119.5, 49.5, 0.5]] * 21)  # outside the image, and kept
    assert np.isnan(first[list(RIGHT_HAND), 0]).all()
    np.testing.assert_allclose(second[:23], [[49.5, 4.5, 0.25]] * 23, rtol=1e-6)
    assert np.isnan(second[[*FACE, *LEFT_HAND], 0]).all()
    np.testing.assert_allclose(second[list(RIGHT_HAND)], [[-0.5, -0.5, 0.5]] * 21)
    np.testing.assert_allclose(poses.boxes[:, :4], [[24.5, 4.5, 119.5, 49.5], [-0.5, -0.5, 49.5, 4.5]])


def test_the_score_of_a_part_is_its_share_of_the_frames_around() -> None:
    part = np.full((8, 21, 3), np.nan, np.float32)
    part[[0, 1, 2, 3, 7]] = (3, 4, 1)
    scores = scored_by_presence(part)[:, 0, 2]
    np.testing.assert_allclose(scores[[0, 1, 2, 3, 7]], [1, 1, 4 / 5, 3 / 5, 1 / 3], rtol=1e-6)
    assert np.isnan(scores[4:7]).all()
    assert (part[0] == (3, 4, 1)).all()  # the caller's array is as it was


def test_a_real_signer(shared_data: Path, estimator: MediapipeEstimator) -> None:
    frames = real(shared_data, "01377.mp4", 1.0)
    poses = estimator.estimate(CLIP, frames)
    check_poses(poses, len(frames), clip=CLIP, estimator="mediapipe")
    rates = detection_rates(poses.keypoints)
    assert min(rates["body"], rates["face"]) == 1.0
    middle = np.nanmedian(poses.keypoints, axis=0)
    # The signer faces the camera: their left is on the image's right, for body, eyes and hands alike.
    for left, right in ((5, 6), (1, 2), (9, 10), (LEFT_HAND[0], RIGHT_HAND[0])):
        assert middle[left, 0] > middle[right, 0]
    # Hands hang at the wrists, the nose is between the ears and above the shoulders.
    for wrist, root in ((9, LEFT_HAND[0]), (10, RIGHT_HAND[0])):
        assert np.hypot(*(middle[wrist, :2] - middle[root, :2])) < 0.05 * frames.width
    assert middle[4, 0] < middle[0, 0] < middle[3, 0]
    assert middle[0, 1] < middle[5, 1]
    assert middle[list(BODY[:7]), 2].min() > 0.9


def test_a_clip_gives_the_same_bytes_whatever_came_before(shared_data: Path, estimator: MediapipeEstimator) -> None:
    one, other = real(shared_data, "01377.mp4", 0.2), real(shared_data, "12226.mp4", 0.2)
    before = as_bytes(estimator.estimate(CLIP, one))
    estimator.estimate(CLIP, other)
    assert as_bytes(estimator.estimate(CLIP, one)) == before


def test_provenance_names_version_and_weights(estimator: MediapipeEstimator) -> None:
    found = estimator.provenance()
    assert found["mediapipe"] == "0.10.21"
    hashes = found["sha256"]
    assert isinstance(hashes, dict)
    assert set(hashes) == set(room.MODELS)
    assert (
        hashes["pose_landmark/pose_landmark_full.tflite"]
        == "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f"
    )


def test_without_mediapipe(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(room, "version", nothing)
    with pytest.raises(MissingToolError, match=r"not installed: make videos, or pip install --no-deps mediapipe"):
        MediapipeEstimator(MediapipePose())


def test_another_mediapipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "version", lambda name: "0.10.35")
    with pytest.raises(MissingToolError, match=r"needs mediapipe 0.10.21, found 0.10.35, which has no models"):
        MediapipeEstimator(MediapipePose())


def test_a_protobuf_that_mediapipe_does_not_run_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "version", {"mediapipe": room.VERSION, "protobuf": "7.36.2"}.__getitem__)
    with pytest.raises(MissingToolError, match=r"does not run with protobuf 7\.36\.2: pip install 'protobuf>=4"):
        MediapipeEstimator(MediapipePose())


@pytest.mark.parametrize("complexity", [None, 1])
def test_the_wheels_own_model_of_the_body(complexity: Any) -> None:
    section = MediapipePose(complexity=complexity)
    assert room.require_body_model(section) == "pose_landmark/pose_landmark_full.tflite"
    assert list(MediapipeEstimator(section).provenance()["sha256"]) == list(room.MODELS)  # type: ignore[call-overload]


@pytest.mark.parametrize(("complexity", "name"), [(0, "lite"), (2, "heavy")])
def test_models_that_are_not_in_the_wheel(
    complexity: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "require_mediapipe", lambda: SimpleNamespace(__file__=str(tmp_path / "__init__.py")))
    section = MediapipePose(complexity=complexity)
    with pytest.raises(MissingToolError, match=rf"npm pack @mediapipe/holistic.*package/pose_landmark_{name}.tflite"):
        MediapipeEstimator(section)
    path = tmp_path / "modules" / "pose_landmark" / f"pose_landmark_{name}.tflite"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"another model")
    with pytest.raises(WeightsError, match=r"expected sha256 .* found"):
        MediapipeEstimator(section)


def test_the_default_is_the_fingerprint_of_before() -> None:
    assert "complexity" not in MediapipePose().model_dump(mode="json", exclude_none=True)
