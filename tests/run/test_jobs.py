"""What every job of the workflow finds in its environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from made_training import MakeConfig

from camfuse.config.computer import Computer
from camfuse.run import jobs
from camfuse.run.jobs import cpu_seconds, prepare_jobs, training_gpus


@pytest.mark.parametrize("conda", [False, True])
def test_jobs_find_the_checkout_and_their_python(monkeypatch: pytest.MonkeyPatch, conda: bool) -> None:
    monkeypatch.setattr(os, "environ", {"PATH": "/bin", "PYTHONPATH": "/other"})
    prepare_jobs(Path("/checkout"), conda=conda)
    assert os.environ["PYTHONPATH"] == f"/checkout{os.pathsep}/other"
    own = f"{Path(sys.executable).parent}{os.pathsep}/bin"
    assert os.environ["PATH"] == ("/bin" if conda else own)  # conda's comes from the job's own environment
    assert ("PYTHONNOUSERSITE" in os.environ) == conda


@pytest.mark.parametrize(
    ("device", "local", "gpu", "expected"),
    [
        ("cpu", True, True, 0),
        ("auto", True, False, 0),
        ("auto", True, True, 2),
        ("auto", False, False, 2),
        ("cuda", True, False, 2),
    ],
)
def test_gpus_are_reserved_where_they_can_be(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, device: str, local: bool, gpu: bool, expected: int
) -> None:
    monkeypatch.setattr(jobs.Computer, "this", lambda: Computer(2, gpu=gpu))
    config = make_config(machine={"device": device, "devices": 2})
    assert training_gpus(config, local=local) == expected


def test_a_job_says_at_its_end_what_it_and_its_children_used(tmp_path: Path) -> None:
    child = "import time\nwhile time.process_time() < 1: pass"
    program = (
        "import atexit, logging, subprocess, sys\n"
        "from camfuse.run.jobs import note_cpu_seconds\n"
        f"logging.basicConfig(filename={str(tmp_path / 'job.log')!r}, level='INFO')\n"
        "atexit.register(note_cpu_seconds)\n"
        f"subprocess.run([sys.executable, '-c', {child!r}])\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    found = cpu_seconds(tmp_path / "job.log")
    assert found is not None and found >= 1


@pytest.mark.parametrize("text", [None, "", "killed before its end\n"])
def test_of_a_job_that_did_not_say_it_the_cpu_time_is_unknown(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "job.log").write_text(text)
    assert cpu_seconds(tmp_path / "job.log") is None
