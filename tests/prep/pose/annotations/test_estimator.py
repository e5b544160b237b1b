"""Keypoints from `.pose` files: made ones with known numbers, and the demo's real ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camfuse.clips.sources.fingerspelling import lexicon
from camfuse.clips.table import Clip
from camfuse.config.estimators import AnnotationsPose
from camfuse.errors import ClipError, MissingToolError
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.annotations.estimator import AnnotationsEstimator
from camfuse.prep.pose.annotations.pose_file import read_pose
from camfuse.prep.pose.estimator import Poses, check_poses

pose_format = pytest.importorskip("pose_format")

PARTS = {
    "POSE_LANDMARKS": 33,
    "FACE_LANDMARKS": 468,
    "LEFT_HAND_LANDMARKS": 21,
    "RIGHT_HAND_LANDMARKS": 21,
    "POSE_WORLD_LANDMARKS": 33,
}


def write_pose(
    path: Path, frames: int = 10, *, fps: float = 25, people: int = 1, size: tuple[int, int] = (500, 500), **parts: int
) -> Path:
    """Write a file in which, in frame t, landmark i of the file lies at x = 100 + i / 10, y = 10 t."""
    from pose_format.numpy import NumPyPoseBody
    from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

    components = [
        PoseHeaderComponent(name, [f"p{i}" for i in range(count)], [], [], "XYZC")
        for name, count in (parts or PARTS).items()
    ]
    points = sum(len(component.points) for component in components)
    data = np.zeros((frames, people, points, 3), np.float32)
    data[..., 0] = 100 + np.arange(points) / 10
    data[..., 1] = 10 * np.arange(frames)[:, None, None]
    score = np.ones((frames, people, points), np.float32)
    score[0, :, -33 - 42 : -33 - 21] = 0  # the left hand is not seen in the first frame
    header = PoseHeader(0.2, PoseHeaderDimensions(*size, 1000), components)
    with path.open("wb") as file:
        pose_format.Pose(header, NumPyPoseBody(fps, data, score)).write(file)
    return path


def clip(path: Path | None, end: float = float("inf")) -> Clip:
    return Clip("one", Path("one.mp4"), 0.0, end, path, "identity")


def frames(count: int, *, fps: float = 25, start: float = 0, size: tuple[int, int] = (500, 500)) -> ClipFrames:
    return ClipFrames([b""] * count, start + np.arange(count) / fps, size[1], size[0], fps)


def estimate(clip: Clip, frames: ClipFrames, **config: Any) -> Poses:
    with AnnotationsEstimator(AnnotationsPose(**config)) as estimator:
        poses = estimator.estimate(clip, frames)
    check_poses(poses, len(frames), clip=clip, estimator="annotations")
    return poses


def recorded_rows(poses: Poses) -> list[int]:
    """Which recorded frame each row came from, by the right shoulder's y."""
    return np.round((poses.keypoints[:, 6, 1] + 0.5) / 10).astype(int).tolist()


def test_the_image_spans_zero_to_width_so_pixels_are_half_less(tmp_path: Path) -> None:
    keypoints = estimate(clip(write_pose(tmp_path / "a.pose")), frames(10)).keypoints
    assert keypoints[3, 6] == pytest.approx((100 + 12 / 10 - 0.5, 30 - 0.5, 1))  # right shoulder = landmark 12
    assert keypoints[3, 112, 0] == pytest.approx(100 + (33 + 468 + 21) / 10 - 0.5)  # root of the right hand
    assert np.isnan(keypoints[0, 91:112, :2]).all()
    assert (keypoints[0, 91:112, 2] == 0).all()
    assert (keypoints[1:, 91:112, 2] == 1).all()


def test_scaled_to_the_size_of_the_frames(tmp_path: Path) -> None:
    poses = estimate(clip(write_pose(tmp_path / "a.pose")), frames(10, size=(240, 240)))
    assert poses.keypoints[3, 6, :2] == pytest.approx((101.2 * 0.48 - 0.5, 30 * 0.48 - 0.5))
    assert poses.boxes[3, 1] == pytest.approx(30 * 0.48 - 0.5)


def test_relative_paths_start_from_the_folder(tmp_path: Path) -> None:
    write_pose(tmp_path / "a.pose")
    assert recorded_rows(estimate(clip(Path("a.pose")), frames(10), folder=tmp_path)) == list(range(10))


def test_a_segment_takes_the_rows_of_its_time(tmp_path: Path) -> None:
    path = write_pose(tmp_path / "a.pose", 30)
    assert recorded_rows(estimate(clip(path, end=0.4), frames(5, start=0.2))) == [5, 6, 7, 8, 9]


def test_other_frame_rates_meet_in_time(tmp_path: Path) -> None:
    path = write_pose(tmp_path / "a.pose", 10, fps=12.5)
    poses = estimate(clip(path), frames(19, fps=25))
    assert recorded_rows(poses) == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9]
    assert not poses.filled.any()


