"""What is known of a machine without torch."""

from pathlib import Path

import pytest

from camfuse.config import computer
from camfuse.config.computer import Computer, cpu_computes_bf16


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
    assert Computer.this().bf16 is expected


def test_a_system_without_that_file_computes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computer, "CPU_FACTS", tmp_path / "none")
    monkeypatch.setattr(computer, "GPU_FILES", (tmp_path / "nvidia0",))
    found = Computer.this()
    assert not found.bf16 and not found.gpu and found.cores >= 1


def test_a_gpu_is_known_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path / "nvidia0"
    device.touch()
    monkeypatch.setattr(computer, "GPU_FILES", (device,))
    assert Computer.this().gpu
