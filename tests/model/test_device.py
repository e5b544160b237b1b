"""Where a recogniser runs, and in which arithmetic."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from made_training import MakeConfig

from camfuse.config import Part, computer
from camfuse.errors import ConfigError
from camfuse.model import device as devices
from camfuse.model.device import arithmetic, computes_bf16, pick_device, precision_on, set_tf32, to_memory_format
from camfuse.model.recogniser import build_recogniser
from camfuse.model.sequence import IN_CHANNELS

SMALL = {"rgb": {"depths": [1, 1, 1, 1], "channels": 2}, "pose": {"depths": [1, 1, 1], "channels": 2}}


@pytest.fixture
def tf32_restored() -> Iterator[None]:
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    yield
    torch.set_float32_matmul_precision(before[0])
    torch.backends.cudnn.allow_tf32 = before[1]


@pytest.mark.parametrize(
    ("found", "wanted", "devices", "expected"),
    [
        (0, "auto", 1, "cpu"),
        (0, "auto", 2, "cpu"),
        (2, "auto", 2, "cuda"),
        (1, "cuda", 1, "cuda"),
        (4, "cpu", 1, "cpu"),
    ],
)
def test_a_gpu_is_used_where_there_is_one(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, found: int, wanted: str, devices: int, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: found > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: found)
    assert pick_device(make_config(machine={"device": wanted, "devices": devices})) == expected


@pytest.mark.parametrize(("found", "wanted", "devices"), [(0, "cuda", 1), (1, "auto", 2)])
def test_gpus_that_are_not_there_are_told(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, found: int, wanted: str, devices: int
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: found > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: found)
    with pytest.raises(ConfigError, match=rf"expected {devices} CUDA device\(s\), found {found}"):
        pick_device(make_config(machine={"device": wanted, "devices": devices}))


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.usefixtures("tf32_restored")
def test_tf32_is_as_the_config_says(make_config: MakeConfig, allowed: bool) -> None:
    set_tf32(make_config(train={"tf32": allowed}))
    assert torch.backends.cudnn.allow_tf32 == allowed
    assert torch.get_float32_matmul_precision() == ("high" if allowed else "highest")


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [("32-true", torch.float32), ("bf16-mixed", torch.bfloat16), ("16-mixed", torch.float16)],
)
def test_arithmetic_and_memory_format_are_those_of_the_precision(
    make_config: MakeConfig, precision: str, dtype: torch.dtype
) -> None:
    config = make_config(model=SMALL, train={"precision": precision})
    with arithmetic(config, torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
    model = to_memory_format(build_recogniser(config.model, num_classes=2, part="rgb"), config, "cpu")
    weight = model.get_parameter("rgb.conv1.conv.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last_3d) == (precision != "32-true")
    assert weight.dtype == torch.float32


@pytest.fixture
def asked_anew() -> Iterator[None]:
    computes_bf16.cache_clear()
    yield
    computes_bf16.cache_clear()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu sse2 avx512f avx512_bf16 avx512_vnni", "bf16-mixed"),
        ("fpu sse2 avx512f amx_bf16", "bf16-mixed"),
        ("fpu sse2 avx2 avx512f avx512_vnni", "32-true"),
        (None, "32-true"),  # not Linux
    ],
)
@pytest.mark.usefixtures("tf32_restored", "asked_anew")
def test_auto_is_bf16_where_the_cpu_computes_in_it(
    make_config: MakeConfig,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    flags: str | None,
    expected: str,
) -> None:
    facts = tmp_path / "cpuinfo"
    if flags is not None:
        facts.write_text(f"processor\t: 0\nmodel name\t: a CPU\nflags\t\t: {flags}\n\nprocessor\t: 1\n")
    monkeypatch.setattr(computer, "CPU_FACTS", facts)
    config = make_config(model=SMALL, train={"precision": "auto"}, machine={"device": "cpu"})
    assert precision_on(config, "cpu") == expected
    dtype = torch.bfloat16 if expected == "bf16-mixed" else torch.float32
    with arithmetic(config, torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
    with caplog.at_level(logging.INFO, logger="camfuse"):
        set_tf32(config)
    assert f"precision {expected} (auto" in caplog.text


@pytest.mark.parametrize(("able", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
@pytest.mark.usefixtures("asked_anew")
def test_auto_is_bf16_where_the_gpu_computes_in_it(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, able: bool, expected: str
) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return able or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert precision_on(make_config(train={"precision": "auto"}), "cuda") == expected


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_a_precision_that_the_config_names_is_taken_anywhere(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    monkeypatch.setattr(devices, "computes_bf16", lambda kind: precision == "32-true")
    config = make_config(train={"precision": precision})
    assert precision_on(config, "cpu") == precision_on(config, "cuda") == precision


@pytest.mark.parametrize("part", ["sequence", "fusion"])
def test_a_sequence_stream_beside_those_on_grids_trains_in_16_bits(make_config: MakeConfig, part: Part) -> None:
    config = make_config(model={**SMALL, "sequence": {"width": 8}}, train={"precision": "bf16-mixed"})
    model = to_memory_format(build_recogniser(config.model, num_classes=2, part=part), config, "cpu").train()
    with arithmetic(config, torch.device("cpu")):
        logits = model(
            rgb=torch.zeros(2, 3, 2, 32, 32, dtype=torch.uint8),
            heatmaps=torch.full((2, 133, 4, 8, 8), 9, dtype=torch.uint8),
            sequence=torch.ones(2, IN_CHANNELS, 48),
        )
    torch.stack([head.float().sum() for head in logits.values()]).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
