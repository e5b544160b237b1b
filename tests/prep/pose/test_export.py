"""Our keypoints in others' forms, and back: pickles of PYSKL / MMAction2 and `.pose` files."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mmaction_peer import environment_with_mmaction, run_with_mmaction
from typer.testing import CliRunner

from camfuse.cli import app
from camfuse.clips.table import COLUMNS, Clip
from camfuse.config import Config, dump_config
from camfuse.config.estimators import AnnotationsPose
from camfuse.errors import ClipError, ConfigError, StaleShardError
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.annotations.estimator import AnnotationsEstimator
from camfuse.prep.pose.estimator import Poses, check_poses
from camfuse.prep.pose.export import NEW_NAME, OLD_NAME, export_pose, export_pyskl
from camfuse.run.shard import ClipData, LeftOut, Shard, ShardWriter
from camfuse.run.stages import fingerprint

FRAMES = {"a": 12, "b": 7, "c": 40}
HEIGHT, WIDTH, FPS = 480, 640, 25.0


@pytest.fixture
def run(make_config: Any) -> Config:
    """Return the config of a run with the poses of clips a, b and c; another, d, has none."""
    config: Config = make_config(clips={"folder": {"videos": "videos"}, "shards": 1}, bad_clips="skip")
    rng = np.random.default_rng(5)
    mark = fingerprint("pose", config)
    path = config.output / "pose" / "0000.h5"
    with ShardWriter(path, stage="pose", fingerprint=mark, provenance={}) as writer:
        for clip_id, count in FRAMES.items():
            keypoints = rng.uniform(-20, 640, (count, 133, 3)).astype(np.float32)
            keypoints[..., 2] = rng.uniform(0.01, 1, (count, 133))
            keypoints[rng.random((count, 133)) < 0.1] = (np.nan, np.nan, 0)
            keypoints[2] = (np.nan, np.nan, 0)
            facts = {"height": HEIGHT, "width": WIDTH, "fps": FPS}
            frames = {"keypoints": keypoints, "box": np.zeros((count, 5)), "filled": np.zeros(count, bool)}
            writer.add(clip_id, ClipData(frames, facts=facts))
        writer.leave_out("d", LeftOut("frames", "cannot be decoded"))
    rows = [
        {**dict.fromkeys(COLUMNS, ""), "clip_id": clip_id, "split": split, "label": label, "class_index": index}
        for clip_id, split, label, index in (("a", "train", "yes", 1), ("b", "val", "no", 0), ("c", "train", "no", 0))
    ]
    rows.append({**rows[0], "clip_id": "d"})
    (config.output / "clips").mkdir()
    table = pd.DataFrame(rows).assign(start=0.0, end=np.nan, shard="0000", identity="x")
    table.to_csv(config.output / "clips" / "clips.csv", index=False)
    return config


def stored(run: Config, clip_id: str) -> np.ndarray:
    return Shard(run.output / "pose" / "0000.h5", stage="pose").read("keypoints", clip_id)


def read_back(annotation: Path | None, clip_id: str, count: int, **config: Any) -> Poses:
    clip = Clip(clip_id, Path(f"{clip_id}.mp4"), 0.0, float("inf"), annotation, "x")
    frames = ClipFrames([b""] * count, np.arange(count) / FPS, HEIGHT, WIDTH, FPS)
    with AnnotationsEstimator(AnnotationsPose(**config)) as estimator:
        poses = estimator.estimate(clip, frames)
    check_poses(poses, count, clip=clip, estimator="annotations")
    return poses


def test_our_shard_to_pyskl_and_back_to_half_precision(run: Config, tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    assert export_pyskl(run, path) == 3
    for clip_id, count in FRAMES.items():
        expected = stored(run, clip_id)
        found = read_back(path, clip_id, count).keypoints
        np.testing.assert_array_equal(found, expected.astype(np.float16).astype(np.float32))
        np.testing.assert_allclose(found[..., :2], expected[..., :2], atol=0.25)  # half of 1/2 px below 1024
        np.testing.assert_allclose(found[..., 2], expected[..., 2], atol=2**-12)


def test_our_shard_to_pose_files_and_back_to_the_bit(run: Config, tmp_path: Path) -> None:
    pytest.importorskip("pose_format")
    assert export_pose(run, tmp_path / "poses") == 3
    for clip_id, count in FRAMES.items():
        poses = read_back(tmp_path / "poses" / f"{clip_id}.pose", clip_id, count)
        np.testing.assert_array_equal(poses.keypoints, stored(run, clip_id))


def test_a_pose_file_has_the_parts_and_names_of_pose_format(run: Config, tmp_path: Path) -> None:
    pose_format = pytest.importorskip("pose_format")
    header = pytest.importorskip("pose_format.utils.cocowholebody133_header")
    export_pose(run, tmp_path)
    parts = pose_format.Pose.read((tmp_path / "a.pose").read_bytes()).header.components
    for part, theirs in zip(parts, header.cocowholebody_components(), strict=True):
        assert (part.name, part.points, part.format) == (theirs.name, theirs.points, theirs.format)
        assert all(0 <= point < len(part.points) for limb in part.limbs for point in limb)


def test_the_pickle_is_of_pyskl_s_form(run: Config, tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    export_pyskl(run, path)
    content = pickle.loads(path.read_bytes())
    assert content["split"] == {"train": ["a", "c"], "val": ["b"], "test": []}
    first = content["annotations"][0]
    assert (first["frame_dir"], first["label"], first["total_frames"]) == ("a", 1, 12)
    assert first["img_shape"] == first["original_shape"] == (HEIGHT, WIDTH)
    assert (first["keypoint"].shape, first["keypoint"].dtype) == ((1, 12, 133, 2), np.float16)
    assert (first["keypoint_score"].shape, first["keypoint_score"].dtype) == ((1, 12, 133), np.float16)
    assert (first["keypoint"][0, 2] == 0).all()
    assert (first["keypoint_score"][0, 2] == 0).all()
    assert NEW_NAME not in path.read_bytes()
    assert path.read_bytes().count(OLD_NAME) == 1  # numpy 1 can read it


@pytest.mark.torture
def test_mmaction2_loads_the_pickle_and_draws_its_heatmaps(run: Config, tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    export_pyskl(run, path)
    environment = environment_with_mmaction(tmp_path / "peer")
    said = run_with_mmaction(environment, Path(__file__).with_name("mmaction_heatmaps.py"), path)
    found = json.loads(said.splitlines()[-1])
    assert (found["clips"], found["label"], found["shape"]) == (2, 1, [1, 133, 8, 64, 64])
    assert 0.5 < found["peak"] <= 1


def test_a_stale_shard_and_another_name_are_refused(run: Config, tmp_path: Path, make_config: Any) -> None:
    with pytest.raises(ConfigError, match=r"end in \.pkl"):
        export_pyskl(run, tmp_path / "a.json")
    with pytest.raises(StaleShardError):
        export_pyskl(make_config(frames={"quality": 50}), tmp_path / "a.pkl")


def test_the_command_exports_both(run: Config, tmp_path: Path) -> None:
    pytest.importorskip("pose_format")
    config = tmp_path / "config.yaml"
    config.write_text(dump_config(run))
    for form, output in (("pyskl", tmp_path / "a.pkl"), ("pose", tmp_path / "poses")):
        answer = CliRunner().invoke(app, ["export", "-c", str(config), "--format", form, "--output", str(output)])
        assert answer.exit_code == 0, answer.output
        assert "3 clips" in answer.output
    assert len(list((tmp_path / "poses").glob("*.pose"))) == 3
    assert (tmp_path / "a.pkl").exists()


# --------------------------------------------------------------------------------- pickles of others


def entry(count: int = 17, persons: int = 1, frames: int = 10, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    made = {
        "frame_dir": "one",
        "total_frames": frames,
        "img_shape": (HEIGHT, WIDTH),
        "label": 3,
        "keypoint": rng.uniform(10, 400, (persons, frames, count, 2)).astype(np.float16),
        "keypoint_score": np.full((persons, frames, count), 0.5, np.float16),
    }
    return {key: value for key, value in (made | changes).items() if value is not None}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def make(*entries: Any, content: Any = None) -> Path:
        path = tmp_path / "theirs.pkl"
        path.write_bytes(pickle.dumps(content or {"split": {}, "annotations": list(entries)}))
        return path

    return make


def test_seventeen_points_are_the_body_and_the_rest_is_missing(write: Any) -> None:
    made = entry()
    keypoints = read_back(write(made), "one", 10).keypoints
    np.testing.assert_array_equal(keypoints[:, :17, :2], made["keypoint"][0])
    assert (keypoints[:, :17, 2] == 0.5).all()
    assert np.isnan(keypoints[:, 17:, :2]).all()


def test_several_persons_are_one_signer_whatever_their_order(write: Any) -> None:
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
def test_an_entry_is_found_by_its_name(write: Any, name: str) -> None:
    assert len(read_back(write(entry(frame_dir="two"), entry(frame_dir=name)), "one", 10).keypoints) == 10


def test_one_pickle_for_all_clips(write: Any) -> None:
    path = write(entry())
    assert len(read_back(None, "one", 10, folder=path.parent, file=path.name).keypoints) == 10


def test_another_size_of_image_is_scaled_about_the_pixels_centres(write: Any) -> None:
    made = entry(img_shape=(HEIGHT * 2, WIDTH * 2))
    expected = (made["keypoint"][0].astype(np.float32) + 0.5) / 2 - 0.5
    np.testing.assert_allclose(read_back(write(made), "one", 10).keypoints[:, :17, :2], expected, rtol=1e-5)


def test_a_frame_too_few_at_the_end_is_marked(write: Any) -> None:
    assert read_back(write(entry()), "one", 11).filled.tolist() == [False] * 10 + [True]


POINTS = np.zeros((1, 10, 17, 2), np.float16)
ODD = {
    "other frame count": (entry(frames=20), r"expected keypoints of 10 frames .*, found 20 frames$"),
    "counts that disagree": (entry(total_frames=9), r"of 9 frames \(total_frames\), found 1 x 10"),
    "other key name": (entry(keypoint=None, kp=POINTS), "expected `keypoint`, an array .*; found the keys .*, kp"),
    "no scores": (entry(keypoint_score=None), "expected `keypoint_score`, an array .*; found the keys frame_dir"),
    "scores of another shape": (entry(keypoint_score=np.ones((1, 9, 17))), r"\(1, 10, 17\), found \(1, 9, 17\)"),
    "another skeleton": (entry(count=25), r"17 or 133, 2\), found \(1, 10, 25, 2\)"),
    "no size": (entry(img_shape=None), r"expected `img_shape` \(height, width\), found None"),
    "no name": (entry(frame_dir=None), "expected `frame_dir` in each annotation, found the keys"),
    "another name": (entry(frame_dir="two"), "expected one annotation with frame_dir 'one', found 0"),
    "a list": (entry(keypoint=[[1, 2]]), "expected `keypoint`, an array .*; found list"),
    "nobody": (entry(persons=0), "found 0 x 10"),
}


@pytest.mark.parametrize(("made", "message"), ODD.values(), ids=ODD)
def test_what_does_not_fit_is_said_in_one_line(write: Any, made: dict[str, Any], message: str) -> None:
    with pytest.raises(ClipError, match=message) as caught:
        read_back(write(made), "one", 10)
    assert "\n" not in str(caught.value)


def test_a_name_twice_is_refused(write: Any) -> None:
    with pytest.raises(ClipError, match="found 2"):
        read_back(write(entry(), entry()), "one", 10)


def test_scores_may_be_the_third_column(write: Any) -> None:
    points = np.concatenate([np.full((10, 133, 2), 7.0), np.full((10, 133, 1), 0.25)], axis=-1)
    keypoints = read_back(write(entry(keypoint=points, keypoint_score=None)), "one", 10).keypoints
    assert (keypoints == (7, 7, 0.25)).all()


def test_another_form_and_an_attack_are_refused(write: Any) -> None:
    with pytest.raises(ClipError, match=r"expected `split` and `annotations`, .* found the keys video, pose"):
        read_back(write(content={"video": 1, "pose": 2}), "one", 10)
    with pytest.raises(ClipError, match=r"found a call of builtins\.eval"):
        read_back(write(entry(label=Attack())), "one", 10)


class Attack:
    def __reduce__(self) -> Any:
        return eval, ("1",)


# ------------------------------------------------------------------------------ real `.pose` files

REAL = {"example.pose": 66, "openpose.pose": 93, "mediapipe.pose": 170, "mediapipe_long.pose": 278}


@pytest.mark.parametrize(("name", "count"), REAL.items())
def test_real_pose_files_are_read(shared_data: Path, name: str, count: int) -> None:
    pytest.importorskip("pose_format")
    path = shared_data / "keypoints" / "pose_format" / name
    clip = Clip("one", Path("one.mp4"), 0.0, float("inf"), path, "x")
    frames = ClipFrames([b""] * count, np.arange(count) / 24, 1000, 1000, 24)
    with AnnotationsEstimator(AnnotationsPose()) as estimator:
        poses = estimator.estimate(clip, frames)
    check_poses(poses, count, clip=clip, estimator="annotations")
    middle = np.ma.median(np.ma.masked_invalid(poses.keypoints), axis=0)
    for left, right in ((1, 2), (5, 6)):  # the signer's left is on the image's right
        assert middle[left, 0] > middle[right, 0]
    for wrist, root in ((9, 91), (10, 112)):
        near = np.linalg.norm(poses.keypoints[:, wrist, :2] - poses.keypoints[:, root, :2], axis=-1)
        near = near[np.isfinite(near)]  # one file's right hand is never seen
        assert not len(near) or np.median(near) < 0.2 * (middle[5, 0] - middle[6, 0])
    nose_tip = middle[23 + 30, :2]
    assert np.linalg.norm(nose_tip - middle[0, :2]) < 0.2 * (middle[5, 0] - middle[6, 0])
