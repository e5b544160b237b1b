"""A checkpoint at work gives what the test of its run gives."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_training import PAPER, MadeRun, MakeRun

from camfuse.config import Part
from camfuse.data.dataset import ClipDataset
from camfuse.data.inputs import clip_inputs
from camfuse.errors import ConfigError
from camfuse.model.checkpoint import Checkpoint
from camfuse.predict.export import made_inputs
from camfuse.predict.probabilities import predict
from camfuse.predict.torch_network import TorchNetwork
from camfuse.prep.arrays import ClipCrops


@pytest.mark.parametrize("part", PAPER)
def test_the_same_probabilities_as_the_test(trained: MadeRun, part: Part) -> None:
    check_probabilities(trained, part)


def test_the_same_probabilities_of_a_sequence_alone(make_run: MakeRun, tmp_path: Path) -> None:
    model = {"rgb": None, "pose": None, "sequence": {"frames": 8, "width": 8, "depth": 1}}
    phase = {"epochs": 1, "repeat": 1, "batch": 4, "rate": 0.001, "base_batch": 4}
    run = make_run(tmp_path / "run", {"train": 2, "test": 3}, model=model, train={"sequence": phase})
    run.train("sequence")
    check_probabilities(run, "sequence")


def check_probabilities(trained: MadeRun, part: Part) -> None:
    run, rows = trained.run, trained.run.clips()
    rows = rows[rows["split"] == "test"].head(3)
    best = run.training(part).best
    samplings = run.config.evaluate.samplings
    data = ClipDataset(rows, run, part=part, augment=False, samplings=samplings, compact=True)
    tested = predict(run.config, data, {part: Checkpoint.load(best)})
    network = TorchNetwork.load(best, "cpu")
    for row, clip_id in enumerate(rows["clip_id"]):
        name = run.shard_of(clip_id)
        keypoints = run.shard("pose", name).read("keypoints", clip_id)
        crops = ClipCrops.of(run.shard("crops", name), clip_id)
        found = network.probabilities(clip_inputs(network.facts.config, part, clip_id, keypoints, crops))
        assert set(found) == set(tested.of(part)) == set(network.facts.heads)
        for head, values in found.items():
            assert values.shape == (samplings, len(run.classes()))
            np.testing.assert_allclose(values.mean(0), tested.of(part)[head][row], atol=1e-5)


def test_exact_is_float32_whatever_the_training_was(trained: MadeRun, tmp_path: Path) -> None:
    found = Checkpoint.load(trained.run.training("rgb").best)
    half = found.config["train"] | {"precision": "bf16-mixed"}
    replace(found, config=found.config | {"train": half}).save(tmp_path / "best.ckpt")
    plain = TorchNetwork.load(trained.run.training("rgb").best, "cpu")
    given = made_inputs(plain.facts)
    expected = plain.probabilities(given)["rgb"]
    exact, rounded = (TorchNetwork.load(tmp_path / "best.ckpt", "cpu", exact=exact) for exact in (True, False))
    np.testing.assert_array_equal(exact.probabilities(given)["rgb"], expected)
    assert 1e-6 < np.abs(rounded.probabilities(given)["rgb"] - expected).max() < 0.05


def test_a_device_that_is_not_there(trained: MadeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ConfigError, match="CUDA"):
        TorchNetwork.load(trained.run.training("rgb").best, "cuda")
