"""The one place that knows where a run's files lie."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_shards import write_shard
from made_training import MakeConfig

from camfuse.clips.table import shard_of
from camfuse.config import Config, dump_config
from camfuse.errors import ConfigError, ShardError, StaleShardError
from camfuse.run.layout import DATA_STAGES, Run, check_complete
from camfuse.run.shard import ClipData, LeftOut

CLIPS = ("a", "b", "c", "d")


def write(run: Run, stage: str, *, without: dict[str, LeftOut]) -> None:
    for name in run.shard_names:
        made = ClipData({"keypoints": np.zeros((2, 133, 3), np.float32)})
        clips = {clip_id: without.get(clip_id, made) for clip_id in CLIPS if run.shard_of(clip_id) == name}
        write_shard(run.shard_path(stage, name), stage, run.config, clips, made="by hand")


@pytest.fixture
def run(make_config: MakeConfig) -> Run:
    """Four clips in two shards: frames could not decode b, crops found nobody in c."""
    run = Run(make_config())
    run.clip_files.folder.mkdir(parents=True)
    rows = pd.DataFrame({"clip_id": CLIPS, "label": "x", "signer": "", "split": "train", "class_index": 0})
    rows.assign(shard=[shard_of(clip_id, 2) for clip_id in CLIPS]).to_csv(run.clip_files.clips, index=False)
    run.clip_files.classes.write_text("class_index,label\n0,x\n")
    lost = {"b": LeftOut("frames", "no video"), "c": LeftOut("crops", "nobody")}
    for stage in DATA_STAGES:
        known = {
            clip_id: why for clip_id, why in lost.items() if why.stage == "frames" or stage in ("crops", "heatmaps")
        }
        write(run, stage, without=known)
    return run


def test_paths_as_the_documents_give_them(make_config: MakeConfig, tmp_path: Path) -> None:
    run, out = Run(make_config()), tmp_path / "results"
    assert run.config_file == out / "config.yaml"
    assert run.clip_files.shard("0001") == out / "clips" / "shards" / "0001.csv"
    assert run.shard_path("pose", "0001") == out / "pose" / "0001.h5"
    assert run.training("fusion").best == out / "train" / "fusion" / "best.ckpt"
    assert run.shared_training("rgb", "0f").curves == out / "experiments" / "train" / "rgb" / "0f" / "curves.csv"
    assert run.evaluation.results == out / "evaluate" / "results.json"
    assert run.experiment("ablation", "x").table == out / "ablation" / "x" / "evaluate" / "results.csv"
    assert run.report == out / "report" / "index.html"
    assert run.log("frames/0001") == out / "logs" / "frames" / "0001.log"
    assert run.benchmark("train_rgb") == out / "benchmarks" / "train_rgb.tsv"


def test_a_folder_is_a_run_wherever_it_lies(run: Run, tmp_path: Path) -> None:
    run.config_file.write_text(dump_config(run.config))
    moved = run.output.rename(tmp_path / "elsewhere")
    found = Run.from_folder(moved)
    assert found.output == moved
    assert found.config == run.config.model_copy(update={"output": moved})
    assert found.clips()["clip_id"].tolist() == list(CLIPS)
    assert found.classes() == ("x",)
    assert check_complete(found) == []


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.yaml: cannot read the config"):
        Run.from_folder(tmp_path)


def test_left_out_clips_keep_the_stage_that_left_them_out(run: Run) -> None:
    assert run.left_out("rgb") == {"b": LeftOut("frames", "no video"), "c": LeftOut("crops", "nobody")}
    assert run.left_out("rgb") == run.left_out("pose") == run.left_out()


def test_a_clip_that_no_stage_has_seen_is_an_error(run: Run) -> None:
    rows = run.clips()
    pd.concat([rows, rows.tail(1).assign(clip_id="new")]).to_csv(run.clip_files.clips, index=False)
    with pytest.raises(ShardError, match="found nothing of new; run the workflow again"):
        run.left_out()


def test_shards_are_opened_with_their_own_fingerprint(run: Run) -> None:
    def changed(config: Config) -> Config:
        return config.model_copy(update={"heatmaps": config.heatmaps.model_copy(update={"sigma": 2.0})})

    assert [shard.path.stem for shard in run.shards("heatmaps")] == ["0000", "0001"]
    other = Run(changed(run.config))
    assert len(list(other.shards("crops"))) == 2
    with pytest.raises(StaleShardError):
        list(other.shards("heatmaps"))
    assert [line.partition(":")[0] for line in check_complete(other)] == [
        str(run.shard_path("heatmaps", name)) for name in ("0000", "0001")
    ]


def test_missing_shards_are_named_by_what_needs_them(run: Run) -> None:
    run.shard_path("crops", "0001").unlink()
    assert [shard.path.stem for shard in run.shards("crops")] == ["0000"]
    assert check_complete(run, "pose") == []
    (problem,) = check_complete(run, "rgb")
    assert "crops/0001.h5: no such shard" in problem
