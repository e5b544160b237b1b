"""Nearly the same keypoints in two splits, from shards and clip table to the warning before a training."""

import json
import logging
from pathlib import Path

import pytest
from made_movements import again, movement
from made_shards import write_shard
from made_training import MadeRun, MakeRun

from camfuse.data.leaks import check_hidden, find_alike_clips
from camfuse.errors import TableError
from camfuse.run.shard import ClipData


@pytest.fixture
def copied(make_run: MakeRun, tmp_path: Path) -> MadeRun:
    """Return a run whose clip ``test-0-0`` is ``train-1-0`` from another file."""
    run = make_run(tmp_path / "run", {"train": 2, "val": 1, "test": 1})
    rows = run.run.clips()
    seeds = {clip_id: seed for seed, clip_id in enumerate(rows["clip_id"], 3)}
    made = {clip_id: movement(seed) for clip_id, seed in seeds.items()}
    made["test-0-0"] = again(made["train-1-0"])
    for name, part in rows.groupby("shard"):
        clips = {clip_id: ClipData({"keypoints": made[clip_id]}) for clip_id in part["clip_id"]}
        write_shard(run.run.shard_path("pose", str(name)), "pose", run.config, clips)
    return run


@pytest.mark.bad_input(
    "one recording in two splits under other bytes (encoded again, cut, smaller)",
    "a warning before training with the pairs, and a table in the report; refused with `clips.leaks: refuse`",
)
def test_a_training_warns_of_pairs_or_refuses_them(copied: MadeRun, caplog: pytest.LogCaptureFixture) -> None:
    check_hidden(copied.run, "rgb")
    (message,) = caplog.messages
    assert message.startswith(
        "Leak, nearly the same keypoints: 1 clip of val or test shows what is in an earlier split too: "
        "test-0-0 (test) and train-1-0 (train)"
    )
    clips = copied.config.clips.model_dump(mode="json", exclude_none=True) | {"leaks": "refuse"}
    refusing = copied.with_config(clips=clips)
    with pytest.raises(TableError, match=r"(?s)`clips\.leaks: refuse` does not allow.*test-0-0 \(test\) and train-1-0"):
        refusing.train("pose", copied.config.output / "train" / "pose")


def test_what_was_found_is_kept_until_the_clips_change(copied: MadeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_alike_clips(copied.run)
    assert found.loc[0, ["other", "other_label", "label"]].tolist() == ["train-1-0", "null", "red"]
    calls: list[int] = []
    monkeypatch.setattr("camfuse.data.leaks.find_alike", lambda clips, rank: calls.append(len(clips)) or [])
    assert find_alike_clips(copied.run).equals(found) and calls == []
    table = copied.run.clip_files.clips
    table.write_text(table.read_text().replace("train-0-1,red,0,train", "train-0-1,red,0,val"))
    assert len(find_alike_clips(copied.run)) == 0 and calls == [12]
    copied.run.clip_files.alike.write_text(json.dumps({"key": 1}))
    assert len(find_alike_clips(copied.run)) == 0 and calls == [12, 12]


def test_without_shards_nothing_is_looked_for(copied: MadeRun, caplog: pytest.LogCaptureFixture) -> None:
    for stage in ("pose", "crops", "heatmaps"):
        for path in (copied.config.output / stage).glob("*.h5"):
            path.unlink()
    with caplog.at_level(logging.INFO, logger="camfuse"):
        check_hidden(copied.run, "fusion")
    assert caplog.messages == []
