"""The benchmark of unknown signs: which clips are whose, without training."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")
from benchmarks import unknown_signs


def test_no_clip_of_a_kept_out_word_is_trained_and_none_is_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(f"w{word}", f"s{group}", str(group)) for group in range(4) for word in range(8)]
    rows += [("", "s0", ""), ("", "s3", ""), ("", "s9", "")]  # other words: of a tested, a trained and a third signer
    table = pd.DataFrame(rows, columns=["label8", "signer", "group8"])
    points = [np.full((1, 60, 2), number, np.float32) for number in range(len(table))]
    seen: dict[str, list[int]] = {}

    def remember(_model: object, clips: list[np.ndarray], labels: np.ndarray, classes: int, _seed: int) -> None:
        seen["train"] = [int(clip[0, 0, 0]) for clip in clips]
        assert (len(labels), labels.max(), classes) == (12, 5, 6)

    def answer(_model: object, clips: list[np.ndarray]) -> np.ndarray:
        return np.array([clip[0, 0] for clip in clips])

    monkeypatch.setattr(unknown_signs, "fit", remember)
    monkeypatch.setattr(unknown_signs, "predict", answer)
    found = unknown_signs.fold(table, points, "0", "1", (0, 4))
    assert all(number // 8 in (2, 3) and number % 8 not in (0, 4) for number in seen["train"])
    assert found["test_out"][:, 0].tolist() == [0, 4]
    assert found["val_out"][:, 0].tolist() == [8, 12]
    assert found["other"][:, 0].tolist() == [32]
    assert found["test"][:, 0].tolist() == [1, 2, 3, 5, 6, 7]
    assert found["test_labels"].tolist() == [0, 1, 2, 3, 4, 5]
