"""Our keypoints in others' forms, and back: pickles of PYSKL / MMAction2 and `.pose` files."""

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_shards import write_shard
from made_training import MakeConfig
from mmaction_peer import environment_with_mmaction, run_with_mmaction
from typer.testing import CliRunner

from camfuse.cli import app
from camfuse.clips.table import COLUMNS
from camfuse.config import Config, dump_config
from camfuse.errors import ConfigError, StaleShardError
from camfuse.prep.pose.export import NEW_NAME, OLD_NAME, export_pose, export_pyskl
from camfuse.run.shard import ClipData, LeftOut, Shard
from tests.prep.pose.annotations.made_files import FPS, HEIGHT, WIDTH, read_back

FRAMES = {"a": 12, "b": 7, "c": 40}


@pytest.fixture
def run(make_config: MakeConfig) -> Config:
    """Return the config of a run with the poses of clips a, b and c; another, d, has none."""
    config: Config = make_config(clips={"folder": {"videos": "videos"}, "shards": 1}, bad_clips="skip")
    rng = np.random.default_rng(5)
    path = config.output / "pose" / "0000.h5"
    clips: dict[str, ClipData | LeftOut] = {}
    for clip_id, count in FRAMES.items():
        keypoints = rng.uniform(-20, 640, (count, 133, 3)).astype(np.float32)
        keypoints[..., 2] = rng.uniform(0.01, 1, (count, 133))
        keypoints[rng.random((count, 133)) < 0.1] = (np.nan, np.nan, 0)
        keypoints[2] = (np.nan, np.nan, 0)
        facts = {"height": HEIGHT, "width": WIDTH, "fps": FPS}
        frames = {"keypoints": keypoints, "box": np.zeros((count, 5)), "filled": np.zeros(count, bool)}
        clips[clip_id] = ClipData(frames, facts=facts)
    write_shard(path, "pose", config, clips | {"d": LeftOut("frames", "cannot be decoded")})
    rows = [
        {**dict.fromkeys(COLUMNS, ""), "clip_id": clip_id, "split": split, "label": label, "class_index": index}
        for clip_id, split, label, index in (("a", "train", "yes", 1), ("b", "val", "no", 0), ("c", "train", "no", 0))
    ]
    rows.append({**rows[0], "clip_id": "d"})
    (config.output / "clips").mkdir()
    table = pd.DataFrame(rows).assign(start=0.0, end=np.nan, shard="0000", identity="x")
    table.to_csv(config.output / "clips" / "clips.csv", index=False)
    (config.output / "clips" / "classes.csv").write_text("class_index,label\n0,no\n1,yes\n2,seen by none\n")
    return config


def stored(run: Config, clip_id: str) -> np.ndarray:
    return Shard(run.output / "pose" / "0000.h5", stage="pose").read("keypoints", clip_id)


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
    assert content["classes"] == ["no", "yes", "seen by none"]
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


def test_a_stale_shard_and_another_name_are_refused(run: Config, tmp_path: Path, make_config: MakeConfig) -> None:
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


@pytest.mark.bad_input("`keypoints export` onto the files that the run reads", "refused; they stay")
@pytest.mark.parametrize(("form", "name", "output"), [("pyskl", "all.pkl", "all.pkl"), ("pose", "b.pose", ".")])
def test_what_the_run_reads_is_not_written_over(
    run: Config, tmp_path: Path, make_config: MakeConfig, form: str, name: str, output: str
) -> None:
    read = {"folder": str(tmp_path), "file": name}
    config = make_config(clips={"folder": {"videos": "videos"}, "shards": 1}, pose={"annotations": read})
    (tmp_path / "config.yaml").write_text(dump_config(config))
    (tmp_path / name).write_bytes(b"the only ones")
    words = ["keypoints", "export", "-c", str(tmp_path / "config.yaml"), "--format", form]
    answer = CliRunner().invoke(app, [*words, "--output", str(tmp_path / output)])
    assert isinstance(answer.exception, ConfigError)
    assert "--output: expected another place than what is read" in str(answer.exception)
    assert (tmp_path / name).read_bytes() == b"the only ones"
