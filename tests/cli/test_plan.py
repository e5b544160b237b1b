"""`camfuse plan` on a folder of videos: Snakemake says what is to be done, the commands are acted out."""

import json
from pathlib import Path

import pytest
import typer
import yaml
from made_videos import write_numbers
from run_command import camfuse
from typer.testing import CliRunner

from camfuse.cli import app
from camfuse.plan import measure
from camfuse.run.forecast import Forecast
from tests.plan.stand_in import StandIn


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config of a folder of two words, which leaves the model to the recipe."""
    video = write_numbers(tmp_path / "made.mp4", frames=12)
    for number in range(16):
        path = tmp_path / "videos" / ("yes", "no")[number % 2] / f"{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(video.read_bytes() + bytes(number))
    values = {
        "output": str(tmp_path / "results"),
        "recipe": "auto",
        "clips": {"folder": {"videos": str(tmp_path / "videos")}, "shards": 2},
        "pose": {"mediapipe": {}},
        "machine": {"device": "cpu"},
    }
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(values))
    monkeypatch.setattr(measure, "timed", StandIn())
    monkeypatch.setattr("camfuse.prep.start.check_machine", lambda *_, **__: None)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "c.yaml"


def test_a_plan_is_printed_and_kept(config: Path, tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "config.yaml").write_text(
        "executor: slurm\nslurm-no-account: true\njobs: 9\ndefault-resources: [slurm_partition=main, mem_mb=4000]\n"
        "set-resources: {train_sequence: {runtime: attempt * 77}}\n"
    )
    said = json.loads(camfuse("plan", config, "--cores", 2, "--json", "--workflow-profile", tmp_path / "cluster"))
    kept = json.loads((tmp_path / "results" / "plan.json").read_text())
    assert said == kept
    forecast = Forecast.of(said)
    rules = {rule.rule: rule for rule in forecast.rules}
    # the recipe: so few clips without a GPU are read as a sequence of keypoints
    assert list(rules) == ["frames", "pose", "train_sequence", "evaluate", "report"]
    assert [len(rule.jobs) for rule in forecast.rules] == [2, 2, 1, 1, 1]
    assert rules["train_sequence"].minutes == 77 and rules["frames"].memory_mb == 4000 and forecast.clips == 16
    assert not list((tmp_path / "results").glob(".plan-*"))
    assert not (tmp_path / "results" / "frames").exists()


def test_the_help_says_how_few_clips_can_be_timed(config: Path) -> None:
    options = {one.name: one for one in typer.main.get_command(app).commands["plan"].params}  # type: ignore[attr-defined]
    assert "at least 3" in options["sample"].help
    refused = CliRunner().invoke(app, ["plan", str(config), "--sample", "2"])
    assert refused.exit_code == 2 and "--sample" in refused.stderr
