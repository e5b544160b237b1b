"""The benchmark of pre-training: who trains, who is asked, and what a line says."""

import numpy as np
import pytest

pytest.importorskip("torch")
from benchmarks import pretraining
from benchmarks.pretraining import Right
from benchmarks.real_people_sets import People, people


def made() -> People:
    """Two words by two signers, the first signer showing the first word twice."""
    rng = np.random.default_rng(0)
    clips = [np.concatenate([rng.normal(300, 40, (9, 133, 2)), np.ones((9, 133, 1))], 2) for _ in range(5)]
    labels, signers = ["a", "a", "b", "a", "b"], ["s1", "s1", "s1", "s2", "s2"]
    return people([clip.astype(np.float32) for clip in clips], labels, signers, {})


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


def test_a_training_goes_on_from_pretrained_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """After no step at all the stream is as pre-trained; random weights are others."""
    from benchmarks import real_people_sequence

    monkeypatch.setattr(real_people_sequence, "fit", lambda *_: None)
    state = pretraining.pretrained([made(), made()], 2)
    task, _ = pretraining.task_of(made(), "s1", one=False)
    begun = real_people_sequence.trained(task, 3, state).sequence.state_dict()
    assert all((begun[name] == value).all() for name, value in state.items())
    other = real_people_sequence.trained(task, 3).sequence.state_dict()
    assert not (other["stem.weight"] == state["stem.weight"]).all()
