"""A sample stands for the run: clips of all lengths, tables of its own, nothing written beside them."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from made_videos import write_numbers

from camfuse.clips.table import read_shard_clips
from camfuse.config import load_config
from camfuse.plan.sample import EMPTY, LOOKED_AT, SHARD, Sample, choose, weigh
from camfuse.run.layout import Run

COUNTS = {"train": 4, "val": 2, "test": 2}


def test_clips_of_all_lengths_are_chosen(table_only: Callable[..., Run]) -> None:
    run = table_only(COUNTS, train={"unknown_words": ["blue"]})
    rows = run.clips()
    weights = pd.Series(range(1, len(rows) + 1), index=rows.index, dtype=float)
    chosen = choose(rows, weights, 4, run.config)
    assert chosen["weight"].is_monotonic_increasing and chosen["weight"].is_unique and len(chosen) == 4
    assert chosen["weight"].iloc[0] < 5 and chosen["weight"].iloc[-1] > 15
    assert set(chosen["label"]) <= {"red", "null"}
    assert len(choose(rows, weights, 1000, run.config)) == (rows["label"] != "blue").sum()


def test_a_clip_weighs_its_seconds(table_only: Callable[..., Run], tmp_path: Path) -> None:
    run = table_only(COUNTS)
    video = write_numbers(tmp_path / "made.mp4", frames=50)
    rows = (
        run.clips()
        .head(4)
        .assign(
            video=[str(video), str(video), "nowhere.mp4", "nowhere.mp4"],
            start=[0.0, 0.5, 0.0, 3.0],
            end=[None, None, None, 7],
        )
    )
    rows["end"] = rows["end"].astype(float)
    whole, cut, unknown, segment = weigh(run, rows)
    assert cut == pytest.approx(whole - 0.5) and segment == 4
    assert unknown == pytest.approx((whole + cut + segment) / 3)
    assert weigh(run, rows.iloc[[2]]).tolist() == [1.0]


def test_of_many_videos_some_are_looked_into(table_only: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run, looked = table_only(COUNTS), list[str]()
    monkeypatch.setattr("camfuse.plan.sample._length", lambda path: looked.append(path) or 2.0)
    rows = pd.DataFrame({"video": [str(n) for n in range(10 * LOOKED_AT)], "start": 0.0, "end": float("nan")})
    assert (weigh(run, rows) == 2.0).all() and len(looked) == LOOKED_AT


def test_the_tables_of_a_sample(table_only: Callable[..., Run], tmp_path: Path) -> None:
    run = table_only(COUNTS, bad_clips="stop")
    rows = run.clips()
    sample = Sample(tmp_path / "sample", run, choose(rows, pd.Series(1.0, index=rows.index), 6, run.config))
    (tmp_path / "sample").mkdir()
    sample.write_tables()
    own = sample.own
    assert sorted(clip.clip_id for clip in read_shard_clips(own.clip_files.shard(SHARD))) == sorted(
        sample.rows["clip_id"]
    )
    assert read_shard_clips(own.clip_files.shard(EMPTY)) == [] and own.classes() == run.classes()
    table = own.clips()
    assert set(table["split"]) == {"train", "val", "test"} and set(table["shard"]) == {SHARD}
    tested = {clips: sample.tested(clips) for clips in (1, len(sample.rows))}
    assert tested[1][0] == "test" and set(tested[1][1:]) == {"train"}
    assert set(tested[len(sample.rows)]) == {"test", "val"}
    assert own.shard_of("any") == SHARD and sample.weight == 6
    config = load_config(sample.write_config(sample.config(run.config, {"rgb": {"epochs": 2}})))
    assert (config.bad_clips, config.clips.shards, config.train.rgb.epochs) == ("skip", 1, 2)
    assert config.train.rgb.batch == run.config.train.rgb.batch and config.output == sample.folder


def test_without_val_the_sample_has_none(table_only: Callable[..., Run], tmp_path: Path) -> None:
    run = table_only({"train": 3, "test": 3})
    sample = Sample(tmp_path, run, run.clips().assign(weight=1.0))
    assert set(sample.roles()) == {"train", "test"}
    assert sample.tested(2) == ["test", "test", *["train"] * (len(sample.rows) - 2)]
