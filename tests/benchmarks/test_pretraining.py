"""The benchmark of pre-training: who trains, who is asked, and what a line says."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from benchmarks import pretraining
from benchmarks.pretraining import Right
from benchmarks.real_people_sets import People, people
from camfuse.model.checkpoint import Checkpoint

STEM = "sequence.stem.weight"


def made() -> People:
    """Two words by two signers, the first signer showing the first word twice."""
    rng = np.random.default_rng(0)
    clips = [np.concatenate([rng.normal(300, 40, (9, 133, 2)), np.ones((9, 133, 1))], 2) for _ in range(5)]
    labels, signers = ["a", "a", "b", "a", "b"], ["s1", "s1", "s1", "s2", "s2"]
    return people([clip.astype(np.float32) for clip in clips], labels, signers, {}, [(480, 640)] * len(clips))


def test_one_signer_trains_and_the_others_are_asked() -> None:
    task, asked = pretraining.task_of(made(), "s1", one=False)
    assert task.labels.tolist() == [0, 0, 1] and task.signers == ["s1"] * 3 and asked.tolist() == [0, 1]
    task, asked = pretraining.task_of(made(), "s1", one=True)
    assert task.labels.tolist() == [0, 1] and len(task.train) == 2 and asked.tolist() == [0, 1]


def test_a_line_counts_each_clip_once() -> None:
    scores = np.array([[0.1, 0.9, 0.0], [0.5, 0.2, 0.3]])
    one = pretraining.right(scores, np.array([1, 1]))
    assert one.first.tolist() == [True, False] and one.five.tolist() == [True, True]
    three = Right(np.array([False] * 3), np.array([True, False, False]))
    cells = pretraining.line("all", "random", [[one, three], [one, one]]).split(" | ")
    assert cells[2] == "35.0 (20.0, 50.0)" and cells[3].startswith("80.0 (60.0, 100.0)")


def test_a_training_starts_from_pretrained_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a rate of next to nothing the stream stays as it was pre-trained; from random weights it is another."""
    from benchmarks import real_people_sequence
    from camfuse.config import Config, recipe

    monkeypatch.setattr(recipe, "FEWEST_STEPS", 24)
    monkeypatch.setattr(recipe, "VIEWS", 1)
    weights = tmp_path / "two.ckpt"
    pretraining.pretrained([made(), made()], 2, weights)
    usual = real_people_sequence.settings

    def still(*given: object) -> Config:
        config = usual(*given)  # type: ignore[arg-type]
        phase = config.train.sequence.model_copy(update={"rate": 1e-12})
        return config.model_copy(update={"train": config.train.model_copy(update={"sequence": phase})})

    monkeypatch.setattr(real_people_sequence, "settings", still)
    task, _ = pretraining.task_of(made(), "s1", one=False)
    begun = [
        Checkpoint.load(real_people_sequence.trained(task, 3, tmp_path / name, start).training("sequence").best)
        for name, start in (("pretrained", weights), ("random", None))
    ]
    wanted = torch.load(weights, weights_only=True)["state"][STEM]
    torch.testing.assert_close(begun[0].state[STEM], wanted)
    assert not torch.allclose(begun[1].state[STEM], wanted, atol=1e-3)
