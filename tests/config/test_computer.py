"""What is known of a machine without torch."""

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from camfuse.config import computer
from camfuse.config.computer import Computer, cpu_computes_bf16, has_nvidia_gpu


@pytest.mark.parametrize(
    ("flags", "expected"), [("fpu avx512f avx512_bf16", True), ("fpu amx_bf16", True), ("fpu avx2 avx512_vnni", False)]
)
def test_a_cpu_that_computes_bf16_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, expected: bool
) -> None:
    facts = tmp_path / "cpuinfo"
    facts.write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    monkeypatch.setattr(computer, "CPU_FACTS", facts)
    assert cpu_computes_bf16() is expected


def test_a_system_without_that_file_computes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computer, "CPU_FACTS", tmp_path / "none")
    monkeypatch.setattr(computer, "ROOT", tmp_path)
    found = Computer.this()
    assert not cpu_computes_bf16() and not found.gpu and found.cores >= 1


@pytest.mark.parametrize(
    ("file", "torch", "expected"),
    [
        ("dev/nvidia0", "2.13.0", True),
        ("dev/nvidia0", None, True),
        ("dev/nvidia3", "2.13.0", True),  # a container that was given the fourth of a machine's
        ("dev/nvidiactl", "2.13.0", False),
        ("dev/nvidia0", "2.13.0+cpu", False),
        ("usr/lib/wsl/lib/libcuda.so.1", "2.13.0", True),
        ("usr/lib/wsl/drivers/nv_dispi.inf/libcuda.so.1.1", "2.13.0", True),
        ("dev/dxg", "2.13.0", False),
    ],
)
def test_a_gpu_is_known_by_its_drivers_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, torch: str | None, expected: bool
) -> None:
    """One that torch cannot use counts as none: the recipe would train on the CPU what takes a GPU's minutes."""

    def version(_name: str) -> str:
        if torch is None:
            raise PackageNotFoundError
        return torch

    device = tmp_path / file
    device.parent.mkdir(parents=True)
    device.touch()
    monkeypatch.setattr(computer, "ROOT", tmp_path)
    monkeypatch.setattr(computer, "version", version)
    assert Computer.this().gpu is expected
    assert has_nvidia_gpu() is (file not in ("dev/dxg", "dev/nvidiactl"))
