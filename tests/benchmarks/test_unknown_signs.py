"""The benchmark of unknown signs: which clips are whose, without training."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")
from benchmarks import unknown_signs
from benchmarks.real_people_rows import Task


def test_no_clip_of_a_kept_out_word_is_trained_and_none_is_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(f"w{word}", f"s{group}", str(group)) for group in range(4) for word in range(8)]
    rows += [("", "s0", ""), ("", "s3", ""), ("", "s9", "")]  # other words: of a tested, a trained and a third signer
    table = pd.DataFrame(rows, columns=["label8", "signer", "group8"])
    keypoints = [np.full((1, 60, 2), number, np.float32) for number in range(len(table))]
    seen: dict[str, list[int]] = {}

    def answer(task: Task, _seed: int) -> np.ndarray:
        seen["train"] = [int(clip[0, 0, 0]) for clip in task.train]
        assert (len(task.labels), task.labels.max(), task.classes) == (12, 5, 6)
        return np.array([clip[0, 0] for clip in task.test])

    monkeypatch.setattr(unknown_signs, "sequence_stream", answer)
    found = unknown_signs.fold(table, keypoints, "0", "1", (0, 4))
    assert all(number // 8 in (2, 3) and number % 8 not in (0, 4) for number in seen["train"])
    assert found["test_out"][:, 0].tolist() == [0, 4]
    assert found["val_out"][:, 0].tolist() == [8, 12]
    assert found["other"][:, 0].tolist() == [32]
    assert found["test"][:, 0].tolist() == [1, 2, 3, 5, 6, 7]
    assert found["test_labels"].tolist() == [0, 1, 2, 3, 4, 5]
