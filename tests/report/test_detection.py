"""How often body, face and hands were found."""

from pathlib import Path

import numpy as np
import pytest
from made_run import keypoints

from camfuse.report.detection import clip_rates, describe_detection
from camfuse.run.shard import ClipData, Shard
from camfuse.run.shard_writer import ShardWriter
from tests.report.page_text import Text


def test_the_detection_rates(text: Text) -> None:
    """By hand: body 4 of 4 frames, face 2, left hand 1, right hand 0; 15 clips of 4 frames."""
    keypoints = text.sections["keypoints"]
    assert "the 60 frames of 15 clips" in keypoints
    assert "body 100.00 100.00 100.00 0" in keypoints
    assert "face 50.00 50.00 50.00 0" in keypoints
    assert "left hand 25.00 25.00 25.00 0" in keypoints
    assert "right hand 0.00 0.00 0.00 15" in keypoints
    assert "test_0_0 4 100.00 50.00 25.00 0.00" in keypoints


def test_a_filled_frame_counts_as_not_seen(tmp_path: Path) -> None:
    path = tmp_path / "0000.h5"
    with ShardWriter(path, stage="pose", fingerprint="0" * 16, provenance={}) as writer:
        for clip_id, filled in (("b", [False] * 4), ("a", [True, False, False, False])):
            data = {"keypoints": keypoints(), "box": np.zeros((4, 5), np.float32), "filled": np.array(filled)}
            writer.add(clip_id, ClipData(data))
    rates = clip_rates([Shard(path, stage="pose")]).set_index("clip_id")
    assert list(rates.index) == ["a", "b"]
    assert rates.loc["a", ["body", "face", "left_hand", "right_hand"]].tolist() == pytest.approx([0.75, 0.25, 0, 0])
    assert rates.loc["b", ["body", "face", "left_hand", "right_hand"]].tolist() == pytest.approx([1, 0.5, 0.25, 0])
    assert rates["longest_gap"].tolist() == [1, 0]


def test_without_keypoints_there_is_nothing() -> None:
    assert describe_detection([]) is None
