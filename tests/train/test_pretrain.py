"""One stream on several vocabularies: it learns, it is the same again, and trainings start from it."""

import logging
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from made_training import THREE, MadeRun, MakeRun
from run_command import camfuse

from camfuse.clips.leaks import COLUMNS
from camfuse.clips.seen import written
from camfuse.config import Model
from camfuse.data.leaks import find_hidden
from camfuse.errors import ConfigError, TableError
from camfuse.evaluate.run import evaluate
from camfuse.model.checkpoint import Checkpoint
from camfuse.model.initial import load_initial
from camfuse.model.recogniser import build_recogniser
from camfuse.report.leaks import leaks_table
from camfuse.train.pretrain import pretrain
from camfuse.weights.safe import read_checkpoint

ALONE = {"rgb": None, "pose": None, "fusion": None, "sequence": {"frames": 8, "width": 8, "depth": 1, "dropout": 0.0}}
TRAIN = {"sequence": {"epochs": 1, "repeat": 1, "batch": 6, "rate": 0.01, "base_batch": 6}}


def made(make_run: MakeRun, folder: Path, classes: int, model: dict[str, Any] = ALONE, **more: Any) -> MadeRun:
    counts = more.pop("counts", {"train": 6, "test": 1})
    return make_run(folder, counts, num_classes=classes, model=model, train=TRAIN, **more)


@pytest.fixture
def two(make_run: MakeRun, tmp_path: Path) -> list[MadeRun]:
    """Two vocabularies, one of three words and one of two."""
    return [made(make_run, tmp_path / "three", 3), made(make_run, tmp_path / "two", 2)]


