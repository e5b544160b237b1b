"""What splits share, as far as the table tells; and from the command on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_training import MakeConfig
from small_run import write_video

from camfuse.clips.leaks import describe_leaks, find_leaks
from camfuse.clips.refresh import refresh
from camfuse.config import Config
from camfuse.errors import TableError


def leaks(*clips: tuple[Any, ...], apart: bool = False) -> list[tuple[Any, ...]]:
    """Find leaks among clips (id, split, recording, start, end, signer)."""
    rows = pd.DataFrame(clips, columns=["clip_id", "split", "sha256", "start", "end", "signer"])
    rows = rows.assign(label="word", size=np.where(rows["sha256"] == "empty", 0, 9), end=rows["end"].astype(float))
    found = find_leaks(rows, signers_apart=apart)
    return [(one.kind, one.clip_id, one.other, one.detail) for one in found.itertuples()]


def test_the_same_recording_in_two_splits() -> None:
    assert leaks(("a", "train", "x", 0, None, ""), ("b", "train", "x", 0, None, "")) == []
    assert leaks(("a", "test", "x", 0, None, ""), ("b", "train", "x", 0, None, ""), ("c", "val", "y", 0, None, "")) == [
        ("same recording", "a", "b", "")
    ]
    # the test is compared with val too, where weights and thresholds are chosen
    assert leaks(("a", "test", "x", 0, 1, ""), ("b", "val", "x", 0, 1, "")) == [("same recording", "a", "b", "")]
    assert leaks(("a", "test", "empty", 0, None, ""), ("b", "train", "empty", 0, None, "")) == []


def test_parts_of_one_video_in_two_splits() -> None:
    clips = [("a", "train", "x", 0, 2, ""), ("b", "train", "x", 4, 6, ""), ("c", "test", "x", 5, 7, "")]
    assert leaks(*clips) == [("same video", "c", "b", "1.00 s of it in both")]
    assert leaks(clips[0], clips[2]) == [("same video", "c", "a", "")]
    assert leaks(("a", "train", "x", 0, None, ""), clips[2]) == [("same video", "c", "a", "2.00 s of it in both")]


def test_signers_whom_the_protocol_keeps_apart() -> None:
    clips = [("a", "train", "x", 0, 2, "s1"), ("b", "val", "y", 4, 6, "s1"), ("c", "test", "z", 5, 7, "s1")]
    clips += [("d", "test", "u", 0, 1, "s2"), ("e", "val", "v", 0, 1, "s3"), ("f", "train", "w", 0, 1, "s3")]
    assert leaks(*clips) == []
    detail = "signer s1: 1 clip of test, 2 of train and val"
    assert leaks(*clips, apart=True) == [("same signer", "c", "a", detail)]


def test_many_segments_of_one_video_are_quick() -> None:
    splits = np.random.default_rng(0).choice(["train", "val", "test"], 4000)
    found = leaks(*((f"c{n}", split, "x", n, n + 2, "") for n, split in enumerate(splits)))
    assert len(found) == (splits != "train").sum()


@pytest.fixture
def from_splits(make_config: MakeConfig, tmp_path: Path) -> Callable[..., Config]:
    """Return a function that makes a table of two videos' segments."""
    for name in ("a", "b"):
        write_video(tmp_path / f"{name}.mp4", shade=ord(name))
    (tmp_path / "copy.mp4").write_bytes((tmp_path / "a.mp4").read_bytes())
    lines = ["video,label,split,start,end", "a.mp4,x,train,,", "copy.mp4,y,test,,", "b.mp4,x,train,0,0.2"]
    (tmp_path / "clips.csv").write_text("\n".join([*lines, "b.mp4,x,val,0.1,0.3"]) + "\n")

    def make(**keys: Any) -> Config:
        return make_config(clips={"csv": {"table": str(tmp_path / "clips.csv"), "videos": str(tmp_path)}, **keys})

    return make


@pytest.mark.bad_input(
    "one recording, or parts of one video, in two splits; a signer whom the protocol keeps apart",
    "a note at the start with the pairs, and a table in the report; refused with `clips.leaks: refuse`",
)
def test_leaks_are_noted_or_refused_at_the_start(from_splits: Callable[..., Config]) -> None:
    config = from_splits()
    refreshed = refresh(config)
    assert refreshed.leaks["kind"].tolist() == ["same recording", "same video"]
    notes = [note for note in refreshed.notes if note.startswith("Leak")]
    assert notes[0].startswith(
        "Leak, same recording: 1 clip of val or test shows what is in an earlier split too: copy (test) and a (train)"
    )
    assert len(pd.read_csv(config.output / "clips" / "leaks.csv")) == 2
    assert not [note for note in refresh(from_splits(duplicates="drop")).notes if "same recording" in note]
    with pytest.raises(TableError, match=r"(?s)leaks: refuse.*recording: copy \(test\), a \(train\).*same video: "):
        refresh(from_splits(leaks="refuse"))


def test_many_pairs_are_one_sentence() -> None:
    row = ("same recording", "a", "test", "w", "b", "train", "w", "")
    columns = ["kind", "clip_id", "split", "label", "other", "other_split", "other_label", "detail"]
    (note,) = describe_leaks(pd.DataFrame([row] * 40, columns=columns))
    assert "40 clips" in note and len(note) < 500
