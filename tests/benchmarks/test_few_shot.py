"""The benchmark of added words: who is trained on, who is asked, and the figures on clips that lie as they should."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")
from benchmarks import few_shot
from benchmarks.few_shot import Fold


def made_table() -> pd.DataFrame:
    """Twelve words by three signers on webcams, four of them also on the web."""
    rows = [(f"w{word:02d}", signer, "webcam", "") for word in range(12) for signer in ("s01", "s02", "s02", "s03")]
    rows += [(f"w{word:02d}", f"s1{group}", "web", str(group)) for word in range(4) for group in range(4)]
    return pd.DataFrame(rows, columns=["label", "signer", "source", "group8"])


def made_fold(table: pd.DataFrame) -> Fold:
    """Each word's clips lie in a place of their own."""
    held = ("w00", "w03", "w06", "w09")
    words = sorted(set(table["label"]))
    number = table["label"].map(words.index).to_numpy()
    features = np.eye(12)[number] + np.random.default_rng(0).normal(0, 0.01, (len(table), 12))
    trained = [word for word in words if word not in held]
    probabilities = np.full((len(table), len(trained)), 0.1)
    for row, label in enumerate(table["label"]):
        if label in trained:
            probabilities[row, trained.index(label)] = 0.9
    return few_shot.fold(table, held, "s03", features, probabilities / probabilities.sum(1, keepdims=True))


def test_neither_the_words_nor_the_signer_are_trained_on() -> None:
    table = made_table()
    train, val = few_shot.roles(table, ("w00", "w03"), "s01")
    for rows in (train, val):
        assert not set(table["label"].iloc[rows]) & {"w00", "w03"}
        assert "s01" not in set(table["signer"].iloc[rows])
    assert set(table["group8"].iloc[val]) == {few_shot.VAL_GROUP}
    assert not set(train) & set(val)


def test_an_episode_asks_the_tested_signer_and_shows_the_others() -> None:
    table = made_table()
    one = made_fold(table)
    words, given, asked = few_shot.episode(table, one, 3, 2, np.random.default_rng(1))
    assert len(set(words)) == len(given) == len(asked) == 3
    assert set(table["signer"].iloc[asked]) == {"s03"}
    for word, rows in zip(words, given, strict=True):
        assert (
            len(rows) == 2 and set(table["label"].iloc[rows]) == {word} and "s03" not in set(table["signer"].iloc[rows])
        )


def test_clips_that_lie_apart_are_all_right_and_warping_counts_the_nearest() -> None:
    table = made_table()
    fold = made_fold(table)
    far = 1.0 - np.eye(len(table))
    cells = few_shot.line(table, [fold], far, 4, 1).split(" | ")
    assert cells[3].startswith("100.0 ")
    assert cells[4].startswith("25.0 ")  # all are as far: the first word is said
    old_and_new = few_shot.together(table, [fold], 2).split("|")
    assert [cell.strip() for cell in old_and_new[2:5]] == ["100.0", "100.0", "100.0"]
