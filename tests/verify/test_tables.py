"""Tables that do not go together, and what splits share."""

import pytest
from made_movements import again, movement
from made_shards import write_shard

from camfuse.errors import TableError
from camfuse.run.layout import Run
from camfuse.run.shard import ClipData
from camfuse.verify.tables import check_leaks, check_tables


def said(run: Run, kind: str = "wrong") -> str:
    return "\n".join(str(found) for found in check_tables(run) if found.kind == kind)


def edit(run: Run, old: str, new: str) -> None:
    path = run.clip_files.clips
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_tables_that_agree_are_fine(copy: Run) -> None:
    assert said(copy) == "" and said(copy, "fine") == (
        "fine   clips/clips.csv: 12 clips of 3 classes in 3 splits agree"
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "train-0-0,red,0,train",
            "train-0-0,red,1,train",
            "a label of classes.csv with its class index, found 1",
        ),
        ("train-0-0,red,0,train", "train-0-0,pink,0,train", "a label of classes.csv"),
        ("train-0-0,red,0,train", "train-0-0,red,0,practice", "a split of train, val and test"),
        ("train-0-1,red", "train-0-0,red", "each id once, found 1 clips otherwise: train-0-0"),
        ("train-0-0#", "other", "has other clips or recordings: train-0-0"),
        (",0000,", ",0001,", "the shard that its id belongs to"),
    ],
)
def test_what_does_not_agree_is_named(copy: Run, old: str, new: str, problem: str) -> None:
    edit(copy, old, new)
    assert problem in said(copy)


def test_missing_tables(copy: Run) -> None:
    copy.clip_files.shard("0001").unlink()
    assert "0001.csv of the shards' tables is not there" in said(copy)
    copy.clip_files.shard("0000").write_text("nonsense\n")
    assert "0000.csv: 6 problem(s)" in said(copy)
    copy.clip_files.clips.unlink()
    with pytest.raises(TableError, match="expected a clip table, found no file"):
        said(copy)


def test_what_could_not_be_trained_is_noted(copy: Run) -> None:
    path = copy.clip_files.clips
    path.write_text(path.read_text().replace(",test,", ",val,"))
    assert "expected at least one clip of split `test`" in said(copy, "note")


def test_leaks_are_notes_or_wrong_where_the_config_refuses_them(copy: Run) -> None:
    assert [found.kind for found in check_leaks(copy)] == ["fine"]
    rows = copy.clips()
    made = {clip_id: movement(seed) for seed, clip_id in enumerate(rows["clip_id"], 3)}
    made["test-0-0"] = again(made["train-1-0"])
    for name, part in rows.groupby("shard"):
        clips = {clip_id: ClipData({"keypoints": made[clip_id]}) for clip_id in part["clip_id"]}
        write_shard(copy.shard_path("pose", str(name)), "pose", copy.config, clips)
    copy.clip_files.alike.unlink(missing_ok=True)
    line = "same recording,val-0-0,val,red,train-0-1,train,red,"
    copy.clip_files.leaks.write_text(copy.clip_files.leaks.read_text() + line + "\n")
    notes = [str(found) for found in check_leaks(copy)]
    assert len(notes) == 2 and all(note.startswith("note ") for note in notes)
    assert "val-0-0 (val) and train-0-1 (train)" in notes[0] and "test-0-0 (test) and train-1-0 (train)" in notes[1]
    clips = copy.config.clips.model_copy(update={"leaks": "refuse"})
    refusing = Run(copy.config.model_copy(update={"clips": clips}))
    assert [found.kind for found in check_leaks(refusing)] == ["wrong", "wrong"]
    copy.clip_files.leaks.write_text("nonsense\n")
    with pytest.raises(TableError, match="expected a table of leaks"):
        list(check_leaks(copy))
    copy.clip_files.leaks.unlink()
    assert "was not looked through for leaks" in str(next(check_leaks(copy)))
