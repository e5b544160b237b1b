"""What travels with a model, and how the heads make one answer."""

from typing import Any

import numpy as np
import pytest

from camfuse.errors import WeightsError
from camfuse.predict.calibration import Calibration
from camfuse.predict.facts import ModelFacts

CONFIG: dict[str, Any] = {
    "clips": {"folder": {"videos": "gone"}},
    "pose": {"mediapipe": {}},
    "machine": {"device": "cuda", "devices": 4, "weights": "kept"},
    "experiments": {"other": {"seed": 2}},
}
HEADS = ("rgb", "pose", "joint")


def facts(calibration: Calibration | None = None, **sections: Any) -> ModelFacts:
    return ModelFacts.of("fusion", ("a", "b"), CONFIG | sections, "f" * 16, calibration or Calibration())


def test_the_machine_is_this_one() -> None:
    machine = facts().config.machine
    assert (machine.device, machine.devices, str(machine.weights)) == ("auto", 1, "kept")


def test_a_config_of_another_version_is_refused() -> None:
    with pytest.raises(WeightsError, match="this model of fusion is of another version"):
        facts(crops={"sise": 3})


def test_the_heads_count_as_the_config_says() -> None:
    given = {"rgb": np.array([[1.0, 0.0], [0.6, 0.4]], np.float32), "pose": np.array([[0.2, 0.8]] * 2, np.float32)}
    found = facts(evaluate={"weights": [1, 3, 0]}).combined(given)
    np.testing.assert_allclose(found, [(0.8 + 3 * 0.2) / 4, (0.2 + 3 * 0.8) / 4], rtol=1e-6)
    only_joint = facts(evaluate={"weights": [0, 0, 1]}).combined(given)
    np.testing.assert_allclose(only_joint, [0.5, 0.5], rtol=1e-6)


def test_weights_that_were_tuned_travel_with_the_calibration() -> None:
    tuned = Calibration(weights={"rgb": 0.1, "pose": 0.9})
    assert facts(tuned, evaluate={"weights": "tuned"}).heads == {"rgb": 0.1, "pose": 0.9, "joint": 0.0}
    assert facts(evaluate={"weights": "tuned"}).heads == dict.fromkeys(HEADS, 1.0)


def test_the_answer_is_calibrated() -> None:
    given = {"rgb": np.array([[0.8, 0.2]], np.float32)}
    found = facts(Calibration(temperature=2)).combined(given)
    np.testing.assert_allclose(found, [2 / 3, 1 / 3], rtol=1e-6)
