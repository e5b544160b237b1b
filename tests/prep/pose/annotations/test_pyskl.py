"""Annotation pickles as PYSKL and MMAction2 have them."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camfuse.clips.table import Clip
from camfuse.errors import ClipError
from camfuse.prep.pose.annotations.pyskl import AnnotationPickle
from tests.prep.pose.annotations.made_files import HEIGHT, WIDTH, entry, read_back


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def make(*entries: Any, content: Any = None) -> Path:
        path = tmp_path / "theirs.pkl"
        path.write_bytes(pickle.dumps(content or {"split": {}, "annotations": list(entries)}))
        return path

    return make


def test_seventeen_points_are_the_body_and_the_rest_is_missing(write: Callable[..., Path]) -> None:
    made = entry()
    keypoints = read_back(write(made), "one", 10).keypoints
    np.testing.assert_array_equal(keypoints[:, :17, :2], made["keypoint"][0])
    assert (keypoints[:, :17, 2] == 0.5).all()
    assert np.isnan(keypoints[:, 17:, :2]).all()


def test_several_persons_are_one_signer_whatever_their_order(write: Callable[..., Path]) -> None:
    grid = np.stack(np.meshgrid(np.arange(7) / 6, np.arange(19) / 18), -1).reshape(133, 2)
    signer, other = grid * (200, 400) + (200, 40), grid * (60, 150) + (20, 60)
    points, scores = np.zeros((3, 10, 133, 2), np.float16), np.zeros((3, 10, 133), np.float16)
    for time in range(10):
        order = (0, 1) if time % 3 else (2, 0)
        points[order[0], time], points[order[1], time] = signer + time, other
        scores[order[0], time], scores[order[1], time] = 0.6, 0.9
    keypoints = read_back(write(entry(keypoint=points, keypoint_score=scores)), "one", 10).keypoints
    np.testing.assert_allclose(keypoints[..., :2], signer + np.arange(10)[:, None, None], atol=0.25)


@pytest.mark.parametrize("name", ["one", "train/one.mp4", "videos/one", "one.avi"])
def test_an_entry_is_found_by_its_name(write: Callable[..., Path], name: str) -> None:
    assert len(read_back(write(entry(frame_dir="two"), entry(frame_dir=name)), "one", 10).keypoints) == 10


def found(path: Path, clip_id: str, video: str, parts: int = 1) -> int:
    """Return the number of the entry that a clip gets: entry n has the score n / 8 everywhere."""
    clip = Clip(clip_id, Path(video), 0.0, float("inf"), path, "x", parts)
    return round(float(AnnotationPickle(path).poses(clip).keypoints[0, 0, 0, 2]) * 8)


def numbered(*names: str) -> list[dict[str, Any]]:
    return [
        entry(frame_dir=name, keypoint_score=np.full((1, 10, 17), number / 8, np.float16))
        for number, name in enumerate(names, start=1)
    ]


def test_each_clip_finds_the_entry_of_its_folder(write: Callable[..., Path]) -> None:
    path = write(*numbered("thanks/1", "hello/1.mp4", "base.v2", "base"))
    assert found(path, "hello--1", "v/hello/1.mp4", 2) == 2
    assert found(path, "thanks--1", "v/thanks/1.mov", 2) == 1
    assert found(path, "base.v2", "v/base.v2.mp4") == 3
    assert found(path, "other", "v/base.mp4") == 4


def test_the_longest_path_in_common_wins_and_roots_may_differ(write: Callable[..., Path]) -> None:
    path = write(*numbered("/home/me/train/hello/1", "/home/me/test/hello/1", "bye/1"))
    assert found(path, "a", "v/train/hello/1.mp4", 3) == 1
    assert found(path, "b", "v/test/hello/1.mp4", 3) == 2
    assert found(path, "c", "/elsewhere/bye/1.mp4", 2) == 3
    with pytest.raises(ClipError, match="found 2"):
        found(path, "d", "v/hello/1.mp4", 2)


def test_the_clips_id_wins_over_names(write: Callable[..., Path]) -> None:
    path = write(*numbered("1", "hello--2", "x/hello/2"))
    assert found(path, "hello--2", "x/hello/2.mp4") == 2
    assert found(path, "1", "x/hello/3.mp4") == 1


FOREIGN = {
    "another folder": (["thanks/1"], "v/hello/1.mp4", 1, r"'hello--1' or '1', found 0; .* thanks/1$"),
    "a bare name that another clip has too": (["1"], "v/hello/1.mp4", 2, r"'hello--1' or 'hello/1', found 0; .*: 1$"),
    "a bare name that another entry has too": (["1", "thanks/1"], "v/hello/1.mp4", 1, "found 0; .*: 1, thanks/1$"),
    "a longer name": (["1.v2"], "v/hello/1.mp4", 1, "found 0$"),
    "a folder that two clips have": (["hello/1"], "v/test/hello/1.mp4", 3, r"'test/hello/1', found 0; .*: hello/1$"),
    "segments of one video": (["v/hello/1"], "v/hello/1.mp4", 0, r"frame_dir 'hello--1', found 0; .*: v/hello/1$"),
}


@pytest.mark.parametrize(("names", "video", "parts", "message"), FOREIGN.values(), ids=FOREIGN)
def test_the_keypoints_of_another_clip_are_never_taken(
    write: Callable[..., Path], names: list[str], video: str, parts: int, message: str
) -> None:
    with pytest.raises(ClipError, match=message):
        found(write(*numbered(*names)), "hello--1", video, parts)


def test_one_pickle_for_all_clips(write: Callable[..., Path]) -> None:
    path = write(entry())
    assert len(read_back(None, "one", 10, folder=path.parent, file=path.name).keypoints) == 10


def test_another_size_of_image_is_scaled_about_the_pixels_centres(write: Callable[..., Path]) -> None:
    made = entry(img_shape=(HEIGHT * 2, WIDTH * 2))
    expected = (made["keypoint"][0].astype(np.float32) + 0.5) / 2 - 0.5
    np.testing.assert_allclose(read_back(write(made), "one", 10).keypoints[:, :17, :2], expected, rtol=1e-5)


@pytest.mark.parametrize("kind", [np.int64, np.float32])
def test_a_size_may_be_an_array(write: Callable[..., Path], kind: type) -> None:
    made = entry(img_shape=np.array([HEIGHT, WIDTH], kind))
    np.testing.assert_array_equal(read_back(write(made), "one", 10).keypoints[:, :17, :2], made["keypoint"][0])


def test_a_third_coordinate_beside_scores_is_not_read(write: Callable[..., Path]) -> None:
    points = np.concatenate([np.full((1, 10, 17, 2), 7.0), np.full((1, 10, 17, 1), -3.0)], axis=-1)
    keypoints = read_back(write(entry(keypoint=points)), "one", 10).keypoints
    assert (keypoints[:, :17] == (7, 7, 0.5)).all()


def test_a_frame_too_few_at_the_end_is_marked(write: Callable[..., Path]) -> None:
    assert read_back(write(entry()), "one", 11).filled.tolist() == [False] * 10 + [True]


POINTS = np.zeros((1, 10, 17, 2), np.float16)


ODD = {
    "other frame count": (entry(frames=20), r"expected keypoints of 10 frames .*, found 20 frames$"),
    "counts that disagree": (entry(total_frames=9), r"of 9 frames \(total_frames\), found 1 x 10"),
    "other key name": (entry(keypoint=None, kp=POINTS), "expected `keypoint`, an array .*; found the keys .*, kp"),
    "no scores": (entry(keypoint_score=None), "expected `keypoint_score`, an array .*; found the keys frame_dir"),
    "scores of another shape": (entry(keypoint_score=np.ones((1, 9, 17))), r"\(1, 10, 17\), found \(1, 9, 17\)"),
    "another skeleton": (entry(count=25), r"17 or 133, 2\), found \(1, 10, 25, 2\)"),
    "no size": (entry(img_shape=None), r"expected `img_shape` \(height, width\) in pixels, found None"),
    "sizes that are none": (entry(img_shape=np.array([0.5, 320])), r"expected `img_shape` .* found \[0\.5, 320\.0\]"),
    "an infinite size": (entry(img_shape=(float("inf"), 320)), r"expected `img_shape` .* found \(inf, 320\)"),
    "z in place of the score": (
        entry(keypoint=np.full((1, 10, 17, 3), -0.5), keypoint_score=None),
        r"or scores of 0 to 1 as third column .* found values of -0\.50 to 0\.00 there, as of a third coordinate",
    ),
    "a large z": (
        entry(keypoint=np.full((1, 10, 17, 3), 40.0), keypoint_score=None),
        r"found values of 0\.00 to 40\.00",
    ),
    "no name": (entry(frame_dir=None), "expected `frame_dir` in each annotation, found the keys"),
    "another name": (entry(frame_dir="two"), "expected one annotation with frame_dir 'one', found 0"),
    "a list": (entry(keypoint=[[1, 2]]), "expected `keypoint`, an array .*; found list"),
    "nobody": (entry(persons=0), "found 0 x 10"),
}


@pytest.mark.bad_input("keypoints of other frames, other keys or another skeleton", "left out")
@pytest.mark.parametrize(("made", "message"), ODD.values(), ids=ODD)
def test_what_does_not_fit_is_said_in_one_line(write: Callable[..., Path], made: dict[str, Any], message: str) -> None:
    with pytest.raises(ClipError, match=message) as caught:
        read_back(write(made), "one", 10)
    assert "\n" not in str(caught.value)


def test_a_name_twice_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(ClipError, match="found 2"):
        read_back(write(entry(), entry()), "one", 10)


def test_scores_may_be_the_third_column(write: Callable[..., Path]) -> None:
    points = np.concatenate([np.full((10, 133, 2), 7.0), np.full((10, 133, 1), 0.25)], axis=-1)
    keypoints = read_back(write(entry(keypoint=points, keypoint_score=None)), "one", 10).keypoints
    assert (keypoints == (7, 7, 0.25)).all()


@pytest.mark.bad_input("a pickle that would run a program", "left out; nothing of it runs")
def test_another_form_and_an_attack_are_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(ClipError, match=r"expected `split` and `annotations`, .* found the keys video, pose"):
        read_back(write(content={"video": 1, "pose": 2}), "one", 10)
    with pytest.raises(ClipError, match=r"found a call of builtins\.eval"):
        read_back(write(entry(label=Attack())), "one", 10)


class Attack:
    def __reduce__(self) -> Any:
        return eval, ("1",)
