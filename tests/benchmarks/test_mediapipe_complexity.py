"""The benchmark of MediaPipe's models of the body: what is found, what is right, by hand."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import mediapipe_complexity
from benchmarks.mediapipe_complexity import accuracies, detection, report, row, spread
from benchmarks.real_people_rows import Task

SIGNERS = ["a", "a", "b", "b", "c", "c"]
TABLE = pd.DataFrame({"video": [f"{n}.mp4" for n in range(6)], "word": ["x", "y"] * 3, "signer": SIGNERS})


def by_place(task: Task, seed: int) -> np.ndarray:
    """Say the second word where the first keypoint lies to the right; wrong for everybody at seed 1."""
    assert len(task.train) == 4 and len(set(task.signers)) == 2
    right = np.array([clip[0, 0, 0] > 50 for clip in task.test])
    return np.eye(task.classes)[(right ^ bool(seed)).astype(int)]


def clips() -> list[np.ndarray]:
    made = [np.full((4, 133, 3), 100 * (n % 2), np.float32) for n in range(6)]
    for clip in made:
        clip[..., 2] = 1
        clip[:2, 91:112] = (np.nan, np.nan, 0)
    return made


def test_each_signer_is_the_test_once() -> None:
    assert accuracies(TABLE, clips(), by_place, 2) == [1, 0]


def test_a_hand_counts_where_it_was_found() -> None:
    assert detection(clips()) == {"body": 1, "face": 1, "left hand": 0.5, "right hand": 1}


def test_a_row_and_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, clip in enumerate(clips()):
        np.savez(tmp_path / f"{number}.npz", keypoints0=clip, seconds0=np.array(0.05))
    monkeypatch.setattr(mediapipe_complexity, "ROWS", {"ridge": by_place, "sequence stream": by_place})
    found = row(TABLE, 0, argparse.Namespace(work=tmp_path, seeds=2))
    assert found["frames_per_second"] == pytest.approx(20) and found["ridge"] == [1]
    text = report([found], TABLE)
    assert "6 clips of `clips/asl` on webcams, 2 words by 3 signers" in text
    assert "| 0, lite | 20.0 | 100.0% | 100.0% | 50.0% | 100.0% | 100.0 | 50.0 ± 70.7 |" in text


def test_spread_is_in_percent() -> None:
    assert spread([0.5]) == "50.0" and spread([0.5, 0.75]) == "62.5 ± 17.7"