def test_both_vocabularies_are_learned(two: list[MadeRun], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    output = tmp_path / "weights" / "pre.ckpt"
    pretrain([one.run for one in two], output, steps=150)
    values = read_checkpoint(output)
    words = {Path(one["run"]).name: one["words"] for one in values["made_of"]}
    assert words == {"three": 3, "two": 2}
    assert [one["clips"] for one in values["made_of"]] == [18, 12]  # the test's clips are not looked at
    assert sum(one["steps"] for one in values["made_of"]) == 150
    lines = [line for line in caplog.messages if line.startswith("step ")]
    assert len(lines) == 10
    first, last = ([float(loss) for loss in re.findall(r"(\d\.\d{3})", line)] for line in (lines[0], lines[-1]))
    assert all(after < before - 0.1 for before, after in zip(first, last, strict=True))
    assert all(name.startswith("sequence.") for name in values["state"])


def test_the_same_runs_give_the_same_weights(two: list[MadeRun], tmp_path: Path) -> None:
    for name in ("a", "b"):
        pretrain([one.run for one in two], tmp_path / name, steps=5)
    one, other = (read_checkpoint(tmp_path / name)["state"] for name in ("a", "b"))
    assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_a_training_starts_from_it(two: list[MadeRun], tmp_path: Path) -> None:
    output = tmp_path / "pre.ckpt"
    configs = [one.run.config_file for one in two]
    assert "weights: {path: " in camfuse("pretrain", *configs, "--output", output, "--steps", 3)
    before = configs[0].read_bytes()
    with pytest.raises(ConfigError, match="--output: expected another place than what is read"):
        camfuse("pretrain", *configs, "--output", configs[0], "--steps", 3)
    assert configs[0].read_bytes() == before
    config = two[0].config
    sequence = config.model.sequence
    assert sequence is not None
    starting = Model.model_validate(ALONE | {"sequence": ALONE["sequence"] | {"weights": {"path": str(output)}}})  # type: ignore[operator]
    recogniser = build_recogniser(starting, num_classes=3, part="sequence")
    report = load_initial(recogniser, config.model_copy(update={"model": starting}))
    assert report and report.unfit == report.unused == ()
    assert all(name.startswith("head_sequence.") for name in report.kept)
    stored = read_checkpoint(output)["state"]
    assert all(torch.equal(recogniser.state_dict()[name], value) for name, value in stored.items())


def test_what_does_not_go_together_is_refused(make_run: MakeRun, two: list[MadeRun], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a config or more"):
        pretrain([], tmp_path / "out", steps=1)
    wide = made(make_run, tmp_path / "wide", 2, THREE | {"sequence": {"frames": 8, "width": 16, "depth": 1}})
    with pytest.raises(ConfigError, match=r"wide: expected model.sequence as in .*three, .*'width': 8.* found .*16"):
        pretrain([two[0].run, wide.run], tmp_path / "out", steps=1)
    without = made(make_run, tmp_path / "without", 2, THREE | {"sequence": None})
    with pytest.raises(ConfigError, match=r"without: expected a model with a sequence stream"):
        pretrain([two[0].run, without.run], tmp_path / "out", steps=1)
    nothing = made(make_run, tmp_path / "nothing", 2, counts={"test": 2})
    with pytest.raises(TableError, match="expected at least one clip of split `train`"):
        pretrain([two[0].run, nothing.run], tmp_path / "out", steps=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.bad_input(
    "first weights that were trained on clips of val or test (`camfuse pretrain`, or another `best.ckpt`)",
    "a warning before training and testing, and a table in the report; refused with `clips.leaks: refuse`",
)
def test_a_test_on_clips_of_the_first_weights_is_noted_or_refused(
    make_run: MakeRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = made(make_run, tmp_path / "before", 2)
    output = tmp_path / "pre.ckpt"
    pretrain([before.run], output, steps=1)
    assert read_checkpoint(output)["clips"] == sorted(written(before.run.clips().query("split == 'train'")))
    model = ALONE | {"sequence": ALONE["sequence"] | {"weights": {"path": str(output)}}}
    run = made(make_run, tmp_path / "after", 2, model)
    assert len(find_hidden(run.run)) == 0
    clips = run.run.clip_files.clips  # the id stays, so that the shards do: a clip of the pre-training is tested now
    clips.write_text(clips.read_text().replace("train-0-5,red,0,train", "train-0-5,red,0,test"))
    row = find_hidden(run.run).iloc[0]
    assert row[["clip_id", "split", "label", "other"]].tolist() == ["train-0-5", "test", "red", str(output)]
    run.run.clip_files.leaks.write_text(",".join(COLUMNS) + "\n")
    table = leaks_table(run.run)
    assert table and table.rows[0][:2] == ("in the first weights", "train-0-5")

    best = run.train("sequence", tmp_path / "sequence") / "best.ckpt"
    note = f"Leak, in the first weights: 1 clip of val or test is among those that {output} was trained on: train-0-5;"
    assert [line for line in caplog.messages if line.startswith(note)]
    trained_on = Checkpoint.load(best).clips
    assert "train-0-5 0.0 inf" in trained_on and not any(name.startswith("test-") for name in trained_on)
    caplog.clear()
    evaluate(run.run, {"sequence": best}, tmp_path / "test")
    (said,) = [line for line in caplog.messages if line.startswith("the checkpoint of sequence")]
    assert said.endswith("1 of 3 clips of test are among those it was trained on: train-0-5; its figures are too high")
    refusing = run.with_config(clips=run.config.clips.model_dump(mode="json", exclude_none=True) | {"leaks": "refuse"})
    with pytest.raises(TableError, match=r"(?s)`clips\.leaks: refuse` does not allow.*in the first weights.*train-0-5"):
        refusing.train("sequence", tmp_path / "refused")
    with pytest.raises(TableError, match=r"(?s)checkpoint of sequence.*1 of 3 clips of test"):
        evaluate(refusing.run, {"sequence": best}, tmp_path / "refused")
    output.unlink()
    caplog.clear()
    assert len(find_hidden(run.run)) == 0
    assert f"{output} is not there: whether it was trained on clips of val or test is not known" in caplog.messages
