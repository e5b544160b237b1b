"""Each command of a data stage calls its stage with what it was given."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from run_command import camfuse

from camfuse.clips.refresh import Refreshed
from camfuse.config import Config, load_config

SHARD = {"clips": "shard.csv", "output": "out.h5"}


@pytest.mark.parametrize(
    ("command", "function", "options", "order"),
    [
        ("avatars", "camfuse.demo.avatars.draw_avatars", SHARD, ("clips", "output")),
        ("frames", "camfuse.prep.frames.extract_frames", SHARD, ("clips", "output")),
        (
            "crops",
            "camfuse.prep.crops.crop_clips",
            {**SHARD, "frames": "frames.h5", "pose": "pose.h5"},
            ("clips", "frames", "pose", "output"),
        ),
        (
            "heatmaps",
            "camfuse.prep.heatmaps.render_heatmaps",
            {**SHARD, "crops": "crops.h5"},
            ("clips", "crops", "output"),
        ),
    ],
)
def test_a_stage_gets_its_files(
    monkeypatch: pytest.MonkeyPatch,
    config_file: Path,
    log_as_before: None,
    command: str,
    function: str,
    options: dict[str, str],
    order: tuple[str, ...],
) -> None:
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(function, lambda *given: calls.append(given))
    named = [word for name, value in options.items() for word in (f"--{name}", value)]
    camfuse(command, "--config", config_file, *named)
    assert calls == [(load_config(config_file), *(Path(options[name]) for name in order))]


def test_pose_reuses_what_its_output_holds(
    monkeypatch: pytest.MonkeyPatch, config_file: Path, log_as_before: None
) -> None:
    calls: list[tuple[Any, ...]] = []

    def estimate(config: Config, clips: Path, frames: Path, output: Path, previous: Path | None = None) -> None:
        calls.append((config, clips, frames, output, previous))

    monkeypatch.setattr("camfuse.prep.pose.run.estimate_poses", estimate)
    camfuse("pose", "--config", config_file, "--clips", "a.csv", "--frames", "frames.h5", "--output", "pose.h5")
    given = (Path("a.csv"), Path("frames.h5"), Path("pose.h5"), Path("pose.h5"))
    assert calls == [(load_config(config_file), *given)]


def test_clips_says_what_is_odd_and_how_many_there_are(
    monkeypatch: pytest.MonkeyPatch, config_file: Path, log_as_before: None
) -> None:
    splits = {"split": ["train", "train", "test"]}
    rows = pd.DataFrame({"clip_id": ["a", "b", "c"], "label": ["book", "sea", "sea"], **splits})
    found = Refreshed(rows, ("book", "sea"), ("One label is odd.",), *[pd.DataFrame()] * 3)
    calls: list[Config] = []

    def refresh(config: Config, *, log_notes: bool) -> Refreshed:
        assert not log_notes  # the command says them itself, once
        calls.append(config)
        return found

    monkeypatch.setattr("camfuse.clips.refresh.refresh", refresh)
    settings = load_config(config_file)
    said = camfuse("clips", "--config", config_file).splitlines()
    assert said == ["One label is odd.", f"3 clips of 2 classes: {settings.output / 'clips' / 'clips.csv'}"]
    assert calls == [settings]
