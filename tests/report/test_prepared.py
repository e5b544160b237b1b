"""What the page says of the data stages."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_run import Run
from made_shards import write_shard
from made_training import MakeConfig

from camfuse.errors import ShardError, StaleShardError
from camfuse.report.page import write_report
from camfuse.report.prepared import Shards, identity_table, noted_table, stage_table, time_table
from camfuse.run.layout import DATA_STAGES
from camfuse.run.layout import Run as RunFiles
from camfuse.run.shard import ClipData, Shard
from tests.report.page_text import Text


def test_the_run(text: Text) -> None:
    run = text.sections["run"]
    assert "frames 2 of 2 15 60 0" in run and "pose 2 of 2 15 60 1" in run
    assert "frames 2 2 min 05 s 1 min 35 s 100 0.12" in run  # 15 clips in 125 s
    assert "train_rgb 1 2 h 01 min 2 h 01 min 2,048 2.4" in run
    assert "made by hand" in run
    assert "sigma: 0.7" in run


@pytest.mark.parametrize(
    ("model", "experiments", "stages", "trainings"),
    [
        ({"rgb": None, "pose": None, "sequence": {}}, {}, ["frames", "pose"], ["train_sequence"]),
        ({"pose": None}, {}, ["frames", "pose", "crops"], ["train_rgb"]),
        (
            {"rgb": None, "pose": None, "sequence": {}},
            {"images": {"model": {"rgb": {}}}},
            ["frames", "pose", "crops"],
            ["train_sequence"],
        ),
    ],
)
def test_stages_that_the_run_does_not_have_are_left_out(
    make_config: MakeConfig, model: dict[str, Any], experiments: dict[str, Any], stages: list[str], trainings: list[str]
) -> None:
    files = RunFiles(make_config(model=model, experiments=experiments))
    none: Shards = {stage: [] for stage in DATA_STAGES}
    assert [row[0] for row in stage_table(files, none).rows] == stages
    assert [row[0] for row in identity_table(files, none).rows] == [*stages, *trainings, "evaluate", "report"]


def test_a_damaged_shard_is_named(run: Run) -> None:
    path = run.folder / "pose" / "0001.h5"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ShardError, match=r"pose/0001\.h5: damaged"):
        write_report(RunFiles(run.config), run.page)


def test_shards_of_other_settings_are_refused(run: Run) -> None:
    config = run.config.model_copy(update={"heatmaps": run.config.heatmaps.model_copy(update={"sigma": 2.0})})
    with pytest.raises(StaleShardError):
        write_report(RunFiles(config), run.page)


def test_time_by_hand(tmp_path: Path) -> None:
    (tmp_path / "pose").mkdir()
    for name, text in (("pose/0000", "20.0\t100"), ("pose/0001", "40.0\t300"), ("report", "1.0\t10")):
        (tmp_path / f"{name}.tsv").write_text(f"s\tmax_rss\n{text}\n", encoding="utf-8")
    table = time_table(tmp_path, {"0000": 12, "0001": 18}, {})
    assert table is not None
    # 30 clips in 60 s; the report does not time itself
    assert table.rows == [("pose", "2", "1 min 00 s", "40.0 s", "300", "0.5")]
    known_better = time_table(tmp_path, {}, {"pose": 2.0})
    assert known_better is not None and known_better.rows[0][-1] == "2"
    assert time_table(tmp_path / "nowhere", {}, {}) is None


def test_odd_clips_are_listed_once(tmp_path: Path, make_config: MakeConfig) -> None:
    clips = {"b": ClipData({"x": np.zeros(1)}, note="HDR video"), "a": ClipData({"x": np.zeros(1)})}
    for stage in ("frames", "crops"):
        write_shard(tmp_path / f"{stage}.h5", stage, make_config(), clips)
    shards = {stage: [Shard(tmp_path / f"{stage}.h5", stage=stage)] for stage in ("frames", "crops")}
    assert noted_table(shards).rows == [("b", "HDR video")]
