"""Trained recognisers on the clips of a run; more through the result files in tests/evaluate/test_run.py."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from made_training import MadeRun

from camfuse.config import Part
from camfuse.data.dataset import ClipDataset
from camfuse.errors import WeightsError
from camfuse.model.checkpoint import Checkpoint
from camfuse.model.compiled import WORTH_IT, WORTH_IT_FOLDED
from camfuse.model.folded import FoldedConv
from camfuse.model.recogniser import Recogniser
from camfuse.predict import probabilities
from camfuse.predict.probabilities import Predictor, load_checkpoints, predict


def test_every_head_gives_a_distribution_over_the_classes(trained: MadeRun) -> None:
    run, rows = trained, trained.run.clips()
    data = ClipDataset(rows[rows["split"] == "val"], run.run, part="fusion", augment=False, samplings=2, compact=True)
    loaded = load_checkpoints(
        run.config, {part: run.run.training(part).best for part in ("rgb", "fusion")}, run.run.classes()
    )
    found = predict(run.config, data, loaded)
    assert set(found.of("fusion")) == {"rgb", "pose", "joint"} and set(found.of("rgb")) == {"rgb"}
    for values in found.heads.values():
        assert values.shape == (len(data.clips), len(run.run.classes()))
        torch.testing.assert_close(values.sum(1), torch.ones(len(values)))
    assert found.labels.tolist() == data.labels


def test_checkpoints_of_other_classes_are_refused(trained: MadeRun) -> None:
    with pytest.raises(WeightsError, match="expected the 2 classes"):
        load_checkpoints(trained.config, {"rgb": trained.run.training("rgb").best}, ("red", "green"))


@pytest.mark.parametrize("compact", [False, True])
def test_a_test_uses_the_arithmetic_of_the_training(trained: MadeRun, compact: bool) -> None:
    run, rows = trained, trained.run.clips()
    test = rows[rows["split"] == "test"]
    data = ClipDataset(test, run.run, part="fusion", augment=False, samplings=2, compact=compact)
    trained_as: dict[Part, Checkpoint] = {"fusion": Checkpoint.load(run.run.training("fusion").best)}
    exact = predict(run.config, data, trained_as)
    half = run.config.train.model_copy(update={"precision": "bf16-mixed"})
    rounded = predict(run.config.model_copy(update={"train": half}), data, trained_as)
    for head, values in exact.heads.items():
        difference = (rounded.heads[head] - values).abs().max()
        assert 1e-6 < difference < 0.05, head


@pytest.mark.parametrize("part", ["rgb", "pose", "fusion"])
@pytest.mark.parametrize(("precision", "most"), [("32-true", 1e-5), ("bf16-mixed", 0.02)])
def test_samplings_share_what_looks_at_one_frame_at_a_time(
    trained: MadeRun, monkeypatch: pytest.MonkeyPatch, part: Part, precision: str, most: float
) -> None:
    run, rows = trained, trained.run.clips()
    train = run.config.train.model_copy(update={"precision": precision})
    config = run.config.model_copy(update={"train": train})
    data = ClipDataset(rows, run.run, part=part, augment=False, samplings=3, compact=True)
    trained_as: dict[Part, Checkpoint] = {part: Checkpoint.load(run.run.training(part).best)}
    found = predict(config, data, trained_as)
    monkeypatch.setattr(probabilities, "_by_frame", probabilities._by_sampling)
    expected = predict(config, data, trained_as)
    assert found.heads.keys() == expected.heads.keys()
    for head, values in expected.heads.items():
        torch.testing.assert_close(found.heads[head], values, rtol=0, atol=most)


@pytest.mark.parametrize("part", ["rgb", "pose", "fusion"])
def test_a_test_that_folds_answers_the_same(trained: MadeRun, monkeypatch: pytest.MonkeyPatch, part: Part) -> None:
    """As on a GPU in 16 bits; the checkpoint itself is not folded."""
    run, rows = trained, trained.run.clips()
    train = run.config.train.model_copy(update={"precision": "bf16-mixed"})
    config = run.config.model_copy(update={"train": train})
    data = ClipDataset(rows, run.run, part=part, augment=False, samplings=3, compact=True)
    trained_as: dict[Part, Checkpoint] = {part: Checkpoint.load(run.run.training(part).best)}
    expected = predict(config, data, trained_as)
    monkeypatch.setattr(probabilities, "folds", lambda device: True)
    predictor = Predictor(config, trained_as)
    found = predictor.predict(data)
    (replica,) = predictor._models(compiled=False)
    assert any(isinstance(module, FoldedConv) for module in replica.models[part].modules())
    assert found.heads.keys() == expected.heads.keys()
    for head, values in expected.heads.items():
        torch.testing.assert_close(found.heads[head], values, rtol=0, atol=0.03)
    monkeypatch.undo()
    again = predict(config, data, trained_as)
    assert all(torch.equal(again.heads[head], values) for head, values in expected.heads.items())


@pytest.mark.parametrize(("folding", "expected"), [(False, WORTH_IT), (True, WORTH_IT_FOLDED)])
def test_a_test_that_folds_is_compiled_later(
    trained: MadeRun, monkeypatch: pytest.MonkeyPatch, folding: bool, expected: int
) -> None:
    run, rows = trained, trained.run.clips()
    train = run.config.train.model_copy(update={"precision": "bf16-mixed"})
    data = ClipDataset(rows, run.run, part="rgb", augment=False, samplings=2, compact=True)
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(probabilities, "folds", lambda device: folding)
    monkeypatch.setattr(probabilities, "compiles", lambda _, *views: asked.append(views) or False)
    of: dict[Part, Checkpoint] = {"rgb": Checkpoint.load(run.run.training("rgb").best)}
    predict(run.config.model_copy(update={"train": train}), data, of)
    assert asked == [(2 * len(data), expected)]


def test_batches_of_one_size_go_through_the_compiled_network_and_the_last_through_the_plain_one(
    trained: MadeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, rows = trained, trained.run.clips()
    data = ClipDataset(rows, run.run, part="rgb", augment=False, samplings=2)
    assert len(data) % 4, "the last batch is a smaller one"
    trained_as: dict[Part, Checkpoint] = {"rgb": Checkpoint.load(run.run.training("rgb").best)}
    sizes: list[int] = []

    def compiled(model: Recogniser, _config: object) -> None:
        plain: Callable[..., Any] = model.forward

        def call(**inputs: Any) -> Any:
            sizes.append(len(inputs["rgb"]))
            return plain(**inputs)

        model._compiled_call_impl = call  # what torch's own `Module.compile` sets

    monkeypatch.setattr(probabilities, "compile_network", compiled)
    machine = run.config.machine.model_copy(update={"evaluate_batch": 4})
    expected = predict(run.config.model_copy(update={"machine": machine}), data, trained_as)
    assert not sizes
    on = run.config.model_copy(update={"machine": machine.model_copy(update={"compile": "on"})})
    found = predict(on, data, trained_as)
    assert sizes and set(sizes) == {4}
    for head, values in expected.heads.items():
        assert torch.equal(found.heads[head], values), head
