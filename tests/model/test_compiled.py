"""When the network is compiled, and that a compiled one gives what the plain one gives."""

import copy
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from made_training import MakeConfig
from torch import Tensor
from torch.nn import functional

from camfuse.config import Model
from camfuse.model.compiled import WORTH_IT, WORTH_IT_FOLDED, compile_network, compiles
from camfuse.model.recogniser import Recogniser, build_recogniser

SMALL = Model.model_validate(
    {
        "rgb": {"depths": [1, 1, 1, 1], "channels": 8, "dropout": 0},
        "pose": {"depths": [1, 1, 1], "channels": 8, "dropout": 0},
        "fusion": {"width": 16, "heads": 2, "dropout": 0, "modality_dropout": 0},
    }
)
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.mark.parametrize(
    ("machine", "gpu", "clips", "expected"),
    [
        ({}, True, WORTH_IT, True),
        ({}, True, WORTH_IT - 1, False),
        ({}, False, WORTH_IT, False),
        ({"compile": "off"}, True, WORTH_IT, False),
        ({"compile": "on"}, False, 1, True),
        ({"compile": "on", "recompute": True}, True, WORTH_IT, False),
        ({"devices": 2}, True, WORTH_IT, False),
        ({"devices": 2, "compile": "on"}, True, 1, True),
    ],
)
def test_auto_compiles_long_trainings_on_one_gpu(
    machine: dict[str, Any],
    gpu: bool,
    clips: int,
    expected: bool,
    make_config: MakeConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2 * gpu)
    assert compiles(make_config(machine={"device": "auto"} | machine), clips) is expected


def test_a_test_that_folds_compiles_later(make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    config = make_config(machine={"device": "auto"})
    assert not compiles(config, WORTH_IT_FOLDED - 1, WORTH_IT_FOLDED)
    assert compiles(config, WORTH_IT_FOLDED, WORTH_IT_FOLDED)


def step(model: Recogniser, device: str) -> list[Tensor]:
    """Return the logits, and in training the gradients, of one batch; in 16 bits on a GPU."""
    torch.manual_seed(5)
    rgb = torch.randint(0, 256, (3, 3, 2, 64, 64), dtype=torch.uint8).to(device)
    heatmaps = torch.randint(0, 256, (3, 133, 4, 16, 16), dtype=torch.uint8).to(device)
    with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
        logits = model(rgb=rgb, heatmaps=heatmaps, sequence=None)
    found = [values.float() for values in logits.values()]
    if model.training:
        model.zero_grad()
        sum(functional.cross_entropy(v, torch.tensor([0, 1, 2], device=device)) for v in found).backward()  # type: ignore[union-attr]
        found += [p.grad.float() for p in model.parameters() if p.grad is not None]
    return [values.detach() for values in found]


@pytest.mark.torture  # a minute of compiling
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=CUDA)])
def test_a_compiled_network_gives_the_same(
    device: str, make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    torch.manual_seed(1)
    plain = build_recogniser(SMALL, num_classes=3, part="fusion" if device == "cuda" else "pose")
    for parameter in plain.parameters():  # no zeros that would hide the messages
        torch.nn.init.normal_(parameter, std=0.05)
    plain = plain.to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    quick = copy.deepcopy(plain)
    compile_network(quick, make_config(machine={"compile_cache": tmp_path / "kernels"}))
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / "kernels")
    assert quick.state_dict().keys() == plain.state_dict().keys()
    torch._dynamo.utils.counters.clear()
    for training in (True, False, True, False):
        expected, found = (step(model.train(training), device) for model in (plain, quick))
        one, other = (torch.cat([values.flatten() for values in side]) for side in (found, expected))
        assert (one - other).norm() <= (0.1 if device == "cuda" else 1e-3) * other.norm()
    counted = torch._dynamo.utils.counters
    assert counted["stats"]["unique_graphs"] == 2 and not counted["graph_break"]  # one to train, one to validate
    assert any((tmp_path / "kernels").iterdir())
