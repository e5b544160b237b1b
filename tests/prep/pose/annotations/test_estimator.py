"""Keypoints from `.pose` files: made ones with known numbers, and the demo's real ones."""

from pathlib import Path

import pytest

from camfuse.errors import ClipError
from tests.prep.pose.annotations.made_files import clip, estimate, frames, recorded_rows, write_pose

pose_format = pytest.importorskip("pose_format")


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


def test_suffixes_in_any_case(tmp_path: Path) -> None:
    path = write_pose(tmp_path / "a.POSE")
    assert recorded_rows(estimate(clip(path), frames(10))) == list(range(10))


@pytest.mark.parametrize("name", ["a.npy", "a.json", "a.pkl.gz", "a"])
def test_another_kind_of_file_is_not_taken_for_a_pose_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    found = "no suffix" if name == "a" else name[1:]
    with pytest.raises(ClipError, match=rf"expected .* ends in \.pkl, \.pickle or \.pose, found {found}"):
        estimate(clip(tmp_path / name), frames(3))
