import math
from typing import Any

import pytest
import torch
from torch.optim import SGD, AdamW

from camfuse.config import Model, Phase
from camfuse.model.recogniser import build_recogniser
from camfuse.train.optimizer import base_rate, build_optimizer, build_schedule, rate_factor, update_average

SMALL = Model.model_validate(
    {
        "rgb": {"depths": [1, 1, 1, 1], "channels": 8},
        "pose": {"depths": [1, 1, 1], "channels": 8},
        "fusion": {"width": 16, "heads": 2},
    }
)


def make_phase(**keys: Any) -> Phase:
    return Phase(**{"epochs": 10, "batch": 4, "rate": 0.1, "base_batch": 8, **keys})


def test_cosine_by_hand() -> None:
    phase = make_phase(warmup=0.1)
    factors = [rate_factor(step, 100, phase) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == pytest.approx(1.0)
    assert factors[10] == pytest.approx(1.0)
    assert factors[55] == pytest.approx(0.5)  # half of the 90 steps after warm-up
    assert factors[40] == pytest.approx(0.5 * (1 + math.cos(math.pi / 3)))
    assert factors[100] == pytest.approx(0.0)
    assert factors[10:] == sorted(factors[10:], reverse=True)


def test_step_by_hand() -> None:
    phase = make_phase(schedule="step", warmup=0.0)
    assert [rate_factor(step, 20, phase) for step in (0, 11, 12, 15, 16, 19)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01]
    )


@pytest.mark.parametrize("schedule", ["cosine", "step"])
@pytest.mark.parametrize("warmup", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("total", [1, 2, 7])
def test_short_trainings_have_a_rate(schedule: Any, warmup: float, total: int) -> None:
    phase = make_phase(schedule=schedule, warmup=warmup)
    factors = [rate_factor(step, total, phase) for step in range(total + 1)]
    assert all(0 <= factor <= 1 for factor in factors)
    assert all(factor > 0 for factor in factors[:-1])


def test_rate_is_linear_in_the_clips_per_step() -> None:
    assert base_rate(make_phase(), devices=1) == pytest.approx(0.05)
    assert base_rate(make_phase(), devices=4) == pytest.approx(0.2)


def test_groups_of_the_fused_model() -> None:
    model = build_recogniser(SMALL, num_classes=3, part="fusion")
    optimizer = build_optimizer(model, make_phase(weight_decay=0.01), rate=0.2, new_rate=5)
    assert isinstance(optimizer, SGD)
    names = {id(p): name for name, p in model.named_parameters()}
    rates: dict[str, float] = {}
    for group in optimizer.param_groups:
        for p in group["params"]:
            name = names[id(p)]
            rates[name] = group["lr"]
            assert group["weight_decay"] == (0.01 if p.ndim > 1 else 0), name
            assert group["momentum"] == 0.9
    assert rates.keys() == set(names.values())
    new = {name for name, rate in rates.items() if rate == 1.0}
    assert new == {name for name in rates if name.startswith(("fusion.", "head_joint."))}
    assert all(rates[name] == 0.2 for name in rates.keys() - new)
    assert optimizer.param_groups[0]["lr"] == 0.2


def test_schedule_drives_every_group() -> None:
    model = build_recogniser(SMALL, num_classes=3, part="fusion")
    phase = make_phase(optimizer="adamw", warmup=0.0)
    optimizer = build_optimizer(model, phase, rate=0.2, new_rate=5)
    assert isinstance(optimizer, AdamW)
    schedule = build_schedule(optimizer, phase, total=10)
    for _ in range(5):
        optimizer.step()
        schedule.step()
    assert {round(group["lr"], 6) for group in optimizer.param_groups} == {0.1, 0.5}


def test_average_by_hand() -> None:
    average, model = (build_recogniser(SMALL, num_classes=3, part="pose") for _ in range(2))
    for start, found in ((4.0, average), (8.0, model)):
        for value in found.state_dict().values():
            value.fill_(start)
    update_average(average, model, 0.75, step=0)  # decay 1/10: nine tenths of the way from 4 to 8
    state = average.state_dict()
    assert torch.allclose(state["head_pose.fc.weight"], torch.tensor(7.6))
    assert torch.allclose(state["pose.layer1.0.conv1.bn.running_var"], torch.tensor(7.6))
    assert state["pose.layer1.0.conv1.bn.num_batches_tracked"] == 8
    update_average(average, model, 0.75, step=1000)  # a quarter of the way from 7.6 to 8
    assert torch.allclose(average.state_dict()["head_pose.fc.weight"], torch.tensor(7.7))
    assert all((value == 8).all() for value in model.state_dict().values())
