"""`camfuse verify RUN`: its lines and exit codes."""

import shutil
from pathlib import Path

import pytest
import yaml
from made_whole import flip
from run_command import camfuse
from typer.testing import CliRunner

from camfuse.cli import app
from camfuse.errors import ConfigError, ShardError, WeightsError
from camfuse.run.layout import Run


def test_a_whole_run(copy: Run) -> None:
    lines = camfuse("verify", copy.output).splitlines()
    assert lines[0] == "fine   clips/clips.csv: 12 clips of 3 classes in 3 splits agree"
    assert lines[-1] == f"0 wrong, 1 to note, 7 fine: {copy.output}"
    assert camfuse("verify", "--quiet", copy.output).splitlines() == lines[-1:]


@pytest.mark.bad_input(
    "a finished run with a flipped byte in a shard and in a checkpoint",
    "`camfuse verify` names both and exits with 3; the test and `camfuse predict` refuse them",
)
def test_a_damaged_run(copy: Run, tmp_path: Path) -> None:
    best, shard = copy.training("pose").best, copy.shard_path("heatmaps", "0001")
    flip(best, best.stat().st_size // 2)
    flip(shard, 5000)
    done = CliRunner().invoke(app, ["verify", str(copy.output), "--quiet"])
    assert done.exit_code == 3
    for place in ("train/pose/best.ckpt: damaged: its SHA-256", "heatmaps/0001.h5: "):
        assert f"wrong  {place}" in done.stdout
    (tmp_path / "v.mp4").write_bytes(b"never opened")
    with pytest.raises(WeightsError, match=r"best\.ckpt: damaged: its SHA-256 is not the one that it was written with"):
        camfuse("predict", copy.output, tmp_path / "v.mp4")
    test = ("evaluate", "--config", copy.config_file, "--output", tmp_path / "out", "--pose", best)
    with pytest.raises(WeightsError, match=r"best\.ckpt: damaged"):
        camfuse(*test)


def test_what_is_no_run(copy: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        camfuse("verify", tmp_path)
    with pytest.raises(ConfigError, match=r"config\.yaml: expected a folder with a config\.yaml in it, found a file"):
        camfuse("verify", copy.config_file)
    with pytest.raises(ConfigError, match=r"expected a config, found a folder; a run's is its config\.yaml"):
        camfuse("results", "--config", copy.output)


def test_a_damaged_clip_stops_its_reader(copy: Run) -> None:
    path = copy.shard_path("pose", "0000")
    content = path.read_bytes()
    clip_id = next(iter(copy.shard("pose", "0000")))
    numbers = copy.shard("pose", "0000").read("keypoints", clip_id).tobytes()[:200]
    flip(path, content.index(numbers) + 7)
    with pytest.raises(ShardError, match=rf"damaged \(clip {clip_id}: the checksum of keypoints does not agree\)"):
        copy.shard("pose", "0000").read("keypoints", clip_id)


def test_stages_that_the_model_does_not_need_are_not_missed(copy: Run) -> None:
    def missed(model: dict[str, object]) -> list[str]:
        for stage in ("crops", "heatmaps"):
            shutil.rmtree(copy.output / stage, ignore_errors=True)
        values = yaml.safe_load(copy.config_file.read_text()) | {"model": model}
        copy.config_file.write_text(yaml.safe_dump(values))
        lines = CliRunner().invoke(app, ["verify", str(copy.output)]).stdout.splitlines()
        return [line.split()[1] for line in lines if line.startswith("note") and "are not there" in line]

    nothing = {"rgb": None, "pose": None}
    assert missed(nothing | {"sequence": {}}) == ["frames:"]
    assert missed(nothing | {"rgb": {}}) == ["frames:", "crops:"]