def test_a_frame_more_at_the_end_repeats_the_last_pose_and_says_so(tmp_path: Path) -> None:
    poses = estimate(clip(write_pose(tmp_path / "a.pose", 10)), frames(11))
    assert recorded_rows(poses) == [*range(10), 9]
    assert poses.filled.tolist() == [False] * 10 + [True]


@pytest.mark.parametrize("count", [6, 14])
def test_frames_that_do_not_fit_are_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(ClipError, match=rf"expected keypoints of {count} frames .* found 10 frames at 25 fps"):
        estimate(clip(write_pose(tmp_path / "a.pose", 10)), frames(count))


def test_another_shape_of_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"expected keypoints of a 640x480 image .* found 500x500"):
        estimate(clip(write_pose(tmp_path / "a.pose")), frames(10, size=(640, 480)))


def test_no_file_named() -> None:
    with pytest.raises(ClipError, match="column `annotation`"):
        estimate(clip(None), frames(3))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="cannot read the keypoints: No such file"):
        estimate(clip(tmp_path / "a.pose"), frames(3))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_cut_file_is_refused(tmp_path: Path, share: float) -> None:
    path = write_pose(tmp_path / "a.pose")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ClipError, match="not a whole"):
        estimate(clip(path), frames(10))


def test_another_skeleton_is_refused(tmp_path: Path) -> None:
    path = write_pose(tmp_path / "a.pose", pose_keypoints_2d=24, hand_left_keypoints_2d=21, hand_right_keypoints_2d=21)
    with pytest.raises(ClipError, match=r"expected MediaPipe Holistic .* found pose_keypoints_2d 24"):
        estimate(clip(path), frames(10))


def test_a_reduced_file_gives_the_points_that_it_has(tmp_path: Path) -> None:
    """Shoulders in another order, three mesh points, no hands: only these are seen, at their own places."""
    path = write_pose(tmp_path / "a.pose", frames=2, POSE_LANDMARKS=2, FACE_LANDMARKS=3, RIGHT_HAND_LANDMARKS=21)
    names = {"POSE_LANDMARKS": ["RIGHT_SHOULDER", "LEFT_SHOULDER"], "FACE_LANDMARKS": ["127", "0", "7"]}
    pose = pose_format.Pose.read(path.read_bytes())
    pose.body.confidence[:] = 1
    for part in pose.header.components:
        part.points = names.get(part.name, part.points)
    with path.open("wb") as file:
        pose.write(file)
    keypoints = estimate(clip(path), frames(2)).keypoints[0]
    np.testing.assert_allclose(keypoints[[6, 5], 0], [99.5, 99.6], atol=1e-4)  # 100 + i / 10, less half a pixel
    np.testing.assert_allclose(keypoints[[23, 74], 0], [99.7, 99.8], atol=1e-4)  # 127 begins the jaw, 0 is a lip
    assert np.flatnonzero(~np.isnan(keypoints[:, 0])).tolist() == [5, 6, 23, 74, *range(112, 133)]


def test_points_of_unknown_names_are_refused(tmp_path: Path) -> None:
    path = write_pose(tmp_path / "a.pose", POSE_LANDMARKS=8, FACE_LANDMARKS=128)
    with pytest.raises(ClipError, match=r"found POSE_LANDMARKS 8, FACE_LANDMARKS 128"):
        estimate(clip(path), frames(10))


def test_every_recording_at_hand_is_read_or_refused_with_a_reason(shared_data: Path) -> None:
    read = {}
    for path in sorted((shared_data / "keypoints/pose_format").glob("*.pose")):
        try:
            stored = read_pose(path, path.stem)
        except ClipError as error:
            read[path.stem] = str(error).partition("expected")[2]
        else:
            assert np.isfinite(stored.keypoints[..., 5, 0]).mean() > 0.9, path  # a shoulder
            read[path.stem] = f"{len(stored)} frames"
    assert set(read) >= {"example", "mediapipe", "mediapipe_long", "openpose"}
    assert all(read.values())
    assert read["mediapipe"] == "170 frames"  # reduced to 178 points


def test_two_people_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"expected 1 person, .* found 2"):
        estimate(clip(write_pose(tmp_path / "a.pose", people=2)), frames(10))


def test_without_pose_format_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pose_format", None)
    with pytest.raises(MissingToolError, match="pip install 'pose-format"):
        estimate(clip(Path("a.pose")), frames(3))


def test_a_real_recording_has_its_hand_at_its_wrist() -> None:
    path = sorted((lexicon() / "ase").glob("*.pose"))[0]
    count = pose_format.Pose.read(path.read_bytes()).body.data.shape[0]
    keypoints = estimate(clip(path), frames(count)).keypoints
    seen = np.isfinite(keypoints[:, 112, 0]) & np.isfinite(keypoints[:, 10, 0])
    assert seen.mean() > 0.5
    assert np.abs(keypoints[seen, 112, :2] - keypoints[seen, 10, :2]).max() < 40  # pixels of 500
    width = np.nanmedian(keypoints[:, 5, 0] - keypoints[:, 6, 0])
    assert 100 < width < 350  # the signer's left shoulder is on the image's right
