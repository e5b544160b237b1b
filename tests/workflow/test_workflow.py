import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from small_run import ROOT, Workflow, write_video

from camfuse.predict.calibration import Calibration


def test_the_run_ends_with_results_and_a_report(finished: Workflow) -> None:
    results = finished.folder / "results"
    table = pd.read_csv(results / "evaluate" / "results.csv")
    assert {"rgb", "pose", "fused"} <= set(table["row"])
    assert table["top1"].between(0, 1).all()
    page = (results / "report" / "index.html").read_text(encoding="utf-8")
    assert "<html" in page
    clips = pd.read_csv(results / "clips" / "clips.csv")
    predictions = pd.read_csv(results / "evaluate" / "predictions.csv")
    for part in ("rgb", "pose", "fusion"):
        assert Calibration.beside(results / "train" / part / "best.ckpt").false_accepts == 0.1
    assert sorted(predictions["clip_id"]) == sorted(clips[clips["split"] == "test"]["clip_id"])


def test_every_rule_leaves_a_log_and_a_benchmark(finished: Workflow) -> None:
    for rule in ("avatars/0000", "frames/0000", "pose/0001", "crops/0000", "heatmaps/0001", "train_rgb", "evaluate"):
        assert (finished.folder / "results" / "logs" / f"{rule}.log").exists()
        assert (finished.folder / "results" / "benchmarks" / f"{rule}.tsv").stat().st_size > 0


def test_a_second_run_has_nothing_to_do(finished: Workflow) -> None:
    assert finished.planned() == {}


def test_a_touched_table_reruns_nothing(finished: Workflow) -> None:
    clips = finished.folder / "results" / "clips" / "shards" / "0000.csv"
    os.utime(clips)
    assert finished.planned() == {}


def test_wrong_settings_are_one_message(finished: Workflow) -> None:
    done = finished.snakemake("--dry-run", change={"heatmaps": {"sgima": 1}})
    assert done.returncode != 0
    assert "heatmaps.sgima: unknown key" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_no_config_says_which_to_give() -> None:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--dry-run", "--cores", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode != 0
    assert "--configfile config/demo.yaml" in done.stdout + done.stderr


def test_results_json_and_table_agree(finished: Workflow) -> None:
    folder = finished.folder / "results" / "evaluate"
    table = pd.read_csv(folder / "results.csv").set_index("row")
    rows = {row["row"]: row for row in json.loads((folder / "results.json").read_text())["rows"]}
    assert rows.keys() == set(table.index)
    assert rows["fused"]["top1"] == pytest.approx(table.loc["fused", "top1"])


def test_bad_videos_are_named_and_the_good_shards_stay(tmp_path: Path) -> None:
    for number in range(3):
        write_video(tmp_path / "videos" / "dark" / f"{number}.mp4", number)
        write_video(tmp_path / "videos" / "light" / f"{number}.mp4", 255 - number)
    (tmp_path / "videos" / "light" / "broken.mp4").write_text("no video")
    settings = {"output": "results", "clips": {"folder": {"videos": "videos"}, "shards": 8}, "pose": {"mediapipe": {}}}
    workflow = Workflow(tmp_path, settings)
    done = workflow.snakemake("--until", "frames")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "broken" in output
    assert "could not be processed" in output
    assert "Traceback" not in output
    finished = {path.stem for path in (tmp_path / "results" / "frames").glob("*.h5")}
    assert len(finished) == 7
    assert workflow.planned({"bad_clips": "skip"})["frames"] == 1
