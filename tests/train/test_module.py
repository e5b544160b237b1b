"""The training module by itself: what it selects by, refuses, and keeps in a state."""

import copy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from made_training import MakeConfig

from camfuse.config import Config, Part
from camfuse.errors import ConfigError
from camfuse.model.recogniser import build_recogniser
from camfuse.train.module import FUSED, TrainingIdentity, TrainingModule, write_curves

SMALL: dict[str, Any] = {
    "rgb": {"depths": [1, 1, 1, 1], "channels": 2},
    "pose": {"depths": [1, 1, 1], "channels": 2},
    "fusion": {"width": 4, "heads": 2},
}
IDENTITY = TrainingIdentity("f", "d", 1)


def build(config: Config, part: Part = "fusion", val_clips: int = 10) -> TrainingModule:
    model = build_recogniser(config.model, num_classes=3, part=part)
    return TrainingModule(model, config, identity=IDENTITY, val_clips=val_clips, curves=None)


def test_a_fused_model_is_judged_by_the_weighted_mean_of_its_heads(make_config: MakeConfig) -> None:
    module = build(make_config(model=SMALL, evaluate={"weights": [1, 1, 2]}))
    assert module.main_head == FUSED
    rows = {"rgb": (0.8, 0.1, 0.1), "pose": (0.4, 0.4, 0.2), "joint": (0.2, 0.2, 0.6)}
    found = module._log_probabilities({head: torch.tensor([row]).log() for head, row in rows.items()})
    assert found[FUSED].exp()[0].tolist() == pytest.approx([0.4, 0.225, 0.375])
    assert build(make_config(model=SMALL), "rgb").main_head == "rgb"


def test_selection_is_right_clips_then_loss_and_the_last_epoch_without_val(make_config: MakeConfig) -> None:
    module = build(make_config(model=SMALL), "rgb")

    def selection(top1: float, loss: float) -> float:
        module._val = {"rgb": {"top1": top1, "loss": loss}}
        return module._selection(1)

    assert selection(0.5, 0.1) > selection(0.5, 9.0) > selection(0.4, 0.0)
    module._val = {}
    assert module._selection(7) == 7


def test_a_loss_that_is_no_number_names_what_to_change(make_config: MakeConfig) -> None:
    module = build(make_config(model=SMALL), "pose")
    module._refuse_nonsense(2, 1.5)
    with pytest.raises(ConfigError, match=r"train\.pose: the loss of epoch 2 is inf .*lower train\.pose\.rate"):
        module._refuse_nonsense(2, float("inf"))


def test_a_state_says_which_training_it_is_of_and_comes_back(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrainingModule, "_add_up", lambda _self, numbers: numbers * 2)  # of two processes
    module, state = build(make_config(model=SMALL), "rgb"), dict[str, Any]()
    module.rows, module.epochs, module.batches = [{"epoch": 1}], 1, 3
    module.clock.seconds, module._norms = 12.0, [torch.tensor(6.0), 2]
    module._train_meter.add({"rgb": torch.tensor([[0.5, 0.25, 0.25]]).log()}, torch.tensor([0]))
    module.clock.start(torch.device("cpu"))
    module.on_save_checkpoint(state)
    assert state["camfuse"]["labels"] == {"fingerprint": "f", "data": "d", "processes": 1}
    other = build(make_config(model=SMALL), "rgb")
    other.on_load_checkpoint(copy.deepcopy(state))
    assert (other.rows, other.epochs, other.batches, other._norms) == ([{"epoch": 1}], 1, 3, [6.0, 2])
    assert other.clock.seconds >= 12
    assert torch.equal(other._train_meter.sums, module._train_meter.sums * 2)


def test_the_average_is_a_model_of_its_own_that_is_not_trained(make_config: MakeConfig) -> None:
    phase = {"epochs": 1, "batch": 2, "rate": 0.1, "base_batch": 2}
    assert build(make_config(model=SMALL, train={"pose": phase}), "pose").average is None
    module = build(make_config(model=SMALL, train={"pose": {**phase, "ema": 0.9}}), "pose")
    assert module.average is not None and module.average is not module.model
    assert not [p for p in module.average.parameters() if p.requires_grad]
    state, kept = module.model.state_dict(), module.average.state_dict()
    assert all(torch.equal(kept[key], value) for key, value in state.items())


def test_what_a_step_logs_is_a_tensor(make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a plain number Lightning makes a tensor on the GPU, and waits until the GPU has done all that is queued."""
    phase = {"epochs": 1, "batch": 2, "rate": 0.25, "base_batch": 2, "optimizer": "sgd"}
    module = build(make_config(model=SMALL, train={"pose": phase}), "pose")
    logged: dict[str, torch.Tensor] = {}
    monkeypatch.setattr(module, "log_dict", logged.update)
    for parameter in module.model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer = torch.optim.SGD(module.model.parameters(), lr=0.25)
    module.configure_gradient_clipping(optimizer)
    assert set(logged) == {"rate", "grad_norm"}
    assert all(isinstance(value, torch.Tensor) for value in logged.values())
    assert logged["rate"].device.type == "cpu" and float(logged["rate"]) == 0.25


def test_curves_are_written_with_a_row_per_head(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    numbers = {"epoch": 1, "split": "val", "head": "rgb", "loss": 0.5, "top1": 0.25, "rate": None, "grad_norm": None}
    write_curves([numbers], path)
    assert path.read_text() == "epoch,split,head,loss,top1,rate,grad_norm\n1,val,rgb,0.5,0.25,,\n"
    assert len(pd.read_csv(path)) == 1
