"""Each package is tried in a process of its own; what fails is a line with its remedy."""

from collections.abc import Callable

import pytest

from camfuse.doctor import programs
from camfuse.doctor.finding import Finding
from camfuse.doctor.programs import check_programs, installed_version, tried
from camfuse.entries import Package

Answer = tuple[bool, str]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Finding]]:
    """Look with answers in place of processes: `found({"import x": (False, "why")}, needed=[...], absent={"x"})`."""

    def look(
        answers: dict[str, Answer], needed: list[Package] | None = None, absent: frozenset[str] = frozenset()
    ) -> dict[str, Finding]:
        def answer(code: str, *, whole: bool = False) -> Answer:
            return next((one for part, one in answers.items() if part in code), (True, "2.13.0" if whole else ""))

        monkeypatch.setattr(programs, "tried", answer)
        monkeypatch.setattr(Package, "missing", property(lambda package: package.name in absent))
        return {one.subject: one for one in check_programs(needed or [])}

    return look


def test_all_is_well(found: Callable[..., dict[str, Finding]]) -> None:
    lines = found({"get_available": (True, "CPUExecutionProvider")})
    assert {one.state for subject, one in lines.items() if subject != "GPU"} == {"ok"}
    assert lines["engine onnx"].text.endswith("CPUExecutionProvider")
    assert {"pose.mediapipe", "pose.mmpose", "pose.rtmlib", "pose.annotations", "engine openvino"} <= lines.keys()


def test_what_no_config_needs_is_a_note_with_its_remedy(found: Callable[..., dict[str, Finding]]) -> None:
    line = found({}, absent=frozenset({"mmpose", "mmcv"}))["pose.mmpose"]
    assert (line.state, line.text) == ("note", "no mmpose, mmcv")
    assert "make mmpose" in line.remedy


def test_what_a_config_needs_is_missing(found: Callable[..., dict[str, Finding]]) -> None:
    lines = found({}, [Package("mediapipe", "")], frozenset({"mediapipe", "openvino"}))
    assert lines["pose.mediapipe"].state == "missing"
    assert lines["engine openvino"].state == "note"


def test_what_is_installed_and_fails_is_said(found: Callable[..., dict[str, Finding]]) -> None:
    line = found({"Holistic": (False, "ImportError: libGL.so.1: cannot open")})["pose.mediapipe"]
    assert (line.state, line.remedy[:11]) == ("missing", "make videos")
    assert "mediapipe is installed and fails: ImportError: libGL" in line.text


def test_gpus_are_named(found: Callable[..., dict[str, Finding]]) -> None:
    lines = found({"cuda": (True, "2.13.0\nH100, 80 GB\nH100, 80 GB")})
    assert (lines["torch"].text, lines["GPU 1"].text) == ("2.13.0", "H100, 80 GB")


@pytest.mark.parametrize(("there", "state"), [(True, "missing"), (False, "note")])
def test_a_gpu_that_torch_does_not_see(
    found: Callable[..., dict[str, Finding]], monkeypatch: pytest.MonkeyPatch, there: bool, state: str
) -> None:
    monkeypatch.setattr(programs, "has_nvidia_gpu", lambda: there)
    assert found({})["GPU"].state == state


def test_no_torch_and_no_snakemake(found: Callable[..., dict[str, Finding]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "installed_version", lambda name: "")
    lines = found({"cuda": (False, "ModuleNotFoundError: No module named 'torch'")})
    assert lines["torch"].state == lines["snakemake"].state == "missing"
    assert lines["snakemake"].remedy == "pip install 'snakemake>=9.19,<10'"


def test_a_process_of_its_own() -> None:
    assert tried("print('a'); print('b')") == (True, "b")
    assert tried("print('a'); print('b')", whole=True) == (True, "a\nb")
    assert tried("raise ImportError('no such thing')") == (False, "ImportError: no such thing")
    assert tried("import os, signal; os.kill(os.getpid(), signal.SIGILL)") == (False, "it was ended by signal 4")


def test_a_process_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "SECONDS", 0.2)
    assert tried("import time; time.sleep(9)") == (False, "it has not ended after 0.2 s")


def test_versions_of_builds_for_gpus_count_too() -> None:
    assert installed_version("numpy")
    assert installed_version("never-heard-of") == ""
