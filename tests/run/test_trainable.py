"""What the clip table tells of a training and its test."""

from typing import Any

import pandas as pd
import pytest
from made_training import MakeConfig

from camfuse.run.trainable import training_problems

NO_TEST = "expected at least one clip of split `test`, found none"


def problems(config: Any, clips: str) -> list[str]:
    """Return what is wrong with clips written as ``a:train b:test``."""
    pairs = [one.split(":") for one in clips.split()]
    rows = pd.DataFrame(pairs, columns=["label", "split"])
    return training_problems(config, rows, sorted(set(rows["label"])))


@pytest.mark.parametrize(
    ("clips", "expected"),
    [
        ("a:train b:train a:val a:test", []),
        ("a:train b:train a:test", []),  # without val the last epoch is kept
        ("a:train b:train", [NO_TEST]),
        ("a:val b:test", ["expected at least one clip of split `train`, found none"]),
        (
            "a:train b:test",
            ["training clips of at least two words to tell apart, found those of 'a'", "of a word that"],
        ),
        ("a:train a:val", ["found those of 'a'", NO_TEST]),
        ("a:train b:train c:test", ["expected a test clip of a word that is trained"]),
    ],
)
def test_what_could_not_be_trained_is_said(make_config: MakeConfig, clips: str, expected: list[str]) -> None:
    found = problems(make_config(), clips)
    assert len(found) == len(expected)
    assert all(part in whole for part, whole in zip(expected, found, strict=True)), found


def test_what_the_config_asks_of_the_clips(make_config: MakeConfig) -> None:
    clips = "a:train b:train a:test"
    (problem,) = problems(make_config(evaluate={"weights": "tuned"}), clips)
    assert problem == "evaluate.weights: `tuned` chooses on val, and no clip is of split `val`"
    found = problems(make_config(train={"unknown_words": ["b", "z"]}), clips)
    assert "train.unknown_words: expected labels of the clip table, found z" in found and len(found) == 2


def test_experiments_are_looked_at_too(make_config: MakeConfig) -> None:
    config = make_config(experiments={"odd": {"evaluate": {"weights": "tuned"}}, "same": {"seed": 2}})
    found = problems(config, "a:train b:train")
    assert found[0].startswith(NO_TEST) and found[1].startswith("experiment odd: evaluate.weights") and len(found) == 2
