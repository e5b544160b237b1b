"""MediaPipe's landmarks in `.pose` files: whole, reduced, cut, and of the demo."""

from pathlib import Path

import numpy as np
import pytest

from camfuse.clips.sources.fingerspelling import lexicon
from camfuse.errors import ClipError, MissingToolError
from tests.prep.pose.annotations.made_files import (
    clip,
    estimate,
    frames,
    write_pose,
)

pose_format = pytest.importorskip("pose_format")


def test_the_image_spans_zero_to_width_so_pixels_are_half_less(tmp_path: Path) -> None:
    keypoints = estimate(clip(write_pose(tmp_path / "a.pose")), frames(10)).keypoints
    assert keypoints[3, 6] == pytest.approx((100 + 12 / 10 - 0.5, 30 - 0.5, 1))  # right shoulder = landmark 12
    assert keypoints[3, 112, 0] == pytest.approx(100 + (33 + 468 + 21) / 10 - 0.5)  # root of the right hand
    assert np.isnan(keypoints[0, 91:112, :2]).all()
    assert (keypoints[0, 91:112, 2] == 0).all()
    assert (keypoints[1:, 91:112, 2] == 1).all()


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
