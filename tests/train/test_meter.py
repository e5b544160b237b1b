"""Loss and top-1 of an epoch, by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor

from camfuse.train.meter import TrainMeter, ValMeter


def log_of(*rows: tuple[float, ...]) -> Tensor:
    return torch.tensor(rows).log()


def test_train_meter_by_hand() -> None:
    meter = TrainMeter(("a", "b"))
    meter.add({"a": log_of((0.5, 0.5)), "b": log_of((0.25, 0.75))}, torch.tensor([1]))
    rows = log_of((1.0, 0.0), (0.25, 0.75))
    meter.add({"a": rows, "b": rows}, torch.tensor([0, 0]))
    # a: ln 2, 0, ln 4 over three samples, one right of three (0.5 to 0.5 goes to the first); b: ln 4/3, 0, ln 4
    numbers = meter.take(lambda sums: sums)
    assert numbers["a"] == pytest.approx({"loss": (np.log(2) + np.log(4)) / 3, "top1": 1 / 3})
    assert numbers["b"] == pytest.approx({"loss": (np.log(4 / 3) + np.log(4)) / 3, "top1": 2 / 3})
    assert (meter.sums == 0).all()


def test_val_meter_counts_a_clip_once() -> None:
    one, two = ValMeter(("a",), 3), ValMeter(("a",), 3)
    one.add({"a": log_of((0.5, 0.5), (0.1, 0.9))}, torch.tensor([0, 1]), torch.tensor([2, 0]))
    two.add({"a": log_of((0.25, 0.75), (0.1, 0.9))}, torch.tensor([0, 1]), torch.tensor([1, 0]))  # clip 0 to fill up
    expected = {"loss": pytest.approx((np.log(2) + np.log(10 / 9) + np.log(4)) / 3), "top1": pytest.approx(2 / 3)}
    assert one.take(lambda found: torch.maximum(found, two.found)) == {"a": expected}
    assert (one.found == -1).all()
